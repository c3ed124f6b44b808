"""tasks/numerics/fusing.py: rules learn from the segments that they are given, and from no other."""

import numpy as np
import pytest
from scipy.special import softmax

from tasks.numerics.decision import fuse, log_linear
from tasks.numerics.fusing import WEIGHTS, Rule, answers_to, fixed, pooled_by, stacked
from tasks.numerics.metrics import measure

SEVEN = np.ones(7, dtype=bool)
N = 240


def _drawn(*, text: float = 1.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, audio and text: independent of each other given the truth, and calibrated."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 7, N)
    figures = rng.standard_normal((2, N, 7)) + np.array([1.2, text])[:, None, None] * np.eye(7)[truth]
    return truth, softmax(1.2 * figures[0], axis=1), softmax(text * figures[1], axis=1)


def _sum(truth: np.ndarray, audio: np.ndarray, text: np.ndarray) -> Rule:
    return pooled_by(truth, lambda weight: fuse(audio, text, SEVEN, SEVEN, weight), "cross_entropy")


def _half() -> np.ndarray:
    return np.arange(N) < N // 2


def test_a_posterior_as_it_is_learns_nothing() -> None:
    _, audio, _ = _drawn()
    assert fixed(audio)(np.zeros(N, dtype=bool)) is audio


def test_a_pool_takes_the_weight_that_is_best_on_the_segments_to_learn_from() -> None:
    truth, audio, text = _drawn()
    rows = _half()
    pools = [log_linear(audio, text, each) for each in WEIGHTS]
    losses = [measure(truth[rows], each[rows].argmax(axis=1), each[rows]).cross_entropy or 9.0 for each in pools]
    rule = pooled_by(truth, lambda weight: log_linear(audio, text, weight), "cross_entropy")
    assert rule(rows).tolist() == pools[int(np.argmin(losses))].tolist()
    assert 0 < int(np.argmin(losses)) < 10


def test_a_pool_that_learns_from_nothing_is_the_audio_alone() -> None:
    truth, audio, text = _drawn()
    assert _sum(truth, audio, text)(np.zeros(N, dtype=bool)).tolist() == audio.tolist()


def test_a_stacker_beats_both_on_segments_that_it_never_saw() -> None:
    truth, audio, text = _drawn()
    made = stacked(truth, audio, text)(_half())
    new = ~_half()
    losses = [measure(truth[new], each[new].argmax(axis=1), each[new]).cross_entropy for each in (made, audio, text)]
    assert losses[0] == min(each for each in losses if each is not None)
    assert made.sum(axis=1) == pytest.approx(np.ones(N))


@pytest.mark.parametrize("rule", [stacked, _sum])
def test_the_labels_of_other_segments_change_nothing(rule: object) -> None:
    assert callable(rule)
    truth, audio, text = _drawn()
    other = np.where(_half(), truth, (truth + 3) % 7)
    assert rule(other, audio, text)(_half()).tolist() == rule(truth, audio, text)(_half()).tolist()


def test_a_stacker_leaves_segments_without_text_to_the_audio() -> None:
    truth, audio, text = _drawn()
    text[::3] = np.nan
    made = stacked(truth, audio, text)(_half())
    assert made[::3].tolist() == audio[::3].tolist()
    assert not np.isnan(made).any()
    nothing = stacked(truth, audio, np.full((N, 7), np.nan))(_half())
    assert nothing.tolist() == audio.tolist()


def test_an_emotion_that_was_not_among_the_labels_stays_possible() -> None:
    truth, audio, text = _drawn()
    made = stacked(truth, audio, text)(truth != 5)
    learned = int((truth != 5).sum())
    assert made[:, 5] == pytest.approx(np.full(N, 1 / (learned + 7)))


def test_one_emotion_among_the_labels_is_learned_as_such() -> None:
    truth, audio, text = _drawn()
    made = stacked(truth, audio, text)(truth == 2)
    learned = int((truth == 2).sum())
    assert made[:, 2] == pytest.approx(np.full(N, (learned + 1) / (learned + 7)))


def test_the_first_of_equals_is_answered_and_nothing_where_there_is_no_posterior() -> None:
    posterior = np.array([[0.4, 0.4, 0.2, 0, 0, 0, 0], [np.nan] * 7])
    made = answers_to(np.array([1, 1]), posterior)
    assert made.prediction.tolist() == [0, -1]
    assert made.p_truth[0] == 0.4
    assert np.isnan(made.p_truth[1])
