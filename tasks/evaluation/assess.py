"""From the answers of all candidates: which are better, how alike they are, and what the set cannot tell.

Pure: no files, no models, no services. The figures of each are `figures`'s.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from actors.contract import TAXONOMY
from tasks.evaluation.answers import Answers
from tasks.evaluation.figures import record_interval
from tasks.evaluation.gather import Segments
from tasks.evaluation.result import Agreement, Comparison, Rank, Raters, Segment
from tasks.numerics.agreement import human_ceiling, krippendorff_alpha, pairwise_agreement
from tasks.numerics.comparison import Pair as NumericPair
from tasks.numerics.comparison import compare, ranking

WORST = 50
"""Segments listed as the worst."""


def comparisons(segments: Segments, answers: Sequence[Answers]) -> tuple[tuple[Comparison, ...], tuple[Rank, ...]]:
    """Every pair of candidates, and the ranking that follows: those that cannot be told apart share a place."""
    right = {each.name: each.prediction == segments.truth for each in answers}
    pairs = compare(right, segments.source)
    tiers = ranking(right, pairs)
    ranks, place = [], 1
    for tier in tiers:
        ranks.append(Rank(rank=place, models=tuple(tier)))
        place += len(tier)
    return tuple(_comparison(pair, len(segments)) for pair in pairs), tuple(ranks)


def agreement(answers: Sequence[Answers]) -> tuple[Agreement, ...]:
    """How far every two candidates say the same."""
    if len(answers) < 2:
        return ()
    pairs = pairwise_agreement(np.stack([each.prediction for each in answers], axis=1), [a.name for a in answers])
    return tuple(
        Agreement(a=each.first, b=each.second, share=each.agreement, kappa=each.kappa)
        for each in pairs
        if each.agreement is not None
    )


def raters(segments: Segments) -> Raters | None:
    """What several raters say of each other; None where no file has several."""
    several = [each for each in segments.sets if each.raters]
    if not several:
        return None
    widest = max(len(each.raters) for each in several)
    # Of several files: their raters are other people, and alpha does not ask who they are.
    ratings = np.concatenate([_padded(each.ratings, widest) for each in several])
    alpha, ceiling = krippendorff_alpha(ratings), human_ceiling(ratings)
    undefined = {"alpha": alpha.reason, "ceiling": ceiling.reason}
    return Raters(
        raters=len({name for each in several for name in each.raters}),
        segments=alpha.segments,
        alpha=alpha.alpha,
        ceiling=ceiling.accuracy,
        undefined={name: reason for name, reason in undefined.items() if reason},
    )


def worst(segments: Segments, answers: Sequence[Answers]) -> tuple[Segment, ...]:
    """The segments whose label the candidates find least probable, the worst first."""
    if not answers:
        return ()
    rows = np.arange(len(segments))
    given = np.stack([np.nan_to_num(each.posterior[rows, segments.truth]) for each in answers])
    mean = given.mean(axis=0)
    predictions = {each.name: each.prediction for each in answers}
    return tuple(
        Segment(
            media=segments.media[row],
            uri=segments.uri[row],
            start_s=float(segments.start_s[row]),
            end_s=float(segments.end_s[row]),
            truth=TAXONOMY[segments.truth[row]],
            p_truth=float(mean[row]),
            predictions={name: TAXONOMY[said[row]] if said[row] >= 0 else None for name, said in predictions.items()},
            speaker=segments.speaker[row],
            language=segments.language[row],
            text=segments.text[row],
        )
        for row in np.argsort(mean, kind="stable")[:WORST].tolist()
    )


def _comparison(pair: NumericPair, n: int) -> Comparison:
    undefined = {"labels_to_decide": pair.labels_note} if pair.labels_note else {}
    interval = record_interval(pair.interval)
    if interval is None:
        undefined["ci"] = pair.interval.note or "it cannot be told"
    return Comparison(
        a=pair.first,
        b=pair.second,
        n=n,
        difference=pair.difference,
        ci=interval,
        only_a=pair.first_only,
        only_b=pair.second_only,
        p_sign_flip=pair.sign_flip,
        p_mcnemar=pair.mcnemar,
        p_adjusted=pair.sign_flip_adjusted,
        p_b_better=pair.probability_better,
        verdict=pair.verdict,
        labels_to_decide=pair.labels_to_decide,
        undefined=undefined,
    )


def _padded(ratings: np.ndarray[Any, np.dtype[np.int8]], width: int) -> np.ndarray[Any, np.dtype[np.int8]]:
    missing = np.full((len(ratings), width - ratings.shape[1]), -1, dtype=np.int8)
    return np.concatenate([ratings, missing], axis=1)
