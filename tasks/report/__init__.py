"""The report of a run: one self-contained HTML file, in English and Korean, and its summary in Markdown.

    summary = Summary.fold(tables)          # one shard's `scores` at a time
    pages = build_pages(record, summary, quarantine)

Reads and writes no files: where the pages lie is the caller's business.
"""

from tasks.report.markdown import markdown_summary
from tasks.report.pages import ENTRY, build_pages
from tasks.report.summary import Summary

__all__ = ["ENTRY", "Summary", "build_pages", "markdown_summary"]
