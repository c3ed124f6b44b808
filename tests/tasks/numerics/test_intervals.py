"""tasks/numerics/intervals.py against known answers and scipy, and by simulation against its promise to cover.

The full simulation is benchmarks/interval_coverage.py; here a few hundred draws, with bounds that a broken one fails.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tasks.numerics.intervals import Interval, macro_intervals, wilson, wilson_bounds, wilson_grouped
from tasks.numerics.macro import Codes, confusion, present, value_of
from tasks.numerics.simulation import LabelledSet, Population, draw, equal_sizes, lopsided_sizes, models
from tasks.numerics.sources import group

pytestmark = pytest.mark.slow

quick = settings(max_examples=40, deadline=None, database=None)
segments = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 6), st.integers(0, 5)), min_size=1, max_size=40)

# The labels of the first labelled set: neutral 20, angry 3, happy 2, sad 2, surprise 2, fear 2.
FIRST_SET = np.repeat([0, 3, 1, 2, 5, 4], [20, 3, 2, 2, 2, 2])


def _bounds(interval: Interval) -> tuple[float, float]:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


# -- accuracy ----------------------------------------------------------------------------------------------------------


def test_20_of_31_right_is_from_469_to_789() -> None:
    assert _bounds(wilson(20, 31)) == pytest.approx((0.469, 0.789), abs=5e-4)


@quick
@given(st.integers(1, 200), st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, n))
    expected = stats.binomtest(correct, n).proportion_ci(method="wilson")
    assert _bounds(wilson(correct, n)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_another_level_is_another_width_and_has_no_simulated_coverage() -> None:
    narrow, wide = wilson(20, 31, level=0.8), wilson(20, 31)
    assert _bounds(narrow)[0] > _bounds(wide)[0]
    assert narrow.coverage is None


def test_no_segments_have_no_interval_and_a_reason() -> None:
    nothing = np.array([], dtype=int)
    grouped = wilson_grouped(nothing.astype(bool), nothing)
    macro = macro_intervals(nothing, nothing, nothing)
    for interval in (wilson(0, 0), grouped, macro.macro_f1, macro.macro_f1_present, macro.uar):
        assert (interval.low, interval.high) == (None, None)
        assert interval.note == "there are no labelled segments"


def test_more_right_segments_than_segments_are_refused() -> None:
    with pytest.raises(ValueError, match="correct must be from 0 to n = 3, not 4"):
        wilson(4, 3)


def test_the_grouped_interval_is_wilsons_at_the_effective_n_by_hand() -> None:
    # Two sources of 4, three and one right: design effect 2 (see test_sources), t with one degree 12.706.
    right = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    expected = wilson_bounds(0.5, 8 / 2 * (1.959964 / 12.706205) ** 2)
    assert _bounds(wilson_grouped(right, [0] * 4 + [1] * 4)) == pytest.approx(expected, abs=1e-6)


def test_sources_that_differ_make_it_wider_than_plain_wilson() -> None:
    right = np.repeat([True, False, True, True, False, True], 5)
    low, high = _bounds(wilson_grouped(right, np.repeat(np.arange(6), 5)))
    plain = _bounds(wilson(20, 30))
    assert low < plain[0]
    assert high > plain[1]


def test_one_source_says_nothing_about_others() -> None:
    interval = wilson_grouped(np.array([True, False]), ["film", "film"])
    assert (interval.low, interval.high) == (None, None)
    assert interval.note == "all segments are from one source: nothing can be said about other sources"


@pytest.mark.parametrize(("sources", "few"), [(2, True), (4, True), (5, False)])
def test_fewer_than_five_sources_come_with_a_note(sources: int, few: bool) -> None:
    codes = np.arange(30) % sources
    right = np.arange(30) % 7 < 4
    notes = [wilson_grouped(right, codes).note, macro_intervals(np.zeros(30, int), ~right * 1, codes).uar.note]
    for note in notes:
        assert note == (
            f"only {sources} sources: the set cannot speak for other sources (at least 5 are needed)" if few else None
        )


def test_one_code_is_needed_for_each_segment() -> None:
    with pytest.raises(ValueError, match="give one for each"):
        wilson_grouped(np.array([True, False]), [1])
    with pytest.raises(ValueError, match="give one for each"):
        macro_intervals([0, 1], [0, 1], [1])


# -- macro F1 and UAR --------------------------------------------------------------------------------------------------


def test_with_one_class_the_uar_is_the_accuracy_and_so_is_its_interval() -> None:
    # All of one class: recall is accuracy, and its smoothed variance r (1 − r) / n gives back n segments.
    interval = macro_intervals(np.zeros(31, int), np.repeat([0, 2], [20, 11]), None).uar
    assert _bounds(interval) == pytest.approx(_bounds(wilson(20, 31)))


def test_macro_f1_over_the_seven_is_that_over_the_labels_present_with_the_absent_ones_at_0() -> None:
    macro = macro_intervals(FIRST_SET, np.roll(FIRST_SET, 2), np.arange(31) % 6)
    low, high = _bounds(macro.macro_f1_present)
    assert _bounds(macro.macro_f1) == pytest.approx((low * 6 / 7, high * 6 / 7))


def test_always_neutral_is_known_well_and_everything_right_is_not_certain() -> None:
    always = macro_intervals(FIRST_SET, np.zeros(31, int), None)
    assert _bounds(always.uar)[0] < 1 / 6 < _bounds(always.uar)[1]
    low, high = _bounds(macro_intervals(FIRST_SET, FIRST_SET, None).macro_f1_present)
    assert 0.5 < low < 0.9
    assert high == pytest.approx(1)


def test_segments_of_one_source_are_counted_as_independent_and_it_says_so() -> None:
    prediction = np.roll(FIRST_SET, 3)
    one = macro_intervals(FIRST_SET, prediction, np.zeros(31)).uar
    assert _bounds(one) == _bounds(macro_intervals(FIRST_SET, prediction, None).uar)
    assert one.note is not None
    assert "one source" in one.note
    assert "independent" in one.note


@quick
@given(segments)
def test_intervals_hold_the_figure_and_do_not_depend_on_order_or_on_the_names_of_sources(
    rows: list[tuple[int, int, int]],
) -> None:
    truth, prediction, source = (np.array(column) for column in zip(*rows, strict=True))
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    first = macro_intervals(truth, prediction, source)
    again = macro_intervals(truth[order], prediction[order], np.array(list("fxbqaz"))[source[order]])
    matrix = confusion(truth, prediction)
    for one, other, value in (
        (first.macro_f1_present, again.macro_f1_present, value_of("macro_f1_present", matrix)),
        (first.uar, again.uar, value_of("uar", matrix)),
    ):
        low, high = _bounds(one)
        assert 0 <= low <= value + 1e-9
        assert value - 1e-9 <= high <= 1
        assert _bounds(other) == pytest.approx((low, high))


# -- coverage ----------------------------------------------------------------------------------------------------------

DRAWS = 500
MODELS = models()
Covers = Callable[[LabelledSet, Population], bool | tuple[bool, bool]]
Sizes = Callable[[int, int], Codes]


def _coverage(
    covers: Covers, of: Population, n: int, sources: int, correlation: float, sizes: Sizes = equal_sizes
) -> npt.NDArray[np.float64]:
    """Share of drawn sets that are covered, of each interval that `covers` makes."""
    rng, made = np.random.default_rng(11), sizes(n, sources)
    drawn = (draw(rng, [of], made, correlation=correlation) for _ in range(DRAWS))
    return np.atleast_1d(np.mean([covers(each, of) for each in drawn], axis=0))


def _accuracy(drawn: LabelledSet, of: Population) -> bool:
    low, high = _bounds(wilson_grouped(drawn.truth == drawn.predictions[0], drawn.source))
    return low <= of.accuracy <= high


def _plain(drawn: LabelledSet, of: Population) -> bool:
    right = drawn.truth == drawn.predictions[0]
    low, high = _bounds(wilson(int(right.sum()), len(right)))
    return low <= of.accuracy <= high


def _macro(drawn: LabelledSet, of: Population) -> tuple[bool, bool]:
    """Macro F1 over the labels present, and UAR."""
    labels = present(confusion(drawn.truth, drawn.truth))
    made = macro_intervals(drawn.truth, drawn.predictions[0], drawn.source)
    f1, uar = _bounds(made.macro_f1_present), _bounds(made.uar)
    return (
        f1[0] <= value_of("macro_f1_present", of.joint, labels) <= f1[1],
        uar[0] <= value_of("uar", of.joint, labels) <= uar[1],
    )


def _percentile_bootstrap(drawn: LabelledSet, of: Population) -> bool:
    """What these intervals replace: percentiles of the macro F1 of resampled segments."""
    matrix = confusion(drawn.truth, drawn.predictions[0])
    labels = present(matrix)
    resampled = np.random.default_rng(0).multinomial(31, matrix.ravel() / 31, 200).reshape(-1, 7, 8)
    hits, rows, columns = np.einsum("bcc->bc", resampled[:, :, :7]), resampled.sum(2), resampled[:, :, :7].sum(1)
    f1 = np.divide(2 * hits, rows + columns, out=np.zeros(hits.shape), where=rows + columns > 0)
    low, high = np.quantile(f1[:, labels].mean(axis=1), [0.025, 0.975])
    return bool(low <= value_of("macro_f1_present", of.joint, labels) <= high)


# Five hundred draws have a standard error of 1 %; the bounds are those of the benchmark and two of these.
@pytest.mark.parametrize("correlation", [0.0, 0.05, 0.1])
@pytest.mark.parametrize(("n", "sources"), [(31, 10), (300, 10)])
def test_the_grouped_accuracy_covers(n: int, sources: int, correlation: float) -> None:
    assert 0.92 <= _coverage(_accuracy, MODELS["middling"], n, sources, correlation) <= 0.985


@pytest.mark.parametrize("correlation", [0.0, 0.1])
def test_the_grouped_accuracy_covers_where_one_source_has_half_of_the_segments(correlation: float) -> None:
    assert 0.92 <= _coverage(_accuracy, MODELS["middling"], 300, 21, correlation, lopsided_sizes) <= 0.995


def test_plain_wilson_does_not_cover_under_source_effects() -> None:
    assert _coverage(_plain, MODELS["middling"], 300, 10, 0.05) < 0.86


@pytest.mark.parametrize("model", ["poor", "good"])
@pytest.mark.parametrize(("n", "correlation"), [(31, 0.0), (31, 0.1), (300, 0.1)])
def test_macro_f1_and_uar_cover(n: int, correlation: float, model: str) -> None:
    covered = _coverage(_macro, MODELS[model], n, 10, correlation)
    assert ((covered >= 0.9) & (covered <= 0.99)).all()


def test_a_percentile_bootstrap_would_fail_these_bounds() -> None:
    assert _coverage(_percentile_bootstrap, MODELS["good"], 31, 10, 0.0) < 0.85


# -- the coverage that is printed --------------------------------------------------------------------------------------


def test_the_simulated_coverage_and_its_conditions_stand_beside_the_interval() -> None:
    right = np.arange(290) % 3 > 0
    interval = wilson_grouped(right, np.arange(290) % 11)
    assert interval.coverage is not None
    assert 0.93 <= interval.coverage <= 0.975
    assert interval.conditions is not None
    assert "300 segments, 10 sources, intra-class correlation 0 to 0.1" in interval.conditions


def test_a_grouping_can_be_made_once_and_used_for_every_model() -> None:
    right, codes = np.arange(60) % 5 > 1, np.arange(60) % 7
    assert wilson_grouped(right, group(codes)) == wilson_grouped(right, codes)
