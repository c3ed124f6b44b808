"""tasks/numerics/differences.py against hand arithmetic and, by simulation, against its promise to cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score, recall_score

from tasks.numerics.differences import Difference, accuracy_differences, macro_differences
from tasks.numerics.macro import confusion, present, value_of
from tasks.numerics.simulation import draw, equal_sizes, models
from tasks.numerics.sources import group

quick = settings(max_examples=40, deadline=None, database=None)
segments = st.lists(
    st.tuples(st.integers(0, 6), st.integers(-1, 6), st.integers(-1, 6), st.integers(0, 5)), min_size=1, max_size=40
)


def _bounds(difference: Difference) -> tuple[float, float]:
    interval = difference.interval()
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


def test_a_difference_and_its_interval_by_hand() -> None:
    # Four sources of one segment, of which only the second has three right. D = 0 1 1 1, mean ¾; with the two halves
    # n = 6: centre ½. Σ (D − ¾)² = ¾, and 1 for the halves; the design effect of single segments is 4/3.
    right = np.array([[1, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)
    (difference,) = accuracy_differences(right, group(np.arange(4)))
    error = np.sqrt(4 / 3 * (3 / 4 + 1)) / 6
    assert difference.value == pytest.approx(0.75)
    assert difference.centre == pytest.approx(0.5)
    assert difference.error == pytest.approx(error)
    t = stats.t.ppf(0.975, 3)
    assert _bounds(difference) == pytest.approx((0.5 - t * error, 1.0))
    assert difference.probability_better() == pytest.approx(stats.t.cdf(0.5 / error, 3))


def test_pairs_come_in_the_order_of_the_models() -> None:
    right = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)
    made = accuracy_differences(right, group(np.arange(4)))
    assert [each.value for each in made] == pytest.approx([0.25, 0.75, 0.5])


def test_models_that_never_differ_are_as_good_with_some_doubt() -> None:
    right = np.array([[1, 0, 1, 1, 0, 1]] * 2, dtype=bool)
    (difference,) = accuracy_differences(right, group([0, 0, 1, 1, 2, 2]))
    low, high = _bounds(difference)
    assert low == pytest.approx(-high)
    assert 0 < high < 1
    assert difference.probability_better() == pytest.approx(0.5)


def test_one_source_has_no_interval_and_no_probability() -> None:
    right = np.array([[True, False], [True, True]])
    (difference,) = accuracy_differences(right, group([1, 1]))
    assert difference.value == 0.5
    assert difference.interval().low is None
    assert difference.interval().note == "all segments are from one source: nothing can be said about other sources"
    assert difference.probability_better() is None


def test_few_sources_come_with_a_note() -> None:
    right = np.array([[1, 0, 0], [1, 1, 1]], dtype=bool)
    note = accuracy_differences(right, group([0, 1, 2]))[0].interval().note
    assert note is not None
    assert "only 3 sources" in note


def test_no_segments_and_no_models_have_no_macro_differences() -> None:
    assert macro_differences([], {"a": [], "b": []}, []) == ()
    assert macro_differences([0, 1], {}, [0, 1]) == ()


@quick
@given(segments)
def test_macro_differences_are_scikit_learns_and_turn_around_with_the_models(
    rows: list[tuple[int, int, int, int]],
) -> None:
    truth, first, second, source = (np.array(column) for column in zip(*rows, strict=True))
    (forth,) = macro_differences(truth, {"a": first, "b": second}, source)
    (back,) = macro_differences(truth, {"b": second, "a": first}, np.array(list("fxbqaz"))[source])
    options = {"labels": np.unique(truth), "average": "macro", "zero_division": 0}
    f1 = f1_score(truth, second, **options) - f1_score(truth, first, **options)
    uar = recall_score(truth, second, **options) - recall_score(truth, first, **options)
    assert (forth.first, forth.second) == ("a", "b")
    assert forth.macro_f1_present.value == pytest.approx(f1)
    assert forth.uar.value == pytest.approx(uar)
    assert forth.share == pytest.approx(len(np.unique(truth)) / 7)
    assert back.macro_f1_present.centre == pytest.approx(-forth.macro_f1_present.centre)
    assert back.uar.error == pytest.approx(forth.uar.error)


@pytest.mark.parametrize(("n", "correlation"), [(31, 0.0), (300, 0.1)])
def test_intervals_of_differences_cover(n: int, correlation: float) -> None:
    rng, known = np.random.default_rng(1), models()
    poor, good = known["poor"], known["good"]
    covered = []
    for _ in range(400):
        drawn = draw(rng, (poor, good), equal_sizes(n, 10), correlation=correlation)
        labels = present(confusion(drawn.truth, drawn.truth))
        right = np.array([each == drawn.truth for each in drawn.predictions])
        (macro,) = macro_differences(drawn.truth, dict(zip("ab", drawn.predictions, strict=True)), drawn.source)
        gaps = [good.accuracy - poor.accuracy]
        gaps += [value_of(s, good.joint, labels) - value_of(s, poor.joint, labels) for s in ("macro_f1_present", "uar")]
        made = (*accuracy_differences(right, group(drawn.source)), macro.macro_f1_present, macro.uar)
        covered.append([low <= gap <= high for (low, high), gap in zip(map(_bounds, made), gaps, strict=True)])
    # Three standard errors of 400 draws below 93 %, and above 97.5 %: 89.7 and 99.
    assert np.mean(covered, axis=0) == pytest.approx(0.945, abs=0.05)
