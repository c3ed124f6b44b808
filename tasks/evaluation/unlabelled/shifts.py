"""Drift: how far a configuration's shares lie from the reference's, beside what chance alone would show.

Segments of one medium are alike, so whole media are what chance draws. Where the reference has totals only, its media
are taken to differ as this corpus's do. Media that both hold count on both sides: the more of them, the smaller the
divergence, so a growing corpus is best compared with the newest part of it alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled.fold import MediaCounts, Tallied
from tasks.evaluation.unlabelled.record import Shift
from tasks.evaluation.unlabelled.scored import Reference
from tasks.numerics.drift import Band, Drift, drift, drift_by_source
from tasks.report.columns import Integers

TOTALS_ONLY = "the reference counts emotions over all languages together"


def shifts(reference: Reference, tallied: Tallied, *, seed: int) -> tuple[Shift, ...]:
    """Drift of the emotions in total, of the languages, and of the emotions by language where both have them."""
    languages = sorted({*reference.languages, *tallied.media_by_language})
    known = reference.media_by_language
    found = [
        _shift("emotions", None, _emotions(reference, tallied, seed), reference),
        _shift("languages", None, _languages(reference, tallied, languages, seed), reference),
    ]
    if known is not None:
        found += [_shift("emotions", each, drifted, reference) for each, drifted in _each(known, tallied, seed)]
    return tuple(found)


def _emotions(reference: Reference, tallied: Tallied, seed: int) -> Drift:
    current = tallied.media.decided
    if reference.media is not None:
        return drift_by_source(reference.media.decided, current, seed=seed)
    return _scaled(reference.categories[: len(TAXONOMY)], current, seed)


def _languages(reference: Reference, tallied: Tallied, languages: list[str], seed: int) -> Drift:
    current = _by_language(tallied.media_by_language, languages)
    if reference.media_by_language is not None:
        return drift_by_source(_by_language(reference.media_by_language, languages), current, seed=seed)
    return _scaled(np.array([reference.languages.get(each, 0) for each in languages], dtype=np.int64), current, seed)


def _each(known: Mapping[str, MediaCounts], tallied: Tallied, seed: int) -> Iterator[tuple[str, Drift]]:
    for language in sorted({*known} & {*tallied.media_by_language}):
        both = known[language].decided, tallied.media_by_language[language].decided
        yield language, drift_by_source(*both, seed=seed)


def _by_language(counts: Mapping[str, MediaCounts], languages: list[str]) -> Integers:
    """Segments by medium and language, shape (media, languages)."""
    rows: dict[int, int] = {}
    columns = [counts[each].segments() if each in counts else {} for each in languages]
    for column in columns:
        for medium in column:
            rows.setdefault(medium, len(rows))
    table = np.zeros((len(rows), len(languages)), dtype=np.int64)
    for index, column in enumerate(columns):
        table[[rows[medium] for medium in column], index] = list(column.values())
    return table


def _scaled(reference: Integers, current: Integers, seed: int) -> Drift:
    """The band for single segments, widened by how much the current media alone widen it."""
    own = drift_by_source(current, current, seed=seed)
    found = drift(reference, current.sum(axis=0), seed=seed)
    if found.verdict is None or own.verdict is None:
        reason = found.reason or own.reason
        return replace(found, jensen_shannon_band=None, population_stability_band=None, verdict=None, reason=reason)
    effect = max(1.0, own.design_effect or 1.0)
    band, other = _widened(found.jensen_shannon_band, effect), _widened(found.population_stability_band, effect)
    verdict: Literal["same", "drifted"] = (
        "drifted" if band and found.jensen_shannon is not None and found.jensen_shannon > band.extreme else "same"
    )
    return replace(
        found, jensen_shannon_band=band, population_stability_band=other, design_effect=effect, verdict=verdict
    )


def _widened(band: Band | None, effect: float) -> Band | None:
    return None if band is None else Band(band.usual * effect, band.extreme * effect)


def _shift(of: Literal["emotions", "languages"], language: str | None, found: Drift, reference: Reference) -> Shift:
    values = {
        "jensen_shannon": found.jensen_shannon,
        "population_stability_index": found.population_stability_index,
        "jensen_shannon_band": _ends(found.jensen_shannon_band),
        "population_stability_band": _ends(found.population_stability_band),
        "design_effect": found.design_effect,
        "verdict": found.verdict,
    }
    return Shift.model_validate(
        {
            "of": of,
            "language": language,
            "reference": found.reference,
            "current": found.current,
            "method": "scaled" if reference.media is None else "media",
            "undefined": {key: found.reason or "" for key, value in values.items() if value is None},
            **values,
        }
    )


def _ends(band: Band | None) -> tuple[float, float] | None:
    return None if band is None else (band.usual, band.extreme)
