"""What a tuning comes to, in words of both languages. The words are tasks/report's, the judgement tasks/numerics'."""

from collections.abc import Mapping

from tasks.numerics.choice import Choice
from tasks.numerics.climbing import BEGINNINGS
from tasks.numerics.gains import Gain
from tasks.numerics.grid import Grid
from tasks.numerics.nested import Nested
from tasks.numerics.tallies import Objective
from tasks.report.words import Text, number, words
from tasks.tuning.evidence import Subject

_VERY_MANY = 10**12
LOG_LINEAR, STACKER = "log-linear pool", "fitted stacker"
_HOW_TO_USE = {LOG_LINEAR: "said_tune_log_linear", STACKER: "said_tune_stacker"}


def reason(found: Nested) -> Text:
    """Why to adopt, to keep the default, or that it cannot be told."""
    said = words(f"said_tune_{found.judgement.reason}", seen=_seen(found.gains, found.objective), n=found.sources)
    luck = found.luck
    if luck.observed is None or luck.mean is None or luck.observed <= 0:
        return said
    apparent, lucky = f"{luck.observed:.3f}", f"{luck.mean:.3f}"
    return said.joined(words("said_tune_luck", points=number(found.points), apparent=apparent, luck=lucky))


def notes(subject: Subject, grid: Grid, found: Nested, fusion: str | None) -> list[Text]:
    """What else must be known; `fusion` is the chosen way to use text, where there is text."""
    said = [words("said_tune_unscored", n=subject.unscored)] if subject.unscored else []
    if not found.exhaustive:
        said.append(
            words("said_tune_along", points=number(found.points), size=_size(grid.size), beginnings=str(BEGINNINGS + 1))
        )
    return [*said, words(_HOW_TO_USE[fusion])] if fusion in _HOW_TO_USE else said


def text_helps(choice: Choice) -> Text:
    """Does text help here?"""
    seen = _seen(choice.gains, choice.objective)
    return words(f"said_text_{choice.judgement.verdict}", chosen=choice.chosen, seen=seen)


def _size(points: int) -> str:
    """A number of combinations; a very large one by its power of ten."""
    return number(points) if points < _VERY_MANY else f"{points:.1e}".replace("e+", " · 10^")


def _seen(made: Mapping[Objective, Gain], objective: Objective) -> str:
    if objective not in made:
        return "–"
    gain = made[objective]
    low, high = gain.interval.low, gain.interval.high
    interval = "" if low is None or high is None else f" [{low:+.3f}, {high:+.3f}]"
    return f"{gain.value:+.3f}{interval}"
