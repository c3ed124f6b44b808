"""An evaluation in a few lines of Markdown, for the page of its flow run. The whole report is page.py."""

from urllib.parse import quote

from tasks.evaluation.result import Evaluation
from tasks.evaluation.result_model import ModelResult
from tasks.report.evaluation.candidates import flag_name, in_order
from tasks.report.evaluation.figures import bracketed, figure, listed, shown_name
from tasks.report.markdown import escaped
from tasks.report.words import Text, shortened, words

_COLUMNS = ("ev_candidate", "ev_accuracy", "ev_macro_f1", "ev_uar", "ev_cross_entropy", "flags_title")


def markdown_evaluation(evaluation: Evaluation) -> str:
    """The verdict in both languages, a row for each candidate, and where the report is."""
    lines = [f"**{escaped(evaluation.verdict)}**", "", escaped(evaluation.verdict_ko), ""]
    lines += ["| " + " | ".join(_both(words(key)) for key in _COLUMNS) + " |", "|:--|--:|--:|--:|--:|:--|"]
    lines += ["| " + " | ".join(_cells(each)) + " |" for each in in_order(evaluation)]
    if evaluation.outputs:
        uri = evaluation.outputs.report
        lines += ["", f"[{escaped(uri)}](<{quote(uri, safe=':/?=&%~._-')}>)"]
    return "\n".join(lines) + "\n"


def _cells(model: ModelResult) -> list[str]:
    if model.status != "ok":
        status = words(f"ev_status_{model.status}").en
        reason = shortened(model.reason or words("ev_no_reason").en, 200)
        return [_name(model), "–", "–", "–", "–", escaped(f"{status}: {reason}")]
    interval = bracketed(model.accuracy_ci_grouped or model.accuracy_ci)
    accuracy = f"{figure(model.accuracy)} {interval}" if interval else figure(model.accuracy)
    rest = (model.macro_f1, model.uar, model.cross_entropy)
    flags = listed([flag_name(each) for each in model.flags]).en
    return [_name(model), escaped(accuracy), *(figure(each) for each in rest), escaped(flags)]


def _name(model: ModelResult) -> str:
    return escaped(shown_name(model.model).en)


def _both(text: Text) -> str:
    return escaped(text.en if text.en == text.ko else f"{text.en} {text.ko}")
