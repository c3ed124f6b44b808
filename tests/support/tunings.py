"""Tuning records for tests: seeded and plausible, as small, as large and as hostile as a test asks.

The figures agree with each other where a page shows them side by side; they are not the engine's.
"""

from typing import Any

import numpy as np

from tasks.evaluation.result import SetProblem
from tasks.evaluation.result_model import Bin, Interval
from tasks.numerics.grid import DEFAULTS
from tasks.numerics.idle import Idle
from tasks.tuning.result import (
    Calibration,
    Fusion,
    FusionCandidate,
    Gain,
    LanguageResult,
    Luck,
    Outputs,
    PairResponse,
    Response,
    Scored,
    Scores,
    Tuning,
)
from tests.support.evaluations import HOSTILE, SHARES, dataset

GRID = {
    "audio_weight": tuple(round(0.1 * each, 1) for each in range(11)),
    "neutral_suppression": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1),
    "sad": (0.8, 1.0, 1.2),
    "audio_temperature": (0.5, 1.0, 2.0),
}
CHOSEN = {"audio_weight": 0.7, "neutral_suppression": 0.8, "sad": 0.8, "audio_temperature": 1.0}
FOLDS = 12
_KEYS = ("macro_f1_present", "macro_f1", "accuracy", "uar", "cross_entropy")
_DEFAULT = (0.493, 0.423, 0.581, 0.502, 1.304)
_APPARENT = (0.590, 0.506, 0.613, 0.571, 1.299)
_HELD_OUT = (0.497, 0.426, 0.573, 0.507, 1.331)
_HOLDING = (0.571, 0.490, 0.605, 0.560, 1.251)
_NOTHING = dict.fromkeys(_KEYS)


def tuning(**changes: Any) -> Tuning:
    """A tuning of recorded scores on 124 segments of 12 sources that keeps the default: the gain is luck."""
    labels = dataset(np.random.default_rng(7).choice(7, size=124, p=SHARES).astype(np.int64), sources=12, speakers=9)
    values: dict[str, Any] = {
        "tuning_id": "20260102T030405-abcdef",
        "created": "2026-01-02T03:04:05+00:00",
        "code_version": "0.1.0",
        "lock_sha256": "cd" * 32,
        "seed": 17,
        "subject": "recorded scores",
        "dataset": labels,
        "objective": "macro_f1_present",
        "grid": GRID,
        "points": 7700,
        "folds": FOLDS,
        "sources": 12,
        "default": Scored(**_scores(*_DEFAULT), params=dict(DEFAULTS)),
        "apparent": Scored(**_scores(*_APPARENT), params={**DEFAULTS, **CHOSEN}),
        "nested": Scores(**_scores(*_HELD_OUT)),
        "optimism": 0.093,
        "gains": gains(*_gained(_HELD_OUT)),
        "stability": 0.25,
        "verdict": "undecided",
        "reason": "The labels cannot say whether there is a gain: held-out gain +0.004 [-0.076, +0.084].",
        "reason_ko": "이 레이블로는 이득이 있는지 알 수 없습니다. 이득 +0.004 [-0.076, +0.084].",
        "labels_to_decide": 3120,
        "luck": luck(0.097),
        "responses": tuple(_response(name) for name in GRID),
        "pair": _pair(),
        "languages": (language("en", "common", 84), language("ko", "own", 40)),
        "fusion": fusion(),
        "calibration": calibration(),
        "cannot_matter": {"audio_temperature": str(Idle.TEMPERATURE_ALONE)},
        "notes": ("The labels of one rater were used.",),
        "notes_ko": ("평가자 한 명의 레이블을 썼습니다.",),
        "flags": (),
        "seconds": 4.2,
        "settings": {"labels": ["labels/simpson.jsonl"], "settings": ["sad=0.8,1.0,1.2"], "draws": 400},
        "outputs": Outputs(report="s3://results/r.html", config="s3://results/c.yaml", tuning="s3://results/t.json"),
    }
    return Tuning(**(values | changes))


def adopted_tuning(**changes: Any) -> Tuning:
    """A tuning whose gain holds on held-out segments."""
    values: dict[str, Any] = {
        "nested": Scores(**_scores(*_HOLDING)),
        "optimism": 0.019,
        "gains": gains(*_gained(_HOLDING), reach=0.04),
        "stability": 1.0,
        "verdict": "adopt",
        "reason": "The gain holds on held-out segments: held-out gain +0.078 [+0.038, +0.118].",
        "reason_ko": "떼어 둔 구간에서도 이득이 유지됩니다. 이득 +0.078 [+0.038, +0.118].",
        "labels_to_decide": 0,
        "luck": luck(0.16),
    }
    return tuning(**(values | changes))


