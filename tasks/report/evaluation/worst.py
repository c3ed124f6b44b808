"""The segments that the candidates are furthest off on, with a link that plays them, and the problems of the labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.evaluation.result import Dataset, Evaluation, Segment, SetProblem
from tasks.report.evaluation.figures import Emotion, Name, emotion, figure
from tasks.report.words import UNDEFINED, Text, clock, named, number, shortened, visible

MAX_WORST = 50
MAX_PROBLEMS = 20
"""Problems shown at once; the rest are folded away."""
_MAX_TEXT = 300


@dataclass(frozen=True)
class Play:
    """Where to play: the file's own address, and start and end in seconds."""

    uri: str
    start: str
    end: str


@dataclass(frozen=True)
class WorstRow:
    """A segment as a row; `said` are the emotions that were said for it, each with who said it, the truth first."""

    media: str
    full: str
    time: str
    about: tuple[Text, ...]
    text: str
    truth: Emotion
    p_truth: str
    said: tuple[tuple[Emotion, bool, tuple[Name, ...]], ...]
    play: Play | None


@dataclass(frozen=True)
class Problems:
    """The problems of the labels: those shown, those folded away, and how many the record does not hold."""

    shown: tuple[tuple[str, str, Text, str], ...]
    folded: tuple[tuple[str, str, Text, str], ...]
    left: int


def worst_rows(evaluation: Evaluation, names: Mapping[str, Name], media: Mapping[str, Path]) -> tuple[WorstRow, ...]:
    """At most `MAX_WORST` segments; `media` are the files at hand, by URI, or by name where they have none."""
    return tuple(_row(each, names, _at_hand(each, media)) for each in evaluation.worst[:MAX_WORST])


def problem_table(dataset: Dataset) -> Problems:
    """File, line, kind and what is wrong."""
    rows = tuple(_problem(each) for each in dataset.problems)
    left = max(0, dataset.problem_count - len(rows))
    return Problems(rows[:MAX_PROBLEMS], rows[MAX_PROBLEMS:], left)


def _at_hand(segment: Segment, media: Mapping[str, Path]) -> Path | None:
    return media.get(segment.uri or segment.media)


def _row(segment: Segment, names: Mapping[str, Name], path: Path | None) -> WorstRow:
    return WorstRow(
        media=shortened(visible(segment.media), 80),
        full=visible(segment.uri or segment.media),
        time=f"{_time(segment.start_s)}–{_time(segment.end_s)}",
        about=tuple(_about(segment)),
        text=shortened(visible(segment.text or ""), _MAX_TEXT),
        truth=emotion(segment.truth),
        p_truth=figure(segment.p_truth),
        said=_said(segment, names),
        play=None if path is None else Play(path.absolute().as_uri(), f"{segment.start_s:.3f}", f"{segment.end_s:.3f}"),
    )


def _about(segment: Segment) -> list[Text]:
    speaker = shortened(visible(segment.speaker or ""), 40)
    found = [Text(speaker, speaker)] if speaker else []
    return [*found, named("language", segment.language)] if segment.language else found


def _said(segment: Segment, names: Mapping[str, Name]) -> tuple[tuple[Emotion, bool, tuple[Name, ...]], ...]:
    by_emotion: dict[str | None, list[Name]] = {}
    for model, said in segment.predictions.items():
        if model in names:
            by_emotion.setdefault(said, []).append(names[model])
    ordered = sorted(by_emotion.items(), key=lambda each: (each[0] != segment.truth, -len(each[1])))
    return tuple((emotion(said), said == segment.truth, tuple(who)) for said, who in ordered)


def _time(seconds: float) -> str:
    """A place in a medium, to the tenth of a second."""
    tenths = round(seconds * 10)
    return f"{clock(tenths // 10)}.{tenths % 10}"


def _problem(each: SetProblem) -> tuple[str, str, Text, str]:
    line = UNDEFINED if each.line is None else number(each.line)
    name = each.file.replace("\\", "/").rsplit("/", 1)[-1]
    return (
        shortened(visible(name), 60),
        line,
        named("ev_problem_kind", shortened(each.kind, 60)),
        shortened(visible(each.text), _MAX_TEXT),
    )
