"""The pages of an evaluation: its report, the history of all, and a short table in Markdown.

    page = build_evaluation_page(evaluation, media={"s3://media/1.mp4": Path("1.mp4")})
    history = build_leaderboard(evaluations)

Reads and writes no files, and computes no figure: what is drawn stands in the record (tasks/evaluation/result.py).
"""

from tasks.report.evaluation.history import build_leaderboard
from tasks.report.evaluation.markdown import markdown_evaluation
from tasks.report.evaluation.page import build_evaluation_page

__all__ = ["build_evaluation_page", "build_leaderboard", "markdown_evaluation"]
