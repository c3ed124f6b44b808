"""What a person sees of `seraph evaluate`: the candidates beside each other, the stored evaluations, warning lights."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from flows.terminal import decimals, out

if TYPE_CHECKING:
    from tasks.evaluation.result import Evaluation
    from tasks.evaluation.result_model import ModelResult
    from tasks.evaluation.unlabelled import Survey

_LIGHTS = {"red": "bold red", "amber": "yellow", "grey": "dim", "green": "green"}


def show_evaluation(evaluation: "Evaluation") -> None:
    """The verdict, the candidates with what they were measured at, and where the report is."""
    out.print(Text(evaluation.verdict, style="bold"))
    for note in evaluation.notes:
        out.print(Text(f"Note        {note}"), style="yellow")
    table = Table(title=f"Candidates on {evaluation.dataset.n} labelled segments", title_justify="left")
    table.add_column("candidate", overflow="fold")
    for name in ("accuracy", "95 %", "macro F1", "UAR", "cross-entropy"):
        table.add_column(name, justify="right", no_wrap=True)
    for model in evaluation.models:
        table.add_row(_candidate(model), *_measured(model))
    out.print(table)
    for model in evaluation.models:
        if model.status != "ok":
            reason = model.reason or "no reason was given"
            out.print(Text(f"{model.status.capitalize():<12}{model.model}: {reason}"), style="yellow")
    if evaluation.outputs:
        out.print(Text(f"Report      {evaluation.outputs.report_file or evaluation.outputs.report}"))


def show_history(evaluations: "Sequence[Evaluation]") -> None:
    """The stored evaluations, the newest first: the best candidate of each, and where its report is."""
    if not evaluations:
        out.print(Text("There is no evaluation yet: seraph evaluate --labels … makes one."))
        return
    table = Table(title="Evaluations (only rows with the same labels can be compared)", title_justify="left")
    table.add_column("evaluation", no_wrap=True)
    for name in ("labels", "segments", "best candidate"):
        table.add_column(name, overflow="fold")
    table.add_column("accuracy", justify="right", no_wrap=True)
    for each in sorted(evaluations, key=lambda each: each.created, reverse=True):
        names = ", ".join(Path(file).name for file in each.dataset.files)
        labels = Text(f"{names} ({each.dataset.sha256[:8]})")
        table.add_row(Text(each.evaluation_id), labels, str(each.dataset.n), *_best(each))
    out.print(table)
    if newest := max(evaluations, key=lambda each: each.created).outputs:
        out.print(Text(f"Newest      {newest.report_file or newest.report}"))


def show_survey(survey: "Survey", report: str) -> None:
    """The warning lights of an unlabelled corpus, and what they are not."""
    for light in survey.lights:
        out.print(Text.assemble((f"{light.level:<6}", _LIGHTS[light.level]), light.text))
    out.print(Text(survey.standing, style="bold"))
    out.print(Text(f"Report      {report}"))


def _candidate(model: "ModelResult") -> Text:
    """The name, of a folder its last part, and below it what is suspicious."""
    name = Path(model.model).name if Path(model.model).is_dir() else model.model
    return Text.assemble(name, ("\n" + ", ".join(model.flags) if model.flags else "", "yellow"))


def _measured(model: "ModelResult") -> tuple[str, ...]:
    figures = (model.macro_f1, model.uar, model.cross_entropy)
    return decimals(model.accuracy), _range(model), *(decimals(each) for each in figures)


def _best(evaluation: "Evaluation") -> tuple[Text | str, ...]:
    """The first of the ranking with all that share its place, and its figures."""
    if not evaluation.ranking:
        return "–", "–"
    first, *others = evaluation.ranking[0].models
    model = evaluation.model(first)
    tied = f" (tied with {len(others)} more)" if others else ""
    return Text(first + tied), f"{decimals(model.accuracy)}\n{_range(model)}"


def _range(model: "ModelResult") -> str:
    bounds = model.accuracy_ci_grouped or model.accuracy_ci
    return f"{bounds[0]:.3f}–{bounds[1]:.3f}" if bounds else "–"
