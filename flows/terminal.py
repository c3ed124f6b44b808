"""What a person sees on the terminal: messages and progress on stderr, results on stdout."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from actors.contract import TAXONOMY

if TYPE_CHECKING:
    from actors.pool import Progress as Counts
    from infra.stack import StackStatus
    from tasks.plan import Plan
    from tasks.records.run import RunRecord

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


def decimals(value: float | None) -> str:
    """A figure to three places; a dash where it is undefined."""
    return "–" if value is None else f"{value:.3f}"


def show_plan(plan: "Plan", media: str) -> None:
    """The plan of a dry run."""
    table = Table(title=f"What scoring {media} would do", title_justify="left", show_header=False)
    table.add_row("to score", f"{plan.media} media in {len(plan.shards)} shards")
    table.add_row("done already", str(plan.skipped))
    table.add_row("gone since", str(len(plan.removed)))
    if plan.other:
        table.add_row("no media", _counted(plan.other))
    out.print(table)
    if not plan.media and not plan.skipped:
        out.print(Text(f"Note        {_no_media(media, plan.other)}"), style="yellow")


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
    if not media.planned and not media.skipped:
        out.print(Text(f"Note        {_no_media(record.media_uri, media.other)}"), style="yellow")
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


def _no_media(place: str, other: Mapping[str, int]) -> str:
    found = f"there are others ({_counted(other)}); `media.suffixes` says which count" if other else "nothing is there"
    return f"no media under {place}: {found}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {'.' + suffix if suffix else 'without suffix'}" for suffix, count in counts.items())
