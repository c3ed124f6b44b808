"""The report's charts: Altair, rendered to SVG text by vl-convert, once in each language.

Text stays text in the page's own fonts, and colours for ink follow the page (`currentColor`), so one drawing serves the
light and the dark page. Timelines are not drawn here: thousands of marks are cheaper as plain SVG (timelines.py).
"""

import re
from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from markupsafe import Markup

from actors.contract import SHORT_SECONDS
from tasks.report.palette import CATEGORIES, COLOURS, LANGUAGES
from tasks.report.summary import CONFIDENCE_BINS, LENGTH_BIN_S, LENGTH_BINS, Summary
from tasks.report.words import LANGUAGES as READERS
from tasks.report.words import Text, named, words

_WIDTH = 480
_HALF_WIDTH = 400
"""Pixels of the drawing inside its axes: alone on its line, or beside another."""
_INK = "currentColor"
_CONFIG: dict[str, Any] = {
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _INK,
        "titleColor": _INK,
        "domainColor": _INK,
        "tickColor": _INK,
        "gridColor": _INK,
        "gridOpacity": 0.12,
        "domainOpacity": 0.35,
        "tickOpacity": 0.35,
        "labelFontSize": 12,
        "labelPadding": 6,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": _INK, "title": None, "labelFontSize": 12, "orient": "top"},
}
MAX_LANGUAGES = 12
"""Languages in one chart; the rest stand in the table."""


def emotions_by_language(summary: Summary) -> Markup:
    """Share of scored speech by emotion, one bar for each language."""
    return _both("emotions_alt", lambda reader: _emotions(summary, reader))


def language_confidence(summary: Summary) -> Markup:
    """Histogram of Whisper's mass on the chosen language."""
    return _both("confidence_alt", lambda reader: _confidence(summary, reader))


def segment_lengths(summary: Summary) -> Markup:
    """Histogram of the segments' lengths, the short ones drawn lighter."""
    return _both("lengths_alt", lambda reader: _lengths(summary, reader))


def in_both_languages(label: Text, draw: Callable[[str], alt.Chart]) -> Markup:
    """A chart in each language, of which the page shows one; `label` says what it shows to who cannot see it."""
    drawn = Markup()
    for reader in READERS:
        svg = _sized(vl_convert.vegalite_to_svg(draw(reader).to_dict(), config=_CONFIG, allowed_base_urls=[]))
        drawn += Markup('<div class="chart" lang="{}" role="img" aria-label="{}">{}</div>').format(
            reader,
            label.in_language(reader),
            Markup(svg),  # noqa: S704  (vl-convert escapes text and attributes; a test holds it to that)
        )
    return drawn


def _both(alt_key: str, draw: Callable[[str], alt.Chart]) -> Markup:
    return in_both_languages(words(alt_key), draw)


def _sized(svg: str) -> str:
    """The SVG as the page wants it: scaled by it, in its font, and hidden from screen readers (the label says it)."""
    svg = re.sub(r'^<svg ([^>]*?)width="(\d+)" height="(\d+)"', r'<svg aria-hidden="true" \1data-width="\2"', svg)
    return re.sub(r' (aria-roledescription|aria-label|role|font-family)="[^"]*"', "", svg)


def _emotions(summary: Summary, reader: str) -> alt.Chart:
    rows = [
        {"language": named("language", language).in_language(reader), "order": index, "seconds": seconds[index]}
        for language, seconds in list(summary.category_seconds.items())[:MAX_LANGUAGES]
        for index in range(len(CATEGORIES))
    ]
    chart: alt.Chart = (
        alt.Chart(pd.DataFrame(rows), width=_WIDTH, height={"step": 34})
        .mark_bar(size=22)
        .encode(
            x=alt.X("seconds:Q", stack="normalize", axis=alt.Axis(format="%", title=None, tickCount=5)),
            y=alt.Y("language:N", title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=120)),
            order="order:Q",
            color=_colour("order:N", [*range(len(CATEGORIES))], COLOURS, legend=False),
        )
    )
    return chart


def _confidence(summary: Summary, reader: str) -> alt.Chart:
    languages = list(summary.language_confidence)[:MAX_LANGUAGES]
    names = [named("language", language).in_language(reader) for language in languages]
    rows = [
        {"from": bin_ / CONFIDENCE_BINS, "to": (bin_ + 1) / CONFIDENCE_BINS, "language": name, "segments": int(count)}
        for language, name in zip(languages, names, strict=True)
        for bin_, count in enumerate(summary.language_confidence[language])
    ]
    title = words("confidence_axis").in_language(reader)
    scale = alt.Scale(domain=[0, 1])
    return _histogram(rows, reader).encode(
        x=alt.X("from:Q", bin="binned", title=title, scale=scale, axis=alt.Axis(format="%", tickCount=5, grid=False)),
        color=_colour("language:N", names, [LANGUAGES[i % len(LANGUAGES)] for i in range(len(names))], legend=True),
    )


def _lengths(summary: Summary, reader: str) -> alt.Chart:
    starts = np.arange(LENGTH_BINS) * LENGTH_BIN_S
    last = words("lengths_over").in_language(reader)
    rows = [
        {"from": start, "to": start + LENGTH_BIN_S, "short": bool(start < SHORT_SECONDS), "segments": int(count)}
        for start, count in zip(starts, summary.lengths, strict=True)
    ]
    label = f"datum.value >= 15 ? '{last}' : datum.value"
    axis = alt.Axis(values=[0, 3, 6, 9, 12, 15], grid=False, labelExpr=label, labelFlush=False)
    scale = alt.Scale(domain=[0, LENGTH_BINS * LENGTH_BIN_S])
    return _histogram(rows, reader).encode(
        x=alt.X("from:Q", bin="binned", title=words("lengths_axis").in_language(reader), scale=scale, axis=axis),
        color=_colour("short:N", [True, False], ["#a9c3e3", LANGUAGES[0]], legend=False),
    )


def _histogram(rows: list[dict[str, Any]], reader: str) -> alt.Chart:
    title = words("segments_axis").in_language(reader)
    axis = alt.Axis(tickCount=4, tickMinStep=1, format="~s", titlePadding=12, domain=False, ticks=False)
    # The common prefix of all labels stands at 0 too: 0k.
    axis.labelExpr = "datum.value ? datum.label : '0'"
    chart = alt.Chart(pd.DataFrame(rows), width=_HALF_WIDTH, height=160).mark_bar()
    encoded: alt.Chart = chart.encode(x2="to", y=alt.Y("segments:Q", title=title, axis=axis))
    return encoded


def _colour(channel: str, domain: list[Any], colours: Any, *, legend: bool) -> alt.Color:
    scale = alt.Scale(domain=domain, range=list(colours))
    return alt.Color(channel, scale=scale, legend=alt.Legend(title=None) if legend else None)
