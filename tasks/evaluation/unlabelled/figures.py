"""Counts to figures: what one configuration, one model, or one language's segments look like. Judges nothing."""

from collections.abc import Mapping, Sequence

import numpy as np

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled.fold import Group, Spread, Tallied
from tasks.evaluation.unlabelled.record import Distribution, Figures, ModelFigures, ReferenceFigures, Shares
from tasks.evaluation.unlabelled.scored import Reference
from tasks.numerics.alarms import many, uniform_bound
from tasks.numerics.diversity import diversity
from tasks.report.columns import UNDECIDED, Integers

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 20
"""Bins of a stored histogram."""

_NO_SEGMENT = "there is no segment"
_UNKNOWN_MODEL = "the configuration no longer names this model: its labels are not known"


def figures(group: Group, media: int) -> Figures:
    """The figures of a group of segments in so many media."""
    return Figures(
        segments=group.segments,
        media=media,
        said=shares(group.categories),
        languages={language: shares(counts) for language, counts in sorted(group.languages.items())},
        short_rate=_rate(group.short, group.segments),
        uncertain_rate=_rate(group.uncertain, group.segments),
        confidence=distribution(group.confidence),
        entropy=distribution(group.entropy),
        undefined={} if group.segments else dict.fromkeys(("short_rate", "uncertain_rate"), _NO_SEGMENT),
    )


def model_figures(tallied: Tallied, labels: Mapping[str, Sequence[str]]) -> tuple[ModelFigures, ...]:
    """The figures of each model; `labels` are the models' own, by source."""
    return tuple(_model(model, group, labels.get(model, ())) for model, group in sorted(tallied.models.items()))


def reference_figures(reference: Reference) -> ReferenceFigures:
    """What stands in the record of the reference."""
    return ReferenceFigures(
        name=reference.name,
        kind="run" if reference.media is None else "corpus",
        said=shares(reference.categories),
        languages=dict(sorted(reference.languages.items())),
        by_media=reference.media is not None,
    )


def shares(categories: Integers) -> Shares:
    """Of segments by category, shape (8,)."""
    counts = [int(n) for n in categories[:UNDECIDED]]
    decided, varied = sum(counts), diversity(categories[:UNDECIDED])
    known = {name: n / decided for name, n in zip(TAXONOMY, counts, strict=True)} if decided else {}
    reasons = dict.fromkeys(("shares", "neutral_rate", "diversity", "diversity_ci"), varied.reason or "")
    return Shares(
        segments=int(categories.sum()),
        undecided=int(categories[UNDECIDED]),
        emotions=dict(zip(TAXONOMY, counts, strict=True)),
        shares=known,
        neutral_rate=known.get(TAXONOMY[0]),
        diversity=varied.effective,
        diversity_ci=None if varied.low is None or varied.high is None else (varied.low, varied.high),
        undefined={} if decided else reasons,
    )


def distribution(spread: Spread) -> Distribution:
    """Mean, quantiles and a coarse histogram."""
    n = int(spread.counts.sum())
    return Distribution(
        n=n,
        high=spread.high,
        mean=spread.total / n if n else None,
        quantiles={f"{q:.2f}": _quantile(spread, q) for q in QUANTILES} if n else {},
        histogram=tuple(int(each) for each in spread.counts.reshape(BINS, -1).sum(axis=1)),
    )


def _model(model: str, group: Group, labels: Sequence[str]) -> ModelFigures:
    said = group.said
    label, count = said.labels.most_common(1)[0]
    known = len(labels) >= 2
    return ModelFigures(
        **dict(figures(group, len(group.media))),
        model=model,
        information=said.information / said.n,
        information_bound=uniform_bound(len(labels)) if known else None,
        enough=many(len(labels)) if known else None,
        label=label,
        label_share=count / said.n,
        alarms=said.alarms(labels),
    ).model_copy(update={} if known else {"undefined": dict.fromkeys(("information_bound", "enough"), _UNKNOWN_MODEL)})


def _quantile(spread: Spread, q: float) -> float:
    """By linear interpolation inside the fine bin that holds it."""
    reached = np.cumsum(spread.counts)
    wanted = q * float(reached[-1])
    bin_ = int(np.searchsorted(reached, wanted))
    below = float(reached[bin_ - 1]) if bin_ else 0.0
    inside = (wanted - below) / float(spread.counts[bin_])
    return (bin_ + inside) / len(reached) * spread.high


def _rate(count: int, n: int) -> float | None:
    return count / n if n else None