def empty_tuning() -> Tuning:
    """There were no labelled segments: nothing is defined."""
    why = "there are no labelled segments"
    return tuning(
        dataset=dataset(np.array([], dtype=np.int64), problems=(), problem_count=0),
        folds=0,
        sources=0,
        default=Scored(**_NOTHING, params=dict(DEFAULTS)),
        apparent=Scored(**_NOTHING, params=dict(DEFAULTS)),
        nested=Scores(**_NOTHING),
        optimism=None,
        gains={},
        labels_to_decide=None,
        luck=Luck(points=0, distinct=0, mean=None, high=None, observed=None, share_as_good=None, reason=why),
        responses=(),
        pair=None,
        languages=(),
        fusion=None,
        calibration=Calibration(temperature=None, before=None, after=None, reason=why),
        cannot_matter={},
        notes=(),
        notes_ko=(),
        outputs=None,
        stability=0.0,
        reason="There are no labelled segments.",
        reason_ko="레이블이 있는 구간이 없습니다.",
        undefined={"labels_to_decide": "there are no labels", "nested.uar": why}
        | dict.fromkeys(("default", "apparent", "nested", "gains"), why),
    )


def hostile_tuning() -> Tuning:
    """Every name and text from outside is one of `HOSTILE`."""
    base, name = tuning(), HOSTILE[0]
    everything = dict.fromkeys(HOSTILE, name)
    odd = dict.fromkeys(HOSTILE, 0.5)
    problems = tuple(SetProblem(file=each, line=None, kind=each, text=each) for each in HOSTILE)
    assert base.fusion is not None
    ways = tuple(base.fusion.candidates[0].model_copy(update={"name": each}) for each in HOSTILE)
    return base.model_copy(
        update={
            "tuning_id": name,
            "subject": name,
            "evaluation_id": name,
            "objective": "macro_f1_present",
            "reason": name,
            "reason_ko": name,
            "grid": dict.fromkeys(HOSTILE, (0.0, 0.5)),
            "default": base.default.model_copy(update={"params": odd}),
            "apparent": base.apparent.model_copy(update={"params": odd}),
            "responses": tuple(each.model_copy(update={"parameter": name}) for each in base.responses),
            "pair": _pair().model_copy(update={"first": name, "second": HOSTILE[1]}),
            "cannot_matter": everything,
            "languages": tuple(language(each, "own", 9, reason=each, params=odd) for each in HOSTILE),
            "fusion": base.fusion.model_copy(update={"candidates": ways, "sentence": name, "sentence_ko": name}),
            "calibration": Calibration(temperature=None, before=None, after=None, reason=name),
            "dataset": base.dataset.model_copy(
                update={"files": HOSTILE, "problems": problems, "problem_count": len(problems), "languages": {name: 1}}
            ),
            "notes": HOSTILE,
            "notes_ko": HOSTILE,
            "flags": HOSTILE,
            "settings": {**everything, "labels": list(HOSTILE)},
            "outputs": Outputs(report=name, config=name, tuning=name),
            "undefined": everything,
        }
    )


def large_tuning() -> Tuning:
    """A grid of two parameters with hundreds of values each."""
    values = tuple(round(0.01 * each, 2) for each in range(1, 301))
    best = tuple(0.5 - 0.0001 * abs(each - 120) for each in range(300))
    responses = tuple(
        Response(parameter=name, values=values, best=best, influence=0.018, chosen=(0,) * 120 + (12,) + (0,) * 179)
        for name in ("sad", "happy")
    )
    pair = PairResponse(
        first="sad", second="happy", first_values=values, second_values=values, best=tuple(best for _ in values)
    )
    params = {**DEFAULTS, "sad": 1.21, "happy": 1.21}
    apparent = tuning().apparent.model_copy(update={"params": params})
    return tuning(grid={"sad": values, "happy": values}, responses=responses, pair=pair, apparent=apparent)


def gains(*values: float, reach: float = 0.08) -> dict[str, Gain]:
    """A gain of every figure, or the same of all, with intervals of this reach."""
    each = values if len(values) > 1 else values * len(_KEYS)
    return {key: _gain(value, reach) for key, value in zip(_KEYS, each, strict=True)}


