"""tasks/evaluation/unlabelled/shifts.py: a drift that is told, and differences that are not."""

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled import Reference, Scored, reference_of
from tasks.evaluation.unlabelled.fold import MediaCounts, fold
from tasks.evaluation.unlabelled.record import Shift
from tasks.evaluation.unlabelled.shifts import shifts
from tasks.records.run import Corpus
from tests.support.records import run_record
from tests.support.tables import score_row, scores

pytestmark = pytest.mark.slow

USUAL = (0.5, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05)
MOVED = (0.1, 0.1, 0.1, 0.5, 0.1, 0.05, 0.05)


def _night(
    media: int, seed: int, odds: Sequence[float] = USUAL, *, segments: int = 10, languages: Sequence[str] = ("en",)
) -> Scored:
    """So many media of ten segments each; the languages take turns; media differ from each other."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(media):
        own = rng.dirichlet(np.array(odds) * 20)
        said = rng.choice(TAXONOMY, segments, p=own)
        language = languages[number % len(languages)]
        uri = f"s3://media/{seed}-{number}.wav"
        rows += [score_row(uri, n, n + 1, str(each), language=language) for n, each in enumerate(said)]
    return Scored(f"night {seed}", lambda: [scores(*rows)], {})


def _shifts(reference: Reference, current: Scored) -> dict[tuple[str, str | None], Shift]:
    found = shifts(reference, fold(current.tables(), keep_answers=False), seed=0)
    return {(each.of, each.language): each for each in found}


def _totals(scored: Scored) -> Reference:
    """The same as a run's record would hold it."""
    full = Reference.of(scored)
    emotions = dict(zip(TAXONOMY, full.categories.tolist(), strict=False))
    corpus = Corpus(emotions=emotions, undecided=int(full.categories[7]), languages=dict(full.languages))
    return reference_of(run_record(corpus=corpus))


def test_a_reference_from_a_record_holds_its_counts_in_the_order_of_the_taxonomy() -> None:
    corpus = Corpus(emotions={"angry": 3, "neutral": 5}, undecided=2, languages={"en": 10})
    found = reference_of(run_record(corpus=corpus))
    assert found.categories.tolist() == [5, 0, 0, 3, 0, 0, 0, 2]
    assert (found.name, found.media) == ("20260101T000000-abcdef", None)


@pytest.mark.parametrize("known", [Reference.of, _totals])
def test_a_drift_of_the_emotions_is_told(known: type[Reference]) -> None:
    found = _shifts(known(_night(60, 0)), _night(40, 1, MOVED))["emotions", None]  # type: ignore[operator]
    assert found.verdict == "drifted"
    assert found.jensen_shannon > found.jensen_shannon_band[1]
    assert found.population_stability_index > 0.25


@pytest.mark.parametrize("known", [Reference.of, _totals])
def test_a_small_night_that_differs_by_chance_is_not_told(known: type[Reference]) -> None:
    verdicts = [
        _shifts(known(_night(60, 0)), _night(6, seed))["emotions", None].verdict  # type: ignore[operator]
        for seed in range(1, 7)
    ]
    assert verdicts == ["same"] * 6


def test_media_that_differ_widen_the_band_of_a_reference_known_in_total() -> None:
    found = _shifts(_totals(_night(60, 0)), _night(40, 1, segments=30))["emotions", None]
    assert found.method == "scaled"
    assert found.design_effect > 1.5


def test_both_ways_give_about_the_same_band() -> None:
    reference, current = _night(60, 0), _night(60, 1)
    full, totals = (_shifts(known(reference), current)["emotions", None] for known in (Reference.of, _totals))
    assert totals.jensen_shannon == full.jensen_shannon
    assert totals.jensen_shannon_band[0] == pytest.approx(full.jensen_shannon_band[0], rel=0.35)


def test_with_media_on_both_sides_each_language_is_compared_by_itself() -> None:
    reference, current = _night(60, 0, languages=("en", "ko")), _night(40, 1, languages=("en", "fr"))
    found = _shifts(Reference.of(reference), current)
    assert set(found) == {("emotions", None), ("languages", None), ("emotions", "en")}
    assert found["emotions", "en"].current == 200
    assert found["languages", None].verdict == "drifted"


def test_with_totals_only_no_language_is_compared_by_itself() -> None:
    assert set(_shifts(_totals(_night(60, 0)), _night(40, 1))) == {("emotions", None), ("languages", None)}


@pytest.mark.parametrize("known", [Reference.of, _totals])
def test_fewer_than_five_media_leave_the_verdict_open_with_a_reason(known: type[Reference]) -> None:
    found = _shifts(known(_night(60, 0)), _night(4, 1, MOVED))["emotions", None]  # type: ignore[operator]
    assert (found.verdict, found.jensen_shannon_band) == (None, None)
    assert found.jensen_shannon > 0
    assert "fewer than 5 sources" in found.undefined["verdict"]


def test_an_empty_reference_leaves_all_open_with_a_reason() -> None:
    found = _shifts(reference_of(run_record()), _night(10, 1))["emotions", None]
    assert (found.jensen_shannon, found.verdict) == (None, None)
    assert found.undefined["jensen_shannon"]


def test_one_emotion_throughout_has_a_band_of_its_own() -> None:
    rows = [score_row(f"s3://media/{n}.wav", 0, 1, "neutral") for n in range(10)]
    same = Scored("same", lambda: [scores(*rows)], {})
    assert _shifts(_totals(same), same)["emotions", None].verdict == "same"


def test_a_few_media_against_very_many_take_no_more_than_some_megabytes() -> None:
    many, few = MediaCounts(), fold(_night(10, 1).tables(), keep_answers=False)
    many.add([f"m{n}" for n in range(20_000)], np.repeat(np.arange(20_000), 5), np.tile([0, 0, 0, 2, 3], 20_000))
    reference = Reference("archive", many.table.sum(axis=0), {"en": 100_000}, many, {"en": many})
    tracemalloc.start()
    found = shifts(reference, few, seed=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[0].verdict is not None
    assert peak < 100e6
