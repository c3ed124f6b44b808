"""A re-evaluation in a few lines of Markdown, for the page of its flow run. The whole report is page.py."""

from urllib.parse import quote

from tasks.reevaluation.result import Reevaluation
from tasks.report.markdown import escaped
from tasks.report.reevaluation.page import banners, headline, labels_said
from tasks.report.reevaluation.tables import Rival, rivals
from tasks.report.words import UNDEFINED, Text, words


def markdown_reevaluation(found: Reevaluation) -> str:
    """The recommendation in both languages, the warnings, a row for each candidate, and where the report is."""
    head = headline(found)
    lines = [f"**{escaped(head.en)}**", "", f"**{escaped(head.ko)}**", ""]
    lines += [f"- {_both(Text(each.text, each.text_ko))}" for each in found.recommendation[1:]]
    lines += [f"- {_both(each.text)}" for each in banners(found)]
    lines += [f"- {_both(each)}" for each in labels_said(found)]
    columns = ("re_candidate", "re_accuracy", "re_difference", "re_verdict")
    lines += ["", "| " + " | ".join(_both(words(key)) for key in columns) + " |", "|:--|--:|--:|:--|"]
    lines += ["| " + " | ".join(_cells(each)) + " |" for each in rivals(found).rows]
    uri = found.outputs.report
    lines += ["", f"[{escaped(uri)}](<{quote(uri, safe=':/?=&%~._-')}>)"]
    return "\n".join(lines) + "\n"


def _cells(row: Rival) -> list[str]:
    said = _both(words(f"re_verdict_{row.verdict}")) if row.verdict else UNDEFINED
    if row.status:
        said = f"{_both(words(f'ev_status_{row.status}'))}: {escaped(row.reason)}"
    difference = f"{row.difference.value} {row.difference.interval or ''}".strip() if row.difference else UNDEFINED
    return [escaped(row.name), row.accuracy, escaped(difference), said]


def _both(text: Text) -> str:
    return escaped(text.en if text.en == text.ko else f"{text.en} {text.ko}")
