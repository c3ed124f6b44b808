"""The survey's figures as rows of tables: written, never computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled.record import (
    Configuration,
    ConsensusFigures,
    Disagreement,
    Distribution,
    Figures,
    ModelFigures,
    Pair,
    PairFigures,
    Shares,
    Shift,
    Survey,
)
from tasks.report.palette import CATEGORIES
from tasks.report.timelines import Part, composition
from tasks.report.words import UNDEFINED, Text, clock, named, number, percent, shortened, visible, words

MAX_NAME = 60


@dataclass(frozen=True)
class Name:
    """A name as shown, and whole."""

    text: str
    full: str


@dataclass(frozen=True)
class SharesRow:
    """Shares of a group: its line, and per emotion share and count, then the undecided."""

    name: Text
    whole: bool
    segments: str
    parts: tuple[Part, ...]
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SpreadRow:
    """A distribution: its bars (x, width and height in percent), its mean and its quantiles."""

    name: Name
    bars: tuple[tuple[str, str, str], ...]
    figures: tuple[str, ...]


@dataclass(frozen=True)
class PlaceRow:
    """A disagreement: where it is, and who says what; an emotion is the number of its colour and its name."""

    media: str
    full: str
    time: str
    language: Text | None
    width: str
    said: tuple[tuple[int, Text, str, Name], ...]


Row = tuple[Name, tuple[str | Text, ...]]


def name(text: str) -> Name:
    """A name from outside, made safe to read and of bounded length."""
    return Name(shortened(visible(text), MAX_NAME), visible(text))


def overview(survey: Survey) -> list[Row]:
    """Every configuration: segments, media, rates, diversity, mean confidence and entropy."""
    return [(name(each.name), tuple(_overview(each.figures))) for each in survey.configurations]


def shares_tables(survey: Survey) -> list[tuple[Name, list[SharesRow]]]:
    """By configuration: all, each language, and the reference."""
    return [(name(each.name), _shares_rows(each, survey)) for each in survey.configurations if each.figures.segments]


def spreads(survey: Survey, of: Callable[[Figures], Distribution], digits: int) -> list[SpreadRow]:
    """One distribution of every configuration, and of its models where it has several."""
    rows = []
    for each in survey.configurations:
        rows.append(_spread(name(each.name), of(each.figures), digits))
        if len(each.models) > 1:
            rows += [_spread(name(model.model), of(model), digits) for model in each.models]
    return [row for row in rows if row.bars]


def models(survey: Survey) -> list[tuple[Name, Name, tuple[str | Text, ...], tuple[Text, ...]]]:
    """Configuration, model, its figures, its alarms."""
    return [
        (name(each.name), name(model.model), tuple(_model(model)), tuple(words(f"un_alarm_{a}") for a in model.alarms))
        for each in survey.configurations
        for model in each.models
    ]


def drifts(survey: Survey) -> list[tuple[Name, tuple[str | Text, ...], str]]:
    """Every comparison with the reference, and the reasons for its dashes."""
    return [
        (name(each.name), tuple(_drift(shift)), _reasons(shift.undefined))
        for each in survey.configurations
        for shift in each.drift
    ]


def pairs(survey: Survey) -> list[tuple[Name, Name, tuple[str, ...], list[Text], str]]:
    """Every two configurations, how they differ most often, and the reasons for the dashes."""
    return [
        (name(each.a), name(each.b), tuple(_pair(each)), _differences(each), _reasons(each.undefined))
        for each in survey.pairs
    ]


def consensus(found: ConsensusFigures) -> list[tuple[Text, str]]:
    """Share of segments on which so many say the same."""
    rows = [
        (words("un_consensus_row", k=k, m=found.configurations), percent(share))
        for k, share in enumerate(found.at_least or (), start=1)
        if k > 1
    ]
    return [*rows, (words("un_consensus_tied"), percent(found.tied))]


def places(survey: Survey) -> list[PlaceRow]:
    """The widest disagreements."""
    return [_place(each) for each in survey.disagreements]


def _overview(figures: Figures) -> list[str]:
    said = figures.said
    return [
        number(figures.segments),
        number(figures.media),
        percent(said.undecided / said.segments if said.segments else None),
        percent(said.neutral_rate),
        _with_band(said.diversity, said.diversity_ci),
        number(figures.confidence.mean, 2),
        number(figures.entropy.mean, 2),
        percent(figures.short_rate),
        percent(figures.uncertain_rate),
    ]


def _shares_rows(configuration: Configuration, survey: Survey) -> list[SharesRow]:
    figures = configuration.figures
    rows = [_shares(words("un_all"), figures.said, whole=True)]
    rows += [_shares(named("language", code), said) for code, said in figures.languages.items()]
    if survey.reference is not None:
        shown = name(survey.reference.name).text
        rows.append(_shares(words("un_reference").joined(Text(shown, shown)), survey.reference.said, whole=True))
    return rows


def _shares(label: Text, said: Shares, *, whole: bool = False) -> SharesRow:
    counts = [*(said.emotions[emotion] for emotion in TAXONOMY), said.undecided]
    cells = [(percent(said.shares.get(emotion)), number(said.emotions[emotion])) for emotion in TAXONOMY]
    cells.append((percent(said.undecided / said.segments if said.segments else None), number(said.undecided)))
    return SharesRow(label, whole, number(said.segments), composition(np.array(counts, dtype=float)), tuple(cells))


def _spread(label: Name, found: Distribution, digits: int) -> SpreadRow:
    if not found.n:
        return SpreadRow(label, (), ())
    most, width = max(found.histogram), 100 / len(found.histogram)
    bars = tuple(
        (f"{index * width:.1f}%", f"{0.9 * width:.2f}%", f"{100 * count / most:.1f}%")
        for index, count in enumerate(found.histogram)
    )
    values = [found.mean, *found.quantiles.values()]
    return SpreadRow(label, bars, tuple(number(value, digits) for value in values))


def _model(model: ModelFigures) -> list[str | Text]:
    label = shortened(visible(model.label or UNDEFINED), 30)
    return [
        number(model.segments),
        number(model.media),
        number(model.information, 3),
        number(model.information_bound, 3),
        f"{label} {percent(model.label_share)}",
        percent(model.said.neutral_rate),
        _with_band(model.said.diversity, model.said.diversity_ci),
    ]


def _drift(shift: Shift) -> list[str | Text]:
    of = words(f"un_of_{shift.of}")
    if shift.language is not None:
        of = words("un_of_emotions_in", language=named("language", shift.language))
    return [
        of,
        number(shift.current),
        number(shift.reference),
        number(shift.jensen_shannon, 4),
        _two(shift.jensen_shannon_band, 4),
        number(shift.population_stability_index, 3),
        _two(shift.population_stability_band, 3),
        number(shift.design_effect, 1),
        UNDEFINED if shift.verdict is None else words(f"un_verdict_{shift.verdict}"),
    ]


def _pair(pair: PairFigures) -> list[str]:
    ends = pair.agreement_ci
    agreement = percent(pair.agreement) + (f" [{percent(ends[0])},\u00a0{percent(ends[1])}]" if ends else "")
    return [number(pair.shared), number(pair.n), agreement, _with_band(pair.kappa, pair.kappa_ci)]


def _differences(pair: PairFigures) -> list[Text]:
    return [
        words("un_difference", a=named("emotion", each.a), b=named("emotion", each.b), n=each.n)
        for each in pair.differences
    ]


def _place(found: Disagreement) -> PlaceRow:
    media = visible(found.media_uri)
    said = [
        (CATEGORIES.index(each or "undecided"), named("emotion", each or "undecided"), _sure(found, who), name(who))
        for who, each in found.said.items()
    ]
    return PlaceRow(
        media=shortened(media.rsplit("/", 1)[-1], 80),
        full=media,
        time=f"{_time(found.start_s)}–{_time(found.end_s)}",
        language=None if found.language is None else named("language", found.language),
        width=number(found.width, 2),
        said=tuple(said),
    )


def _sure(found: Disagreement, who: str) -> str:
    return number(found.confidence.get(who), 2)


def _time(seconds: float) -> str:
    tenths = round(seconds * 10)
    return f"{clock(tenths // 10)}.{tenths % 10}"


def _with_band(value: float | None, band: Pair | None) -> str:
    return number(value, 2) + (f" [{band[0]:.2f},\u00a0{band[1]:.2f}]" if band else "")


def _two(band: Pair | None, digits: int) -> str:
    return UNDEFINED if band is None else f"{band[0]:.{digits}f} / {band[1]:.{digits}f}"


def _reasons(undefined: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(visible(reason) for reason in undefined.values()))
