"""Which parameters of a grid cannot matter on given segments, and why, so that nobody reads meaning into their values.

Owns the reasons. Each is reasoned from the evidence and the grid, then checked on a thinned grid: a reason that one
answer contradicts is not given. A parameter that is not named may still happen to change nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

import numpy as np

from actors.contract import TAXONOMY
from tasks.numerics.grid import DEFAULTS, Evidence, Grid
from tasks.numerics.heard import audio_says, posterior, text_says
from tasks.numerics.search import answers
from tasks.numerics.tallies import Objective

_CHECKED_POINTS = 4_000
_SAME = 1e-6
"""Probabilities that differ by less are the same: answers keep them in float32."""


class Idle(StrEnum):
    """Why a parameter cannot matter; the name is for those who say it in another language."""

    NO_TEXT = "no segment has text, so there is nothing to fuse"
    NOTHING_SHARED = "there is no emotion that both models can say, so there is nothing to weigh"
    NO_SUPPRESSION = "neutral is not suppressed (neutral_suppression is 1), so no one asks for it"
    TEMPERATURE_ALONE = (
        "every label means an emotion of its own and nothing else weighs the probabilities, so the most probable "
        "emotion stays the same; it matters for calibration"
    )
    AUDIO_UNHEARD = "audio_weight is 0 and the text model says all that the audio model can, so audio is not heard"
    NEVER_PROBABLE = "no model gives this emotion any probability here, so there is nothing to weigh"
    NEUTRAL_NEVER_PROBABLE = "no model gives neutral any probability here, so there is nothing to suppress"


def cannot_matter(evidence: Evidence, grid: Grid, objective: Objective = "macro_f1_present") -> dict[str, Idle]:
    """Parameters that the grid varies and that change nothing the objective sees, each with its reason.

    Args:
        evidence: The segments.
        grid: The points; a parameter with one value only is not varied, and not named.
        objective: The cross-entropy sees probabilities, all others the chosen emotion only.
    """
    varied = [name for name, tried in grid.values.items() if len(set(tried)) > 1]
    found = {name: _reason(name, evidence, grid, objective) for name in varied}
    return {
        name: reason
        for name, reason in found.items()
        if reason is not None and _changes_nothing(name, evidence, grid, objective)
    }


def _reason(name: str, evidence: Evidence, grid: Grid, objective: Objective) -> Idle | None:
    if name in TAXONOMY:
        return _silent(name, evidence, grid, Idle.NEVER_PROBABLE)
    rules: Mapping[str, Callable[[], Idle | None]] = {
        "audio_weight": lambda: _nothing_to_fuse(evidence),
        "audio_temperature": lambda: _temperature(evidence, grid, objective),
        "neutral_suppression": lambda: _silent("neutral", evidence, grid, Idle.NEUTRAL_NEVER_PROBABLE),
        "confidence_threshold": lambda: _unsuppressed(grid),
        "dominance_margin": lambda: _unsuppressed(grid),
    }
    return rules.get(name, lambda: None)()


def _nothing_to_fuse(evidence: Evidence) -> Idle | None:
    if not _has_text(evidence):
        return Idle.NO_TEXT
    return None if (audio_says(evidence) & text_says(evidence)).any() else Idle.NOTHING_SHARED


def _temperature(evidence: Evidence, grid: Grid, objective: Objective) -> Idle | None:
    if _audio_unheard(evidence, grid):
        return Idle.AUDIO_UNHEARD
    # Where a label is dropped, the temperature decides how much is dropped, and so what is undecided.
    one_to_one = (evidence.into.sum(axis=1) == 1).all() and (evidence.into.sum(axis=0) <= 1).all()
    weighing = set(grid.values) - {"audio_temperature", "audio_weight", "confidence_threshold", "dominance_margin"}
    alone = all(_tried(grid, name) == {DEFAULTS[name]} for name in weighing)
    if objective == "cross_entropy" or not one_to_one or not alone or _has_text(evidence):
        return None
    return Idle.TEMPERATURE_ALONE


def _audio_unheard(evidence: Evidence, grid: Grid) -> bool:
    if evidence.text is None or np.isnan(evidence.text).any() or _tried(grid, "audio_weight") != {0.0}:
        return False
    return not (audio_says(evidence) & ~text_says(evidence)).any()


def _unsuppressed(grid: Grid) -> Idle | None:
    return Idle.NO_SUPPRESSION if _tried(grid, "neutral_suppression") == {1.0} else None


def _silent(emotion: str, evidence: Evidence, grid: Grid, reason: Idle) -> Idle | None:
    """The reason, if no model gives the emotion any probability at any temperature and fusion."""
    place = TAXONOMY.index(emotion)
    pairs = ((t, w) for t in _tried(grid, "audio_temperature") for w in _ends(_tried(grid, "audio_weight")))
    return None if any((posterior(evidence, t, w)[:, place] > 0).any() for t, w in pairs) else reason


def _changes_nothing(name: str, evidence: Evidence, grid: Grid, objective: Objective) -> bool:
    """Whether answers agree over all values of a parameter, at points of the grid that are spread over the rest."""
    tried = tuple(sorted(_tried(grid, name)))
    others = {other: tuple(sorted(_tried(grid, other))) for other in grid.values if other != name}
    checked = answers(evidence, Grid({**_thinned(others, _CHECKED_POINTS // len(tried)), name: tried}))
    shape = (-1, len(tried), len(evidence.truth))
    prediction, p_truth = checked.prediction.reshape(shape), checked.p_truth.reshape(shape)
    if (prediction != prediction[:, :1]).any():
        return False
    return objective != "cross_entropy" or np.allclose(p_truth, p_truth[:, :1], rtol=0, atol=_SAME, equal_nan=True)


def _thinned(values: Mapping[str, tuple[float, ...]], most: int) -> dict[str, tuple[float, ...]]:
    """Values cut to their ends, then to one, the longest first, until there are at most so many points."""
    kept = dict(values)
    while kept and np.prod([float(len(each)) for each in kept.values()]) > max(most, 1):
        longest = max(kept, key=lambda name: len(kept[name]))
        each = kept[longest]
        kept[longest] = _ends(each) if len(each) > 2 else each[:1]
    return kept


def _ends(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted({min(values), max(values)}))


def _tried(grid: Grid, name: str) -> set[float]:
    return set(grid.values.get(name, (DEFAULTS[name],)))


def _has_text(evidence: Evidence) -> bool:
    return evidence.text is not None and not np.isnan(evidence.text).any(axis=1).all()
