"""tasks/numerics/sources.py against hand arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tasks.numerics.sources import LEAST_DESIGN_EFFECT, blended, design_effect, group

quick = settings(max_examples=60, deadline=None, database=None)


def test_sources_are_numbered_whatever_their_codes_are() -> None:
    sources = group(["b", "a", "b", "b"])
    assert sources.index.tolist() == [1, 0, 1, 1]
    assert sources.sizes.tolist() == [1, 3]
    assert sources.count == 2


def test_a_grouping_passes_through_unchanged() -> None:
    sources = group([1, 2])
    assert group(sources) is sources


def test_no_segments_are_no_sources() -> None:
    assert group([]).count == 0
    assert group([]).effective == 0


def test_codes_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(n,\), not \(2, 1\)"):
        group([[1], [2]])


def test_equal_sources_count_in_full_and_a_dominant_one_counts_for_little() -> None:
    assert group([0, 0, 1, 1, 2, 2]).effective == pytest.approx(3)
    # 4, 1, 1, 1, 1: 8² / (16 + 4) = 3.2
    assert group([0] * 4 + [1, 2, 3, 4]).effective == pytest.approx(3.2)


def test_the_critical_value_is_students_t_with_one_degree_less_than_sources() -> None:
    assert group(np.arange(10)).critical() == pytest.approx(stats.t.ppf(0.975, 9))
    # However lopsided, never below one degree: t = 12.7.
    assert group([0] * 999 + [1]).critical() == pytest.approx(stats.t.ppf(0.975, 1))


def test_the_design_effect_by_hand() -> None:
    # Two sources of 4, three right and one right: residuals 3 − 2 and 1 − 2, so 2 / 1 · 2 = 4, over 8 · ¼ = 2.
    values = np.array([1, 1, 1, 0, 1, 0, 0, 0.0])
    assert design_effect(values, group([0, 0, 0, 0, 1, 1, 1, 1])) == pytest.approx([2.0])


def test_sources_that_are_all_right_or_all_wrong_count_as_one_segment_each() -> None:
    # K = 4 sources of m = 5: between is 4/3 · Σ (±2.5)², within 20 · ¼: 4/3 · 25 / 5 = 6.67 = m K / (K − 1).
    values = np.repeat([1.0, 0, 1, 0], 5)
    assert design_effect(values, group(np.repeat(np.arange(4), 5))) == pytest.approx([20 / 3])


def test_one_segment_a_source_leaves_the_usual_correction_of_a_variance() -> None:
    values = np.array([1.0, 0, 0, 1, 1])
    assert design_effect(values, group(np.arange(5))) == pytest.approx([5 / 4])


def test_values_that_do_not_vary_have_no_design_effect() -> None:
    assert design_effect(np.full(6, 0.1), group([0, 0, 1, 1, 2, 2])) == pytest.approx([1.0])


def test_sources_that_agree_by_chance_do_not_shrink_the_interval_to_a_point() -> None:
    values = np.tile([1.0, 0.0], 10)
    assert design_effect(values, group(np.repeat(np.arange(10), 2))) == pytest.approx([LEAST_DESIGN_EFFECT])


def test_columns_are_independent_of_each_other() -> None:
    values = np.random.default_rng(0).random((20, 3))
    sources = group(np.arange(20) % 4)
    alone = [float(design_effect(values[:, column], sources)[0]) for column in range(3)]
    assert design_effect(values, sources) == pytest.approx(alone)


def test_a_blend_lies_between_its_parts_and_nearer_to_its_own() -> None:
    assert blended(np.array(1.0), np.array(8.0)) == pytest.approx(2.0)
    assert blended(np.array(8.0), np.array(1.0)) == pytest.approx(4.0)


@quick
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=40))
def test_neither_the_order_of_segments_nor_the_names_of_sources_matter(rows: list[tuple[int, bool]]) -> None:
    codes, values = np.array([code for code, _ in rows]), np.array([right for _, right in rows], dtype=float)
    if len(set(codes.tolist())) < 2:
        return
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    renamed = np.array(["x", "c", "a", "z", "k"])[codes]
    expected = design_effect(values, group(codes))
    assert design_effect(values[order], group(codes[order])) == pytest.approx(expected)
    assert design_effect(values, group(renamed)) == pytest.approx(expected)
