"""The page of a survey without labels.

    page = build_survey_page(survey)

Reads and writes no files, and computes no figure: what is drawn stands in the record (tasks/evaluation/unlabelled).
"""

from tasks.report.unlabelled.page import build_survey_page

__all__ = ["build_survey_page"]
