"""Everything that a labelled set can say of one candidate, and of the two baselines.

Puts tasks/numerics to work and fills `ModelResult`. Pure: no files, no models, no services. Pairs are `assess`'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from actors.contract import TAXONOMY
from infra.location import short_path
from tasks.evaluation.answers import Answers
from tasks.evaluation.gather import Segments, coded
from tasks.evaluation.result_model import BASELINES, Bin, ClassFigures, Group, Interval, ModelResult, Pair
from tasks.evaluation.text_figures import parts, text_read
from tasks.numerics import intervals as numeric
from tasks.numerics.baselines import label_prior, majority
from tasks.numerics.calibration import calibration_error, reliability
from tasks.numerics.groups import LENGTH_BINS, averaged, grouped, length_bin
from tasks.numerics.metrics import Metrics, measure, soft_cross_entropy
from tasks.numerics.sources import Sources, group

AVERAGED = ("accuracy", "uar", "macro_f1", "macro_f1_present", "cross_entropy", "brier", "neutral_rate")
"""Figures that are also averaged over several label files."""

MAX_GROUPS = 200
"""Sources or speakers with figures of their own; of more, the largest are shown."""


def figures(segments: Segments, answers: Answers, seed: int) -> ModelResult:
    """Everything that the set can say of one candidate."""
    prediction = answers.prediction
    metrics = measure(segments.truth, prediction, answers.posterior, can_say=answers.can_say)
    sources = group(segments.source)
    spec = next(iter(answers.specs.values()), None)
    several_raters = any(each.raters for each in segments.sets)
    undefined = dict(metrics.undefined)
    calibration = calibration_error(segments.truth, answers.posterior, seed=seed)
    if calibration.value is None:
        undefined["ece"] = undefined["ece_null"] = calibration.reason or "there is no decided segment"
    intervals = dict(_intervals(segments, prediction, sources, undefined))
    soft = soft_cross_entropy(segments.soft, answers.posterior) if several_raters else None
    dropped = _mean(answers.dropped)
    if dropped is None:
        undefined["dropped_mass"] = "no labelled segment has a posterior"
    if soft is None:
        undefined["soft_cross_entropy"] = "there is one rater" if not several_raters else "no segment is decided"
    return ModelResult(
        model=answers.name,
        kind=answers.kind,
        status="ok",
        **_what_it_is(answers, spec),
        **_scalars(metrics),
        **{f"{name}_ci": _bounds(intervals.get(name)) for name in _WITH_INTERVALS},
        accuracy_ci_grouped=_bounds(intervals.get("accuracy_grouped")),
        n=metrics.n,
        undecided=int((prediction < 0).sum()),
        unscored=int(answers.unscored.sum()),
        unscored_reasons=dict(answers.reasons),
        soft_cross_entropy=soft,
        ece=calibration.value,
        ece_null=None if calibration.low is None or calibration.high is None else (calibration.low, calibration.high),
        mean_posterior=_mean_posterior(answers),
        dropped_mass=dropped,
        intervals=intervals,
        classes=_classes(metrics),
        confusion=_whole(metrics),
        reliability=tuple(
            Bin(n=each.n, confidence=each.confidence, accuracy=each.accuracy)
            for each in reliability(segments.truth, answers.posterior)
        ),
        groups=tuple(_groups(segments, answers)),
        averaged=_averaged(segments, answers),
        flags=answers.flags,
        parts=parts(answers),
        text=text_read(segments.truth, answers),
        undefined=undefined,
    )


def baselines(segments: Segments) -> list[ModelResult]:
    """What needs no model: always the commonest label, and labels drawn from their own shares."""
    found = []
    for name, metrics in zip(BASELINES, (majority(segments.truth), label_prior(segments.truth)), strict=True):
        # Expected counts of the second are no whole numbers, and it has no predictions to show.
        table = _whole(metrics) if name == "majority" else ()
        found.append(
            ModelResult(
                model=name,
                kind="baseline",
                status="ok",
                **_scalars(metrics),
                n=metrics.n,
                classes=_classes(metrics) if name == "majority" else (),
                confusion=table,
                undefined=dict.fromkeys(_OF_MODELS_ONLY, "a baseline has none") | dict(metrics.undefined),
            )
        )
    return found


_WITH_INTERVALS = ("accuracy", "uar", "macro_f1", "macro_f1_present")
_OF_MODELS_ONLY = (
    *(f"{name}_ci" for name in _WITH_INTERVALS),
    "accuracy_ci_grouped",
    "soft_cross_entropy",
    "ece",
    "ece_null",
    "dropped_mass",
)
_SCALARS = (
    "accuracy",
    "uar",
    "macro_f1",
    "macro_f1_present",
    "brier",
    "cross_entropy",
    "neutral_rate",
    "non_neutral_accuracy",
    "coverage",
)


def _scalars(metrics: Metrics) -> dict[str, float | None]:
    return {name: getattr(metrics, name) for name in _SCALARS}


def _intervals(
    segments: Segments, prediction: np.ndarray[Any, np.dtype[np.int64]], sources: Sources, undefined: dict[str, str]
) -> Iterator[tuple[str, Interval]]:
    right = prediction == segments.truth
    macro = numeric.macro_intervals(segments.truth, prediction, sources)
    found = {
        "accuracy": numeric.wilson(int(right.sum()), len(right)),
        "accuracy_grouped": numeric.wilson_grouped(right, sources),
        "uar": macro.uar,
        "macro_f1": macro.macro_f1,
        "macro_f1_present": macro.macro_f1_present,
    }
    for name, each in found.items():
        interval = record_interval(each)
        if interval is None:
            key = "accuracy_ci_grouped" if name == "accuracy_grouped" else f"{name}_ci"
            undefined[key] = each.note or "it cannot be told"
        else:
            yield name, interval


def record_interval(each: numeric.Interval) -> Interval | None:
    if each.low is None or each.high is None:
        return None
    return Interval(
        low=each.low,
        high=each.high,
        method=each.method,
        level=each.level,
        coverage=each.coverage,
        conditions=each.conditions,
        note=each.note,
    )


def _bounds(interval: Interval | None) -> Pair | None:
    return None if interval is None else (interval.low, interval.high)


def _what_it_is(answers: Answers, spec: Any) -> dict[str, Any]:
    """What stands behind a candidate; a system's models are named one after the other."""
    specs = list(answers.specs.values())
    if not specs:
        return {"says": tuple(e for e, can in zip(TAXONOMY, answers.can_say, strict=True) if can)}
    licences = sorted({each.licence for each in specs if each.licence})
    return {
        "source": ", ".join(short_path(each.source) for each in specs),
        "revision": spec.revision if len(specs) == 1 else None,
        "weights_sha256": spec.weights_sha256 if len(specs) == 1 else None,
        "family": ", ".join(sorted({each.family for each in specs})),
        "output_kind": spec.kind if len(specs) == 1 else None,
        "labels": spec.labels if len(specs) == 1 else (),
        "label_map": {label: emotion for table in answers.maps.values() for label, emotion in table.items()},
        "languages": answers.languages,
        "licence": ", ".join(licences) or None,
        "precision": ", ".join(answers.precisions) or None,
        "says": tuple(e for e, can in zip(TAXONOMY, answers.can_say, strict=True) if can),
    }


