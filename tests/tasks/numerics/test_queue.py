"""tasks/numerics/queue.py: turns, quotas, and what must never be picked."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from tasks.numerics.queue import Covered, Pick, Reason, choose
from tasks.numerics.queue_candidates import Candidates, draws
from tasks.numerics.queue_near import SAME_POSTERIOR, Heard
from tests.support.queues import EMOTIONS, apart, candidates

GAP_S = 10.0
"""As `Near` has it."""


def _choose(
    of: Candidates, wanted: int = 20, random_share: float = 0.2, seed: int = 0, **more: Any
) -> tuple[Pick, ...]:
    covered = more.pop("covered", Covered())
    return choose(of, covered, wanted=wanted, random_share=random_share, seed=seed, **more)


def _rows(of: Candidates, picks: Sequence[Pick]) -> list[int]:
    places = {key: row for row, key in enumerate(of.key.tolist())}
    return [places[pick.key] for pick in picks]


def _gap_s(of: Candidates, a: int, b: int) -> float:
    return float(max(of.start_s[a], of.start_s[b]) - min(of.end_s[a], of.end_s[b]))


@given(st.integers(0, 10_000), st.sampled_from([1, 3, 30]), st.sampled_from([0.0, 0.3, 1.0]))
def test_no_two_picks_are_ever_nearly_the_same(seed: int, sources: int, random_share: float) -> None:
    crowd = candidates(150, seed, sources=sources, undecided=0.05, kinds=30)
    picks = _choose(crowd, 40, random_share, seed)
    rows = _rows(crowd, picks)
    reasons = {row: pick.reason for row, pick in zip(rows, picks, strict=True)}
    assert len(set(rows)) == len(rows)
    for a, b in combinations(rows, 2):
        assert crowd.copy[a] != crowd.copy[b] or crowd.copy[a] == 0
        if crowd.source[a] == crowd.source[b]:
            assert _gap_s(crowd, a, b) >= GAP_S
            variation = float(np.abs(crowd.posterior[a].astype(float) - crowd.posterior[b]).sum() / 2)
            both_random = reasons[a] is reasons[b] is Reason.RANDOM
            assert both_random or not variation <= SAME_POSTERIOR


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(seed: int, shuffler: Any) -> None:
    crowd = candidates(120, seed, undecided=0.1)
    order = list(range(120))
    shuffler.shuffle(order)
    assert _choose(crowd, seed=seed) == _choose(crowd.take(np.array(order)), seed=seed)


@given(st.integers(0, 10_000))
def test_beside_a_label_only_chance_picks_and_a_copy_of_labelled_audio_nothing(seed: int) -> None:
    crowd = candidates(200, seed)
    copies = frozenset(crowd.copy[:60].tolist())
    picks = _choose(crowd, 50, covered=Covered(copies=copies))
    for row, pick in zip(_rows(crowd, picks), picks, strict=True):
        assert int(crowd.copy[row]) not in copies - {0}
        assert pick.reason is Reason.RANDOM or not crowd.beside[row]


def test_each_reason_has_the_same_number_of_picks_and_chance_its_share() -> None:
    counts = Counter(pick.reason for pick in _choose(apart(500), 100, 0.25))
    assert counts == {Reason.RANDOM: 25} | {reason: 15 for reason in Reason if reason is not Reason.RANDOM}


def test_without_a_second_model_a_second_language_or_a_second_medium_there_are_no_such_turns() -> None:
    start_s = np.arange(50) * 100.0
    same = {"source": np.ones(50, np.uint64), "language": np.ones(50, np.uint64)}
    alone = apart(50, disagreement=np.full(50, np.nan), start_s=start_s, end_s=start_s + 4, **same)
    assert {pick.reason for pick in _choose(alone)} == {Reason.RANDOM, Reason.UNCERTAINTY, Reason.EMOTION}


def test_the_emotion_with_the_fewest_labels_and_picks_comes_first_and_the_surest_of_it() -> None:
    many = apart(700, emotion=(np.arange(700) % EMOTIONS).astype(np.int8))
    labelled = (50, 0, 50, 50, 3, 50, 50)  # happy has none, fear three
    picks = [
        pick for pick in _choose(many, 50, 0.0, covered=Covered(emotions=labelled)) if pick.reason is Reason.EMOTION
    ]
    said = [TAXONOMY[many.emotion[row]] for row in _rows(many, picks)]
    assert set(said) == {"happy", "fear"}
    assert said[0] == "happy"
    happy = np.where(many.emotion == 1, many.posterior.max(axis=1), 0)
    assert picks[0].count is not None
    assert _rows(many, picks)[0] in np.argsort(-happy)[:5]


@pytest.mark.parametrize(("reason", "column"), [(Reason.LANGUAGE, "language"), (Reason.SOURCE, "source")])
def test_the_turns_of_languages_and_sources_take_from_the_one_with_the_fewest(reason: Reason, column: str) -> None:
    start_s = np.arange(400) * 20.0
    groups = np.where(np.arange(400) % 20 == 0, 2, 1).astype(np.uint64)
    values = {"source": np.ones(400, np.uint64), "language": np.ones(400, np.uint64)} | {column: groups}
    many = apart(400, start_s=start_s, end_s=start_s + 4, **values)
    picks = [pick for pick in _choose(many, 20, 0.0) if pick.reason is reason]
    assert picks
    assert {int(getattr(many, column)[row]) for row in _rows(many, picks[:2])} == {2}


def test_random_picks_are_the_first_of_the_random_order_whatever_models_say() -> None:
    many = apart(1_000)
    sure = apart(1_000, posterior=np.eye(EMOTIONS, dtype=np.float32)[np.zeros(1_000, int)], key=many.key)
    expected = many.key[np.argsort(draws(many.key, 3))][:30].tolist()
    assert [pick.key for pick in _choose(many, 30, 1.0, seed=3)] == expected
    assert [pick.key for pick in _choose(sure, 30, 1.0, seed=3)] == expected
    assert max(pick.draw for pick in _choose(many, 30, 1.0, seed=3)) < 0.1


def test_random_picks_come_from_everywhere_as_often_as_there_are_segments() -> None:
    many = apart(400, emotion=np.repeat([0, 1], [300, 100]).astype(np.int8))
    drawn = [row for seed in range(60) for row in _rows(many, _choose(many, 20, 1.0, seed))]
    share = np.mean(many.emotion[drawn] == 1)
    # 1,200 draws at 0.25: a standard deviation of 0.0125.
    assert share == pytest.approx(0.25, abs=4 * 0.0125)


def test_one_source_does_not_take_all_the_turns_of_uncertainty() -> None:
    start_s = np.arange(60) * 100.0
    posterior = np.random.default_rng(0).dirichlet(np.full(EMOTIONS, 0.5), 60).astype(np.float32)
    posterior[:30] = np.random.default_rng(1).dirichlet(np.full(EMOTIONS, 8.0), 30)  # one noisy medium
    source = np.where(np.arange(60) < 30, 1, np.arange(60)).astype(np.uint64)
    alone = {"disagreement": np.full(60, np.nan), "start_s": start_s, "end_s": start_s + 4}
    noisy = apart(60, posterior=posterior, source=source, **alone)
    picks = [pick for pick in _choose(noisy, 25, 0.0) if pick.reason is Reason.UNCERTAINTY]
    taken = [int(noisy.source[row]) for row in _rows(noisy, picks)]
    assert taken[0] == 1
    assert taken.count(1) < len(taken) / 2


def test_of_two_recordings_that_a_model_heard_alike_one_is_picked() -> None:
    twins = apart(6, start_s=np.zeros(6), end_s=np.full(6, 4.0))
    heard = lambda key: Heard("m", np.array([0.1 * (key % 2), 1.0, 3.0 * (key % 2)]))  # noqa: E731
    picks = _choose(twins, 6, 0.0, heard=heard)
    assert len(picks) == 2
    assert len({pick.key % 2 for pick in picks}) == 2


def test_fewer_come_where_no_more_are_left() -> None:
    assert len(_choose(apart(7), 20)) == 7
    assert _choose(apart(7).take(np.zeros(0, int)), 20) == ()


@given(st.integers(0, 1_000))
def test_nothing_but_the_arguments_changes_the_result(seed: int) -> None:
    crowd = candidates(100, seed)
    assert _choose(crowd, seed=seed) == _choose(crowd, seed=seed)
