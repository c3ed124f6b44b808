"""tasks/numerics/queue_near.py: when two segments are nearly the same."""

from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from tasks.numerics.queue_candidates import Candidates
from tasks.numerics.queue_near import SAME_LOGITS, SAME_POSTERIOR, Heard, HeardAlike, Near, said_alike, same_audio
from tests.support.queues import EMOTIONS, apart


def _two(**columns: Any) -> Candidates:
    """Two segments of one medium, 0 to 4 s and 30 to 34 s, but for what is said otherwise."""
    values: dict[str, Any] = {
        "source": np.array([1, 1], dtype=np.uint64),
        "start_s": np.array([0.0, 30.0]),
        "end_s": np.array([4.0, 34.0]),
        "posterior": np.eye(EMOTIONS, dtype=np.float32)[:2],
    }
    return apart(2, **(values | columns))


@pytest.mark.parametrize(("start_s", "near"), [(13.9, True), (14.0, False), (2.0, True), (0.0, True)])
def test_segments_of_one_medium_are_near_when_less_than_the_gap_lies_between_them(start_s: float, near: bool) -> None:
    two = _two(start_s=np.array([0.0, start_s]), end_s=np.array([4.0, start_s + 4.0]))
    assert same_audio(two, 0, Near(gap_s=10.0)).tolist() == [True, near]


def test_segments_of_different_media_are_not_near_in_time() -> None:
    two = _two(source=np.array([1, 2], dtype=np.uint64), start_s=np.zeros(2), end_s=np.ones(2))
    assert same_audio(two, 0, Near()).tolist() == [True, False]


@pytest.mark.parametrize(("copy", "near"), [(5, True), (6, False)])
def test_equal_bytes_are_the_same_audio_wherever_they_lie(copy: int, near: bool) -> None:
    two = _two(source=np.array([1, 2], dtype=np.uint64), copy=np.array([5, copy], dtype=np.uint64))
    assert same_audio(two, 0, Near()).tolist() == [True, near]


def test_where_the_store_says_nothing_of_the_bytes_nothing_is_a_copy() -> None:
    assert same_audio(_two(copy=np.zeros(2, dtype=np.uint64)), 0, Near()).tolist() == [True, False]


@pytest.mark.parametrize(("shift", "alike"), [(0.019, True), (0.021, False)])
def test_posteriors_within_the_tolerance_are_alike_in_one_medium(shift: float, alike: bool) -> None:
    posterior = np.zeros((2, EMOTIONS), dtype=np.float32)
    posterior[:, :2] = [[0.6, 0.4], [0.6 - shift, 0.4 + shift]]
    assert said_alike(_two(posterior=posterior), 0, Near()).tolist() == [True, alike]
    elsewhere = _two(posterior=posterior, source=np.array([1, 2], dtype=np.uint64))
    assert said_alike(elsewhere, 0, Near()).tolist() == [True, False]


def test_undecided_segments_are_like_nothing() -> None:
    posterior = np.full((2, EMOTIONS), np.nan, dtype=np.float32)
    assert not said_alike(_two(posterior=posterior), 0, Near()).any()


def test_logits_within_the_limit_cannot_give_posteriors_beyond_theirs() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (20_000, 8))
    change = random.uniform(0, SAME_LOGITS, (20_000, 8)) + random.normal(0, 5, (20_000, 1))
    moved = np.abs(softmax(logits + change, axis=1) - softmax(logits, axis=1)).sum(axis=1) / 2
    assert moved.max() <= SAME_POSTERIOR
    # And the limit is no larger than it must be: two labels, a step of the whole range.
    worst = softmax([0.0, SAME_LOGITS / 2]) - softmax([0.0, -SAME_LOGITS / 2])
    assert abs(worst[0]) == pytest.approx(SAME_POSTERIOR)


@pytest.mark.parametrize(
    ("heard", "length_s", "alike"),
    [
        (Heard("m", np.array([1.0, 2.0, 3.0])), 4.0, True),
        (Heard("m", np.array([6.0, 7.0, 8.07])), 4.05, True),
        (Heard("m", np.array([1.0, 2.0, 3.09])), 4.0, False),
        (Heard("m", np.array([1.0, 2.0, 3.0])), 4.2, False),
        (Heard("other", np.array([1.0, 2.0, 3.0])), 4.0, False),
        (Heard("m", np.array([1.0, 2.0])), 4.0, False),
        (None, 4.0, False),
    ],
    ids=["the same", "but for a constant", "another", "longer", "another model", "other labels", "unknown"],
)
def test_the_same_signal_is_told_by_one_models_logits_and_its_length(
    heard: Heard | None, length_s: float, alike: bool
) -> None:
    known = HeardAlike(SAME_LOGITS)
    known.add(Heard("m", np.array([1.0, 2.0, 3.0])), 4.0)
    known.add(None, 4.0)
    assert known(heard, length_s) is alike
