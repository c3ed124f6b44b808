"""What a person sees of `seraph tune`: the verdict, what the search seems to gain, and what of it holds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from flows.terminal import decimals, out

if TYPE_CHECKING:
    from tasks.tuning.result import Gain, Scores, Tuning

_VERDICTS = {
    "adopt": "Use the tuned parameters.",
    "keep-default": "Keep the default.",
    "undecided": "Undecided. Keep the default for now.",
}
_FIGURES = ("macro_f1_present", "macro_f1", "accuracy", "uar", "cross_entropy")


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


def _tuned(tuning: "Tuning", figure: str) -> list[str]:
    three: tuple[Scores, ...] = (tuning.default, tuning.apparent, tuning.nested)
    return [decimals(getattr(each, figure)) for each in three]


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
