"""What a person sees on the terminal: messages and progress on stderr, results on stdout."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from actors.contract import TAXONOMY

if TYPE_CHECKING:
    from actors.pool import Progress as Counts
    from infra.stack import StackStatus
    from tasks.evaluation.result import Evaluation, ModelResult
    from tasks.evaluation.unlabelled import Survey
    from tasks.plan import Plan
    from tasks.records import RunRecord
    from tasks.tuning.result import Gain, Scores, Tuning

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)

_POLL_S = 0.25


def say(message: str) -> None:
    """A line for whoever waits."""
    err.print(Text(message), soft_wrap=True)


def print_json(document: Mapping[str, Any]) -> None:
    """The one JSON document on stdout. Undefined figures must be None by now: NaN is an error."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


@contextmanager
def scoring_progress() -> "Iterator[Any]":
    """Show a run's progress while the block runs; yields what `flows.score_corpus.watching` takes.

    On no terminal nothing is drawn: logs are no place for a bar.
    """
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:.0f}/{task.total:.0f} media"),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(compact=True),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def watch(plan: "Plan", counts: "Counts") -> None:
        row = bar.add_task("Scoring", total=plan.media, detail="")
        threads.append(threading.Thread(target=_poll, args=(bar, row, counts, stop), daemon=True))
        threads[-1].start()

    with bar:
        try:
            yield watch
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def _poll(bar: Progress, row: Any, counts: "Counts", stop: threading.Event) -> None:
    while not stop.wait(_POLL_S):
        elapsed = bar.tasks[0].elapsed or 0.0
        speed = f" · {counts.audio_s / elapsed:.0f} × real time" if elapsed > 1 else ""
        detail = f"{counts.segments} segments · {counts.audio_s / 3600:.2f} h{speed}"
        bar.update(
            row, completed=counts.media, detail=detail + (f" · {counts.rejected} faults" if counts.rejected else "")
        )


def show_plan(plan: "Plan", media: str) -> None:
    """The plan of a dry run."""
    table = Table(title=f"What scoring {media} would do", title_justify="left", show_header=False)
    table.add_row("to score", f"{plan.media} media in {len(plan.shards)} shards")
    table.add_row("done already", str(plan.skipped))
    table.add_row("gone since", str(len(plan.removed)))
    if plan.other:
        table.add_row("no media", _counted(plan.other))
    out.print(table)


def show_run(record: "RunRecord") -> None:
    """The results of a run: emotions by language, what went wrong, and where everything lies."""
    corpus, media = record.corpus, record.media
    table = Table(title="Emotions in the corpus (segments)", title_justify="left")
    table.add_column("emotion")
    table.add_column("segments", justify="right")
    table.add_column("share", justify="right")
    for emotion in TAXONOMY:
        count = corpus.emotions.get(emotion, 0)
        table.add_row(emotion, str(count), f"{count / corpus.segments:.1%}" if corpus.segments else "–")
    if corpus.undecided:
        table.add_row("undecided", str(corpus.undecided), f"{corpus.undecided / corpus.segments:.1%}")
    out.print(table)
    languages = ", ".join(f"{language} {count}" for language, count in corpus.languages.items()) or "none"
    speed = "" if record.realtime_factor is None else f", {record.realtime_factor:.1f} × real time"
    out.print(Text(f"Languages   {languages}"))
    out.print(
        Text(
            f"This run    {media.planned} media: {media.scored} scored, {media.silent} silent, "
            f"{media.quarantined} quarantined; {media.skipped} were done already"
            + (f"; {media.removed} are gone" if media.removed else "")
        )
    )
    spoken = f"{record.segments} segments, {record.audio_seconds:.0f} s of speech in {record.seconds:.0f} s"
    out.print(Text(f"            {spoken}{speed}"))
    if record.redecided:
        out.print(Text(f"            {record.redecided} segments decided anew from stored logits"))
    for line in (*record.validation.failed, *record.validation.warnings):
        out.print(Text(f"Check       {line}"), style="yellow")
    for alarm in record.alarms:
        out.print(Text(f"Alarm       {alarm.message}"), style="bold yellow")
    if record.configuration and (made := record.configuration.promotion):
        by = f"promoted by {made.who}" + (", by force" if made.forced else "")
        out.print(Text(f"Configured  {made.name} ({made.hash}), {by}"))
    if any(model.demo for model in record.models.values()):
        out.print(
            Text("Note        demo models: toys trained on synthetic speech; their scores mean nothing"), style="yellow"
        )
    out.print(Text(f"Report      {record.outputs.report_file or record.outputs.report}"))


