"""The report of one tuning: one self-contained HTML file, in English and Korean, and its summary in Markdown.

    page = build_tuning_page(tuning)

Reads and writes no files, and computes no figure: what is drawn stands in the record (tasks/tuning/result.py). Drawn
with the pieces of the evaluation's page.
"""

from tasks.report.tuning.markdown import markdown_tuning
from tasks.report.tuning.page import build_tuning_page

__all__ = ["build_tuning_page", "markdown_tuning"]