def _classes(metrics: Metrics) -> tuple[ClassFigures, ...]:
    predicted = np.array(metrics.confusion).sum(axis=0)
    return tuple(
        ClassFigures(
            emotion=emotion,
            support=round(metrics.classes[emotion].support),
            predicted=round(float(predicted[index])),
            precision=metrics.classes[emotion].precision,
            recall=metrics.classes[emotion].recall,
            f1=metrics.classes[emotion].f1,
        )
        for index, emotion in enumerate(TAXONOMY)
    )


def _whole(metrics: Metrics) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(round(cell) for cell in row) for row in metrics.confusion)


def _mean_posterior(answers: Answers) -> dict[str, float]:
    decided = answers.posterior[~np.isnan(answers.posterior).any(axis=1)]
    return dict(zip(TAXONOMY, decided.mean(axis=0).tolist(), strict=True)) if len(decided) else {}


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _groups(segments: Segments, answers: Answers) -> Iterator[Group]:
    """Figures by what segments share; a column with one value, or with none, tells nothing."""
    prediction = answers.prediction
    columns: Mapping[Any, Sequence[str | None]] = {
        "set": segments.origin.tolist(),
        "language": segments.language.tolist(),
        "source": segments.medium,
        "speaker": segments.speaker.tolist(),
        "length": [length_bin(seconds) for seconds in (segments.end_s - segments.start_s).tolist()],
    }
    for by, column in columns.items():
        for key, rows in _largest(column, LENGTH_BINS if by == "length" else None):
            metrics = measure(segments.truth[rows], prediction[rows], answers.posterior[rows], can_say=answers.can_say)
            yield _group(by, key, metrics)


def _largest(
    column: Sequence[str | None], order: Sequence[str] | None
) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.int64]]]]:
    """The rows of each of the largest groups, in order of their keys; none where there are not two.

    Of very many groups only those are measured that are shown.
    """
    names, codes = coded(["" if each is None else each for each in column])
    if len(names) < 2:
        return
    sizes = np.bincount(codes)
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(sizes)[:-1])
    shown = np.argsort(-sizes, kind="stable")[:MAX_GROUPS].tolist()
    for code in sorted(shown, key=lambda each: order.index(names[each]) if order else each):
        yield names[code], rows[code]


def _averaged(segments: Segments, answers: Answers) -> dict[str, float]:
    """Means over the label files, each of which counts alike; what is undefined in one of them is left out."""
    if len(set(segments.origin.tolist())) < 2:
        return {}
    by_file = grouped(segments.truth, answers.prediction, answers.posterior, segments.origin.tolist())
    means = averaged(by_file)
    return {name: value for name in AVERAGED if (value := getattr(means, name)) is not None}


def _group(by: Any, key: str, metrics: Metrics) -> Group:
    return Group(
        by=by,
        key=key,
        n=metrics.n,
        accuracy=metrics.accuracy if metrics.accuracy is not None else 0.0,
        uar=metrics.uar,
        macro_f1_present=metrics.macro_f1_present,
        neutral_rate=metrics.neutral_rate,
        cross_entropy=metrics.cross_entropy,
    )