def show_stack(status: "StackStatus") -> None:
    """The parts of the local stack."""
    table = Table()
    for name in ("part", "state", "address", "log"):
        table.add_column(name, overflow="fold")
    for part in status.parts:
        table.add_row(part.label, part.state, part.address or "–", part.log or "–")
    out.print(table)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {'.' + suffix if suffix else 'without suffix'}" for suffix, count in counts.items())


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


_LIGHTS = {"red": "bold red", "amber": "yellow", "grey": "dim", "green": "green"}


def show_survey(survey: "Survey", report: str) -> None:
    """The warning lights of an unlabelled corpus, and what they are not."""
    for light in survey.lights:
        out.print(Text.assemble((f"{light.level:<6}", _LIGHTS[light.level]), light.text))
    out.print(Text(survey.standing, style="bold"))
    out.print(Text(f"Report      {report}"))


_VERDICTS = {
    "adopt": "Use the tuned parameters.",
    "keep-default": "Keep the default.",
    "undecided": "Undecided. Keep the default for now.",
}


def show_tuning(tuning: "Tuning") -> None:
    """The verdict, what the search seems to gain and what of it holds, and how to use what was found."""
    out.print(Text(f"{_VERDICTS[tuning.verdict]} {tuning.reason}", style="bold"))
    if tuning.verdict == "undecided" and tuning.labels_to_decide:
        out.print(Text(f"About {tuning.labels_to_decide:,} more labels, from more sources, would decide."))
    for note in (*tuning.notes, *(flag.replace("_", " ") for flag in tuning.flags)):
        out.print(Text(f"Note        {note}"), style="yellow")
    table = Table(title=f"{tuning.points:,} combinations on {tuning.dataset.n} segments", title_justify="left")
    table.add_column("figure", no_wrap=True)
    for name in ("default", "same segments", "held out"):
        table.add_column(name, justify="right")
    table.add_column("held-out gain, 91 %", justify="right", no_wrap=True)
    for figure in _FIGURES:
        table.add_row(figure.replace("_", " "), *_tuned(tuning, figure), _gained(tuning.gains.get(figure)))
    out.print(table)
    for line in _beside(tuning):
        out.print(Text(line))


_FIGURES = ("macro_f1_present", "macro_f1", "accuracy", "uar", "cross_entropy")


def _tuned(tuning: "Tuning", figure: str) -> list[str]:
    three: tuple[Scores, ...] = (tuning.default, tuning.apparent, tuning.nested)
    return [_decimals(getattr(each, figure)) for each in three]


def _gained(gain: "Gain | None") -> Text:
    if gain is None:
        return Text("–")
    interval = f" [{gain.ci.low:+.3f}, {gain.ci.high:+.3f}]" if gain.ci else ""
    return Text(f"{gain.value:+.3f}{interval}")


def _beside(tuning: "Tuning") -> "Iterator[str]":
    """How much luck gives, what was chosen, whether text helps, and where everything lies."""
    luck, default = tuning.luck, tuning.default.params
    if luck.high is not None and luck.observed is not None:
        yield f"Luck        gains up to {luck.high:.3f} (95 %) where nothing helps; observed {luck.observed:.3f}"
    changed = [f"{name} {value:g}" for name, value in tuning.apparent.params.items() if value != default.get(name)]
    yield f"Found       {', '.join(changed) or 'the default'}"
    if tuning.fusion:
        yield f"Text        {tuning.fusion.sentence}"
    if tuning.outputs:
        yield f"Report      {tuning.outputs.report_file or tuning.outputs.report}"
    if tuning.verdict == "adopt":
        yield f"To use it   seraph promote {tuning.tuning_id}"


def _candidate(model: "ModelResult") -> Text:
    """The name, of a folder its last part, and below it what is suspicious."""
    name = Path(model.model).name if Path(model.model).is_dir() else model.model
    return Text.assemble(name, ("\n" + ", ".join(model.flags) if model.flags else "", "yellow"))


def _measured(model: "ModelResult") -> tuple[str, ...]:
    figures = (model.macro_f1, model.uar, model.cross_entropy)
    return _decimals(model.accuracy), _range(model), *(_decimals(each) for each in figures)


def _best(evaluation: "Evaluation") -> tuple[Text | str, ...]:
    """The first of the ranking with all that share its place, and its figures."""
    if not evaluation.ranking:
        return "–", "–"
    first, *others = evaluation.ranking[0].models
    model = evaluation.model(first)
    tied = f" (tied with {len(others)} more)" if others else ""
    return Text(first + tied), f"{_decimals(model.accuracy)}\n{_range(model)}"


def _range(model: "ModelResult") -> str:
    bounds = model.accuracy_ci_grouped or model.accuracy_ci
    return f"{bounds[0]:.3f}–{bounds[1]:.3f}" if bounds else "–"


def _decimals(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
