"""A tuning in a few lines of Markdown, for the page of its flow run. The whole report is page.py."""

from urllib.parse import quote

from tasks.report.markdown import escaped
from tasks.report.tuning import said
from tasks.report.tuning.tables import FigureRow, figures
from tasks.report.words import Text, words
from tasks.tuning.result import Tuning

_COLUMNS = ("tu_objective", "tu_default", "tu_apparent", "tu_nested", "tu_nested_gain")


def markdown_tuning(tuning: Tuning) -> str:
    """The verdict and the warnings in both languages, a row for each figure, and where the report is."""
    head, why = said.headline(tuning), said.reason(tuning)
    lines = [f"**{escaped(head.en)}** {escaped(why.en)}", "", f"**{escaped(head.ko)}** {escaped(why.ko)}", ""]
    lines += [f"- {_both(each.text)}" for each in said.warnings(tuning)]
    lines += ["", "| " + " | ".join(_both(words(key)) for key in _COLUMNS) + " |", "|:--|--:|--:|--:|--:|"]
    lines += ["| " + " | ".join(_cells(each)) + " |" for each in figures(tuning)]
    if tuning.outputs:
        uri = tuning.outputs.report
        lines += ["", f"[{escaped(uri)}](<{quote(uri, safe=':/?=&%~._-')}>)"]
    return "\n".join(lines) + "\n"


def _cells(row: FigureRow) -> list[str]:
    interval = f" {row.gain.interval}" if row.gain.interval else ""
    return [_both(row.name), *(escaped(each.text) for each in row.cells), escaped(row.gain.value + interval)]


def _both(text: Text) -> str:
    return escaped(text.en if text.en == text.ko else f"{text.en} {text.ko}")