def luck(observed: float) -> Luck:
    """400 imitated searches that gain 0.07 on average."""
    drawn = np.sort(np.random.default_rng(3).gamma(6.0, 0.0117, 400))
    return Luck(
        points=7700,
        distinct=2310,
        mean=float(drawn.mean()),
        high=float(np.quantile(drawn, 0.95)),
        observed=observed,
        share_as_good=float((1 + (drawn >= observed).sum()) / 401),
        gains=tuple(drawn.tolist()),
    )


def language(code: str, kind: Any, n: int, **changes: Any) -> LanguageResult:
    """One language that keeps the default."""
    values: dict[str, Any] = {
        "language": code,
        "n": n,
        "sources": max(1, n // 10),
        "kind": kind,
        "params": {**DEFAULTS, "neutral_suppression": 0.9} if kind == "own" else {**DEFAULTS, **CHOSEN},
        "nested": Scores(**_scores(0.48, 0.41, 0.57, 0.5, 1.3)),
        "gains": gains(-0.012),
        "verdict": "keep-default",
        "reason": "No useful gain is left: held-out gain -0.012 [-0.092, +0.012], all below 0.02.",
    }
    return LanguageResult(**(values | changes))


def fusion() -> Fusion:
    """Audio alone is the worst, text alone does as well as any mixture."""
    held = {
        "audio alone": 0.112,
        "text alone": 0.493,
        "weighted sum": 0.481,
        "log-linear pool": 0.489,
        "fitted stacker": 0.377,
    }
    candidates = tuple(
        FusionCandidate(
            name=name, scores=Scores(**_scores(f1, f1 * 0.86, 0.58, f1 + 0.01, 1.3)), gains=gains(f1 - 0.112)
        )
        for name, f1 in held.items()
    )
    return Fusion(
        candidates=candidates,
        chosen="text alone",
        nested=Scores(**_scores(0.484, 0.41, 0.57, 0.49, 1.31)),
        gains=gains(0.372),
        verdict="adopt",
        sentence="Text helps: macro F1 rises by 37.2 points [29.2, 45.2] over the audio alone.",
        sentence_ko="텍스트가 도움이 됩니다. 매크로 F1이 오디오만 쓸 때보다 37.2%p [29.2, 45.2] 높습니다.",
    )


def calibration() -> Calibration:
    """A model that is too sure of itself, and a temperature that mends it."""
    before = ((9, 0.28, 0.31), (31, 0.52, 0.41), (44, 0.75, 0.55), (40, 0.94, 0.68))
    after = ((22, 0.27, 0.3), (50, 0.48, 0.49), (39, 0.66, 0.62), (13, 0.84, 0.85))
    return Calibration(
        temperature=1.82,
        before=1.304,
        after=1.187,
        ece_before=0.172,
        ece_after=0.041,
        reliability_before=tuple(Bin(n=n, confidence=c, accuracy=a) for n, c, a in before),
        reliability_after=tuple(Bin(n=n, confidence=c, accuracy=a) for n, c, a in after),
    )


def _gain(value: float, reach: float) -> Gain:
    interval = Interval(low=value - reach, high=value + reach, method="t at the effective number of sources, by source")
    return Gain(value=round(value, 6), ci=interval, probability=0.54)


def _gained(values: tuple[float, ...]) -> list[float]:
    """Over the default; the last figure is the cross-entropy, which gains by falling."""
    risen = [new - old for old, new in zip(_DEFAULT, values, strict=True)]
    return [*risen[:-1], -risen[-1]]


def _scores(*values: float) -> dict[str, float]:
    return dict(zip(_KEYS, values, strict=True))


def _response(name: str) -> Response:
    values, chosen = GRID[name], CHOSEN[name]
    slope = {"audio_weight": 0.16, "neutral_suppression": 0.2, "sad": 0.05, "audio_temperature": 0.0}[name]
    best = tuple(0.59 - slope * abs(each - chosen) for each in values)
    place = values.index(chosen)
    folds = [0] * len(values)
    folds[place], folds[place - 1] = FOLDS - 3, 3
    return Response(parameter=name, values=values, best=best, influence=max(best) - min(best), chosen=tuple(folds))


def _pair() -> PairResponse:
    first, second = "audio_weight", "neutral_suppression"
    best = tuple(tuple(0.59 - 0.16 * abs(a - 0.7) - 0.2 * abs(b - 0.8) for b in GRID[second]) for a in GRID[first])
    return PairResponse(first=first, second=second, first_values=GRID[first], second_values=GRID[second], best=best)
