"""The fold of a current table."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.report.columns import UNDECIDED
from tasks.report.summary import LENGTH_BINS, MAX_TIMELINES, Summary
from tests.support.tables import corpus, score_row, scores

ROWS = [
    score_row("s3://m/b.wav", 5, 9, "sad", 0.4, flags=["truncated"]),
    score_row("s3://m/b.wav", 0, 2.5, "angry", 0.8, flags=["short", "truncated"]),
    score_row("s3://m/a.wav", 0, 20, "neutral", 0.6, language="ko", language_confidence=0.31, dropped_mass=0.2),
    score_row(
        "s3://m/a.wav", 20, 24, None, language="ko", language_confidence=0.97, dropped_mass=0.6, flags=["undecided"]
    ),
]
SUMMARY = Summary.fold([scores(*ROWS)])


def _plain(summary: Summary) -> dict[str, Any]:
    """A summary as plain values, to compare."""
    media = [
        (m.uri, m.start_s.tolist(), m.category.tolist(), dict(m.languages), dict(m.flags)) for m in summary.timelines
    ]
    counts = {language: value.tolist() for language, value in summary.counts.items()}
    lengths, shares = summary.lengths.tolist(), [round(value, 6) for value in summary.totals_s.tolist()]
    heard = {language: value.tolist() for language, value in summary.language_confidence.items()}
    return {"media": media, "counts": counts, "lengths": lengths, "shares": shares, "heard": heard} | {
        "flags": dict(summary.flags),
        "short": summary.short,
        "n": (summary.media, summary.segments),
    }


def test_segments_are_counted_by_language_and_emotion() -> None:
    assert (SUMMARY.media, SUMMARY.segments, SUMMARY.seconds) == (2, 4, 30.5)
    assert {key: value.tolist() for key, value in SUMMARY.counts.items()} == {
        "en": [0, 0, 1, 1, 0, 0, 0, 0],
        "ko": [1, 0, 0, 0, 0, 0, 0, 1],
    }
    assert SUMMARY.category_seconds["en"].tolist() == [0, 0, 4, 2.5, 0, 0, 0, 0]


def test_undecided_is_counted_apart_from_neutral() -> None:
    assert SUMMARY.undecided == 1
    assert SUMMARY.neutral_rate == 1 / 3  # 1 neutral of 3 decided
    assert math.isclose(SUMMARY.mean_confidence or 0, (0.4 + 0.8 + 0.6) / 3, abs_tol=1e-6)
    assert math.isclose(SUMMARY.mean_dropped_mass or 0, 0.8 / 4, abs_tol=1e-6)


def test_lengths_over_the_last_bin_are_counted_in_it() -> None:
    bins = {index: int(count) for index, count in enumerate(SUMMARY.lengths) if count}
    assert bins == {5: 1, 8: 2, LENGTH_BINS - 1: 1}  # 2.5 s, twice 4 s, and 20 s
    assert SUMMARY.short == 1
    assert SUMMARY.short_rate == 0.25


def test_language_confidence_is_counted_by_language() -> None:
    assert np.flatnonzero(SUMMARY.language_confidence["ko"]).tolist() == [6, 19]  # 0.31 and 0.97 in bins of 0.05
    assert SUMMARY.language_confidence["en"].sum() == 2


def test_a_timeline_is_in_order_of_time_and_media_in_order_of_name() -> None:
    first, second = SUMMARY.timelines
    assert [first.uri, second.uri] == ["s3://m/a.wav", "s3://m/b.wav"]
    assert second.start_s.tolist() == [0, 5]
    assert second.category.tolist() == [3, 2]
    assert first.category.tolist() == [0, UNDECIDED]
    assert math.isnan(first.confidence[1])
    assert dict(second.flags) == {"truncated": 2, "short": 1}
    assert SUMMARY.flags == {"truncated": 2, "short": 1, "undecided": 1}


def test_one_table_or_a_row_at_a_time_fold_to_the_same() -> None:
    assert _plain(Summary.fold([scores(row) for row in ROWS])) == _plain(SUMMARY)
    assert _plain(Summary.fold([scores(row) for row in reversed(ROWS)])) == _plain(SUMMARY)


def test_a_medium_in_two_languages_keeps_the_language_of_each_segment() -> None:
    rows = [score_row(start_s=n * 5, end_s=n * 5 + 4, language="ko" if n else "en") for n in range(3)]
    for tables in ([scores(*rows)], [scores(row) for row in rows], [scores(row) for row in reversed(rows)]):
        (medium,) = Summary.fold(tables).timelines
        assert [sorted(medium.languages)[index] for index in medium.language] == ["en", "ko", "ko"]
        assert dict(medium.languages) == {"en": 1, "ko": 2}


def test_an_empty_corpus_has_no_rates() -> None:
    empty = Summary.fold([scores()])
    assert (empty.media, empty.segments, empty.seconds, empty.undecided, empty.left_out) == (0, 0, 0.0, 0, 0)
    assert (empty.neutral_rate, empty.mean_confidence, empty.mean_dropped_mass, empty.short_rate) == (None,) * 4


def test_the_first_media_by_name_are_kept_in_whatever_order_they_come() -> None:
    names = [f"s3://m/{number:05}.wav" for number in range(3 * MAX_TIMELINES)]
    shuffled = np.random.default_rng(1).permutation(names).tolist()
    summary = Summary.fold(corpus(shuffled, segments=1, per_table=100))
    assert [medium.uri for medium in summary.timelines] == names[:MAX_TIMELINES]
    assert summary.media == len(names)
    assert summary.left_out == 2 * MAX_TIMELINES


def test_no_table_is_kept() -> None:
    held: list[int] = []

    def tables() -> Iterator[pa.Table]:
        before = pa.total_allocated_bytes()
        for number in range(30):
            yield scores(*[score_row(f"s3://m/{number}.wav", n, n + 1) for n in range(500)])
            held.append(pa.total_allocated_bytes() - before)

    assert Summary.fold(tables()).segments == 15_000
    assert held[-1] < 3 * held[0]


# -- what each model itself said ---------------------------------------------------------------------------------------


def _said(label: str, information: float, n: int, model: str = "models/english") -> list[dict[str, object]]:
    return [
        score_row(start_s=5.0 * i, end_s=5.0 * i + 4, label=label, information=information, model=model)
        for i in range(n)
    ]


def test_a_model_with_one_label_and_one_that_says_nothing_are_told_from_a_healthy_one_over_several_tables() -> None:
    labels = ("neu", "hap", "ang", "sad")
    stuck, flat = _said("neu", 1.2, 30, "stuck"), [row for each in labels for row in _said(each, 0.02, 8, "flat")]
    healthy = [row for each in labels for row in _said(each, 0.9, 8, "healthy")]
    rows = [*stuck, *flat, *healthy]
    summary = Summary.fold([scores(*rows[::2]), scores(*rows[1::2])])
    alarms = {model: said.alarms(labels) for model, said in summary.said.items()}
    assert alarms == {"stuck": ("one_class",), "flat": ("near_uniform",), "healthy": ()}


def test_a_few_segments_raise_no_alarm() -> None:
    summary = Summary.fold([scores(*_said("neu", 0.0, 10))])
    assert summary.said["models/english"].alarms(("neu", "hap", "ang", "sad")) == ()
