"""tasks/evaluation/unlabelled/together.py: agreement by hand and by scikit-learn, and the widest disagreements."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import cohen_kappa_score

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled import Scored
from tasks.evaluation.unlabelled.fold import fold
from tasks.evaluation.unlabelled.record import PairFigures
from tasks.evaluation.unlabelled.together import (
    MOST_DISAGREEMENTS,
    Joined,
    consensus_figures,
    disagreements,
    join,
    pair_figures,
)
from tests.support.tables import score_row, scores

Said = Sequence[str | None]


def _scored(name: str, said: Said, *, first: int = 0, confidence: Sequence[float] = (), shards: int = 2) -> Scored:
    """Segments of one second each from second `first` on, four a medium, in several tables."""
    sure = confidence or [0.7] * len(said)
    rows = [
        score_row(f"s3://media/{n // 4}.wav", n, n + 1, each, value)
        for n, each, value in zip(range(first, first + len(said)), said, sure, strict=True)
    ]
    return Scored(name, lambda: [scores(*rows[shard::shards]) for shard in range(shards)], {})


def _joined(*corpora: Scored) -> Joined:
    return join([fold(each.tables(), keep_answers=True).answers for each in corpora])


def _pair(a: Scored, b: Scored) -> PairFigures:
    (found,) = pair_figures(_joined(a, b), [a.name, b.name])
    return found


def test_segments_are_joined_by_their_id_whatever_their_order_and_shards() -> None:
    a = _scored("a", ["sad", "sad", "angry", "fear", "neutral"])
    b = _scored("b", ["angry", "fear", "neutral", "happy"], first=2, shards=1)
    found = _pair(a, b)
    assert (found.shared, found.n, found.agreement) == (3, 3, 1.0)


def test_agreement_and_kappa_by_hand() -> None:
    # Three of four alike; by chance ½ · ¼ + ½ · ¾ = ½.
    found = _pair(_scored("a", ["sad", "sad", "angry", "angry"]), _scored("b", ["sad", "angry", "angry", "angry"]))
    assert found.agreement == 0.75
    assert found.kappa == pytest.approx(0.5)
    assert found.agreement_ci == pytest.approx((0.3006, 0.9544), abs=1e-3)  # Wilson, 3 of 4
    # √(.75 · .25 / 4) / (1 - .5) · 1.96
    assert found.kappa_ci == pytest.approx((0.5 - 0.8487, 1.0), abs=1e-3)


def test_kappa_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    said = rng.integers(0, 7, (2, 200))
    said[1] = np.where(rng.random(200) < 0.5, said[0], said[1])
    found = _pair(*(_scored(str(i), [TAXONOMY[k] for k in row]) for i, row in enumerate(said)))
    assert found.kappa == pytest.approx(cohen_kappa_score(*said))


def test_an_undecided_segment_is_shared_and_not_compared() -> None:
    found = _pair(_scored("a", ["sad", None, "sad"]), _scored("b", ["sad", "sad", "angry"]))
    assert (found.shared, found.n, found.agreement) == (3, 2, 0.5)


def test_the_commonest_ways_to_differ_come_first() -> None:
    a, b = ["sad"] * 3 + ["happy"] * 2 + ["fear"], ["angry"] * 3 + ["neutral"] * 2 + ["fear"]
    found = _pair(_scored("a", a), _scored("b", b))
    assert [(each.a, each.b, each.n) for each in found.differences] == [("sad", "angry", 3), ("happy", "neutral", 2)]


def test_where_nothing_is_shared_nothing_is_said_but_why() -> None:
    a, b = _scored("a", ["sad"]), _scored("b", ["sad"], first=9)
    found = _pair(a, b)
    assert (found.shared, found.agreement, found.kappa) == (0, None, None)
    assert "no segment in common" in found.undefined["kappa"]
    assert consensus_figures(_joined(a, b)).undefined["at_least"] == "no segment was scored by all of them"
    assert disagreements(_joined(a, b), [a, b]) == ()


def test_a_configuration_without_a_segment_shares_none() -> None:
    assert _pair(_scored("a", ["sad"]), Scored("b", list, {})).shared == 0


def test_consensus_counts_how_many_of_three_say_the_same() -> None:
    corpora = [
        _scored("a", ["sad", "sad", "sad", None, "fear"]),
        _scored("b", ["sad", "sad", "happy", "fear", "fear"]),
        _scored("c", ["sad", "happy", "fear", "fear"]),
    ]
    found = consensus_figures(_joined(*corpora))
    # Of the four that all scored: three alike, two, one, two.
    assert (found.configurations, found.segments) == (3, 4)
    assert found.at_least == (1.0, 0.75, 0.25)
    assert found.tied == 0.25


def test_consensus_over_blocks_adds_up() -> None:
    said = np.random.default_rng(0).integers(0, 8, (70_000, 3)).astype(np.int8)
    joined = Joined(np.arange(70_000, dtype=np.uint64), said, np.ones(said.shape, np.float32))
    found = consensus_figures(joined)
    halves = [
        consensus_figures(Joined(joined.segment[part], said[part], joined.confidence[part]))
        for part in (slice(0, 35_000), slice(35_000, None))
    ]
    assert found.at_least == pytest.approx(np.mean([each.at_least for each in halves], axis=0))
    assert found.tied == pytest.approx(np.mean([each.tied for each in halves]))


def test_the_surest_disagreement_comes_first_with_its_place_and_who_said_what() -> None:
    corpora = [
        _scored("a", ["sad", "sad", "angry", None], confidence=[0.9, 0.8, 0.6, 0.5], first=4),
        _scored("b", ["happy", "sad", "fear", "fear"], confidence=[0.9, 0.8, 0.5, 0.9], first=4),
    ]
    first, second = disagreements(_joined(*corpora), corpora)
    assert (first.media_uri, first.start_s, first.end_s, first.language) == ("s3://media/1.wav", 4, 5, "en")
    assert first.said == {"a": "sad", "b": "happy"}
    assert first.width == pytest.approx(0.81)
    assert second.confidence == pytest.approx({"a": 0.6, "b": 0.5})
    assert second.start_s == 6


def test_a_segment_that_one_of_three_did_not_score_leaves_it_out() -> None:
    corpora = [_scored("a", ["sad", None]), _scored("b", ["fear", "sad"]), _scored("c", ["happy"], first=1)]
    found = {each.start_s: each for each in disagreements(_joined(*corpora), corpora)}
    assert found[0].said == {"a": "sad", "b": "fear"}
    assert found[1].said == {"a": None, "b": "sad", "c": "happy"}
    assert found[1].confidence["a"] is None
    assert found[1].width == pytest.approx(0.49)


def test_at_most_fifty_disagreements_are_kept() -> None:
    corpora = [_scored("a", ["sad"] * 60), _scored("b", ["fear"] * 60)]
    assert len(disagreements(_joined(*corpora), corpora)) == MOST_DISAGREEMENTS == 50


def test_the_tables_are_read_again_only_until_every_place_is_known() -> None:
    read: list[int] = []

    def tables() -> Iterator[pa.Table]:
        for number in range(5):
            read.append(number)
            yield scores(score_row("s3://media/a.wav", number, number + 1, "sad"))

    one = Scored("a", tables, {})
    other = Scored("b", lambda: [scores(score_row("s3://media/a.wav", 1, 2, "fear"))], {})
    joined = _joined(one, other)
    read.clear()
    assert len(disagreements(joined, [one, other])) == 1
    assert read == [0, 1]
