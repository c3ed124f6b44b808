"""tasks/evaluation/unlabelled/fold.py and figures.py: tables with known counts, and what is kept of them."""

import math
import sys

import numpy as np
import pyarrow as pa
import pytest

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled.figures import distribution, figures, model_figures, shares
from tasks.evaluation.unlabelled.fold import Answers, MediaCounts, Spread, fold
from tests.support.tables import score_row, scores

A, B = "s3://media/a.wav", "s3://media/b.wav"


def _two_tables() -> list[pa.Table]:
    """Four segments of two media in two languages: neutral, neutral and undecided English, angry Korean."""
    return [
        scores(
            score_row(A, 0, 4, "neutral", 0.5),
            score_row(A, 4, 6, "neutral", 0.9, flags=["short", "uncertain_language"]),
        ),
        scores(
            score_row(A, 6, 10, None),
            score_row(B, 0, 4, "angry", 0.7, language="ko", model="models/korean", flags=["unrouted_language"]),
        ),
    ]


def test_counts_add_up_over_tables() -> None:
    found = figures(fold(_two_tables(), keep_answers=False).whole, 2)
    assert (found.segments, found.said.undecided) == (4, 1)
    assert found.said.emotions == dict.fromkeys(TAXONOMY, 0) | {"neutral": 2, "angry": 1}
    assert found.said.shares["neutral"] == found.said.neutral_rate == pytest.approx(2 / 3)
    assert {code: said.segments for code, said in found.languages.items()} == {"en": 3, "ko": 1}
    assert (found.short_rate, found.uncertain_rate) == (0.25, 0.5)


def test_confidence_and_entropy_are_of_the_decided_only() -> None:
    found = figures(fold(_two_tables(), keep_answers=False).whole, 2)
    assert (found.confidence.n, found.entropy.n) == (3, 3)
    assert found.confidence.mean == pytest.approx(0.7, abs=1e-6)
    assert found.entropy.mean == pytest.approx(1.0)
    assert found.entropy.high == pytest.approx(math.log(7))


def test_diversity_is_the_exponential_of_the_entropy_of_the_shares() -> None:
    # Shares ½ and ½: as varied as two emotions.
    assert shares(np.array([5, 5, 0, 0, 0, 0, 0, 9])).diversity == pytest.approx(2)


def test_a_group_without_a_decided_segment_has_reasons_instead_of_figures() -> None:
    found = shares(np.array([0, 0, 0, 0, 0, 0, 0, 3]))
    assert (found.neutral_rate, found.diversity, found.diversity_ci, found.shares) == (None, None, None, {})
    assert set(found.undefined) == {"neutral_rate", "diversity", "diversity_ci", "shares"}
    assert all(found.undefined.values())


def test_each_model_has_its_own_figures_and_alarms_from_its_own_labels() -> None:
    rows = [score_row(A, n, n + 4, "neutral", label="neu", information=0.01) for n in range(20)]
    tallied = fold([scores(*rows, score_row(B, 0, 4, "angry", model="models/gone"))], keep_answers=False)
    english, gone = model_figures(tallied, {"models/english": ("neu", "hap", "ang", "sad")})
    assert (english.model, english.segments, english.media) == ("models/english", 20, 1)
    assert (english.label, english.label_share) == ("neu", 1.0)
    assert english.information == pytest.approx(0.01)
    assert english.information_bound == pytest.approx(0.27, abs=0.005)
    assert english.alarms == ("near_uniform", "one_class")
    assert (gone.model, gone.alarms, gone.information_bound) == ("models/gone", (), None)
    assert "no longer names this model" in gone.undefined["information_bound"]


def test_quantiles_are_good_to_a_thousandth_of_the_range() -> None:
    values, spread = np.random.default_rng(0).beta(2, 5, 5000), Spread(1.0)
    for part in np.split(values, 10):
        spread.add(part)
    found = distribution(spread)
    for share, value in found.quantiles.items():
        assert value == pytest.approx(np.quantile(values, float(share)), abs=2e-3)
    assert sum(found.histogram) == found.n == 5000
    assert found.histogram[4] == ((values >= 0.2) & (values < 0.25)).sum()


def test_the_ends_of_the_range_are_counted_and_nan_is_not() -> None:
    spread = Spread(1.0)
    spread.add(np.array([0.0, 1.0, math.nan]))
    found = distribution(spread)
    assert (found.n, found.histogram[0], found.histogram[-1]) == (2, 1, 1)


def test_media_are_counted_once_over_tables_and_by_language() -> None:
    tallied = fold(_two_tables(), keep_answers=False)
    assert sorted(tallied.media.table.tolist()) == [[0, 0, 0, 1, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 1]]
    assert tallied.media_by_language["ko"].decided.tolist() == [[0, 0, 0, 1, 0, 0, 0]]


def test_media_counts_grow_past_their_first_size() -> None:
    counts = MediaCounts()
    for first in range(0, 300, 100):
        names = [f"m{n}" for n in range(first, first + 100)]
        counts.add(names, np.arange(100), np.full(100, 2))
    assert counts.table.shape == (300, 8)
    assert (counts.table[:, 2] == 1).all()


def test_answers_are_sorted_by_segment_and_a_segment_counts_once() -> None:
    found = fold([*_two_tables(), _two_tables()[0]], keep_answers=True).answers
    assert len(found.segment) == 4
    assert (np.diff(found.segment.astype(object)) > 0).all()
    assert sorted(found.category.tolist()) == [0, 0, 3, 7]
    assert sorted(found.confidence.tolist()) == pytest.approx([0, 0.5, 0.7, 0.9])


def test_what_is_kept_of_a_segment_is_thirteen_bytes_and_only_where_asked_for() -> None:
    tables = _many(20, rows=100)
    kept, none = fold(tables, keep_answers=True), fold(tables, keep_answers=False)
    assert _bytes(kept.answers) == 13 * 2000
    assert _bytes(none.answers) == 0


def test_a_hundred_times_the_segments_of_the_same_media_take_no_more_room() -> None:
    small, large = fold(_many(1, rows=50), keep_answers=False), fold(_many(100, rows=50), keep_answers=False)
    assert large.whole.segments == 100 * small.whole.segments
    assert large.media.table.nbytes == small.media.table.nbytes
    assert sys.getsizeof(large.whole.media) == sys.getsizeof(small.whole.media)
    assert large.whole.confidence.counts.nbytes == small.whole.confidence.counts.nbytes


def _many(tables: int, rows: int) -> list[pa.Table]:
    """Tables of the same medium, each of its own stretch of time."""
    return [scores(*(score_row(A, t * 1000 + n, t * 1000 + n + 1, "sad") for n in range(rows))) for t in range(tables)]


def _bytes(answers: Answers) -> int:
    return answers.segment.nbytes + answers.category.nbytes + answers.confidence.nbytes
