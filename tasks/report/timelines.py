"""The geometry of the timelines: which marks a medium is drawn with, and where they stand, in percent of the width.

Plain SVG, filled in by the template: 50 media are up to 10,000 marks, each with its tooltip, which Altair would draw
several times larger and slower.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.report.columns import CATEGORIES as CATEGORY_COUNT
from tasks.report.columns import UNDECIDED
from tasks.report.palette import CATEGORIES
from tasks.report.summary import MediumSummary
from tasks.report.words import Text, clock, duration, named, percent, shortened, visible, words

MAX_MARKS = 180
"""Marks of one timeline. A medium with more segments is drawn in this many equal stretches of time."""
HEIGHT = 40
"""Pixels of a bar at confidence 1."""
_MIN_HEIGHT = 5
_TICK_STEPS_S = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MAX_TICKS = 6


@dataclass(frozen=True)
class Mark:
    """One bar: x and width in percent of the timeline, top and height in pixels, opacity 0…1."""

    category: int
    x: str
    width: str
    top: int
    height: int
    opacity: str
    title: str


@dataclass(frozen=True)
class Part:
    """A piece of the line below, which shows the shares of the whole medium: percent of the width."""

    category: int
    x: str
    width: str
    share: str


@dataclass(frozen=True)
class Tick:
    """A place on the time axis, in percent, with its label."""

    x: str
    label: str


@dataclass(frozen=True)
class Timeline:
    """Everything the template needs to draw one medium."""

    name: str
    full_name: str
    meta: Text
    languages: tuple[Text, ...]
    flags: tuple[Text, ...]
    label: Text
    marks: tuple[Mark, ...]
    parts: tuple[Part, ...]
    ticks: tuple[Tick, ...]
    pooled: bool


def timeline(medium: MediumSummary, root: str) -> Timeline:
    """Lay out one medium. `root` is the address all media stand under, left out of its name."""
    end_s = float(medium.end_s.max())
    name = short_name(medium.uri, root)
    parts = composition(medium.seconds)
    pooled = medium.segments > MAX_MARKS
    return Timeline(
        name=name,
        full_name=visible(medium.uri),
        meta=words("timeline_meta", n=medium.segments, speech=duration(float(medium.seconds.sum()))),
        languages=tuple(named("language", each) for each in sorted(medium.languages)),
        flags=tuple(named("flag", flag) for flag in sorted(medium.flags) if flag not in {"short", "demo_model"}),
        label=words("timeline_alt", name=name, shares=_shares(parts)),
        marks=tuple(_pooled(medium, end_s) if pooled else _marks(medium, end_s)),
        parts=parts,
        ticks=_ticks(end_s),
        pooled=pooled,
    )


def composition(seconds: npt.NDArray[np.float64]) -> tuple[Part, ...]:
    """Seconds by category, shape (8,), as the pieces of one line."""
    total = float(seconds.sum())
    ends = np.cumsum(seconds) / total if total else np.zeros(len(seconds))
    return tuple(
        Part(index, _percent(end - seconds[index] / total), _percent(seconds[index] / total), percent(value / total))
        for index, (end, value) in enumerate(zip(ends, seconds.tolist(), strict=True))
        if value > 0
    )


def short_name(uri: str, root: str) -> str:
    """A medium's name below `root`, made safe to read and of bounded length."""
    return shortened(visible(uri.removeprefix(root.rstrip("/") + "/")))


def _marks(medium: MediumSummary, end_s: float) -> Iterable[Mark]:
    languages = sorted(medium.languages)
    columns = (medium.start_s, medium.end_s, medium.category, medium.confidence, medium.language)
    for start, end, category, confidence, language in zip(*columns, strict=True):
        yield _mark(start, end, int(category), confidence, end_s, visible(languages[language]))


def _pooled(medium: MediumSummary, end_s: float) -> Iterable[Mark]:
    """One mark for each stretch of time that holds speech: the emotion that fills most of it, its mean confidence.

    A segment counts in the stretch that holds its middle: stretches of a medium this long are longer than segments.
    """
    stretch_s = end_s / MAX_MARKS
    middle = (medium.start_s + medium.end_s) / 2
    stretch = np.minimum((middle / stretch_s).astype(np.int64), MAX_MARKS - 1)
    length_s = medium.end_s - medium.start_s
    cell = stretch * CATEGORY_COUNT + medium.category
    cells = MAX_MARKS * CATEGORY_COUNT
    seconds = np.bincount(cell, length_s, minlength=cells).reshape(MAX_MARKS, CATEGORY_COUNT)
    confident = np.bincount(cell, length_s * np.nan_to_num(medium.confidence), minlength=cells)
    for index in np.flatnonzero(seconds.sum(axis=1)):
        category = int(seconds[index].argmax())
        confidence = confident[index * CATEGORY_COUNT + category] / seconds[index, category]
        yield _mark(index * stretch_s, (index + 1) * stretch_s, category, confidence, end_s, "")


def _mark(start_s: float, end_s: float, category: int, confidence: float, total_s: float, language: str) -> Mark:
    known = category != UNDECIDED
    height = max(_MIN_HEIGHT, round(HEIGHT * confidence)) if known else _MIN_HEIGHT
    title = [f"{clock(start_s)}–{clock(end_s)}", CATEGORIES[category], percent(confidence) if known else "", language]
    return Mark(
        category=category,
        x=_percent(start_s / total_s),
        width=_percent((end_s - start_s) / total_s),
        top=HEIGHT - height,
        height=height,
        opacity=f"{0.35 + 0.65 * confidence:.2f}" if known else "1",
        title=" · ".join(each for each in title if each),
    )


def _shares(parts: Iterable[Part]) -> Text:
    found = [named("emotion", CATEGORIES[part.category]).joined(Text(part.share, part.share)) for part in parts]
    return Text(", ".join(each.en for each in found), ", ".join(each.ko for each in found))


def _ticks(end_s: float) -> tuple[Tick, ...]:
    step = next((each for each in _TICK_STEPS_S if end_s / each <= _MAX_TICKS), _TICK_STEPS_S[-1])
    # The last tick keeps clear of the edge, so that its label is not cut off.
    places = np.arange(step, end_s * 0.97, step)
    return tuple(Tick(_percent(place / end_s), clock(place)) for place in places)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
