"""The report of a re-evaluation: one self-contained HTML file, in English and Korean, and its summary in Markdown.

Reads and writes no files: where the page lies is the caller's business.
"""

from tasks.report.reevaluation.markdown import markdown_reevaluation
from tasks.report.reevaluation.page import build_reevaluation_page

__all__ = ["build_reevaluation_page", "markdown_reevaluation"]
