"""tasks/numerics/folds.py: what is held out together is one source's, whatever the order and the names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numerics.folds import BLOCKS, MOST_FOLDS, Folds, make_folds
from tasks.numerics.simulation import falling_sizes

quick = settings(max_examples=60, deadline=None, database=None)
sources = st.lists(st.integers(0, 40), min_size=1, max_size=120)


def _times(n: int) -> np.ndarray:
    return np.random.default_rng(n).random(n) * 100


def _parts(folds: Folds) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(folds.fold == each).tolist()) for each in range(folds.count)}


@quick
@given(sources, st.integers(0, 5))
def test_folds_never_share_a_source_and_none_is_empty(codes: list[int], seed: int) -> None:
    folds = make_folds(codes, _times(len(codes)), seed=seed)
    known = len(set(codes))
    assert sorted(set(folds.fold.tolist())) == list(range(folds.count))
    if known == 1:
        assert folds.single_source
        assert folds.count == min(BLOCKS, len(codes))
    else:
        assert not folds.single_source
        assert folds.count == min(known, MOST_FOLDS)
        assert all(len(set(folds.fold[np.array(codes) == each].tolist())) == 1 for each in codes)


@quick
@given(sources)
def test_folds_depend_on_no_order_and_no_names(codes: list[int]) -> None:
    start_s = _times(len(codes))
    order = np.random.default_rng(len(codes)).permutation(len(codes))
    names = np.random.default_rng(1).permutation(41).astype(str)
    plain = make_folds(codes, start_s, seed=3)
    other = make_folds(names[codes][order], start_s[order], seed=3)
    assert other.fold.tolist() == plain.fold[order].tolist()
    assert other.unit.tolist() == plain.unit[order].tolist()


def test_many_sources_are_gathered_into_folds_of_like_size() -> None:
    sizes = falling_sizes(4000, 60)[5:]
    folds = make_folds(np.repeat(np.arange(55), sizes), _times(int(sizes.sum())), seed=0)
    loads = np.bincount(folds.fold)
    assert folds.count == MOST_FOLDS
    # Nothing can be below the largest source, and the lightest fold takes each next one.
    assert loads.max() == sizes.max()
    assert np.sort(loads)[: MOST_FOLDS // 2].min() > 0


def test_the_seed_decides_which_equal_sources_go_together() -> None:
    codes = np.repeat(np.arange(40), 3)
    made = [_parts(make_folds(codes, _times(120), seed=seed)) for seed in (0, 0, 1)]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_one_source_is_cut_into_blocks_of_time() -> None:
    start_s = _times(31)
    folds = make_folds(np.zeros(31), start_s, seed=0)
    in_time = folds.fold[np.argsort(start_s)]
    assert folds.count == 10
    assert (np.diff(in_time) >= 0).all()
    assert set(np.bincount(folds.fold).tolist()) == {3, 4}


def test_few_sources_have_blocks_of_time_as_units_within_them() -> None:
    codes = np.repeat([0, 1, 2], [20, 20, 9])
    folds = make_folds(codes, _times(49), seed=0)
    assert folds.count == 3
    assert len(folds.of_unit) == 12
    assert folds.of_unit[folds.unit].tolist() == folds.fold.tolist()


def test_five_sources_are_units_themselves() -> None:
    folds = make_folds(np.arange(5), _times(5), seed=0)
    assert folds.unit.tolist() == folds.fold.tolist()


def test_one_segment_is_one_fold_and_none_is_none() -> None:
    assert make_folds([7], np.zeros(1), seed=0).count == 1
    assert make_folds([], np.zeros(0), seed=0).count == 0


def test_details_tell_sources_of_equal_times_apart() -> None:
    codes, start_s, detail = np.repeat(np.arange(6), 2), np.tile([0.0, 1.0], 6), np.arange(12.0)[:, None]
    plain = make_folds(codes, start_s, seed=0, detail=detail)
    other = make_folds(5 - codes, start_s, seed=0, detail=detail)
    assert plain.fold.tolist() == other.fold.tolist()


def test_every_segment_needs_a_time() -> None:
    with pytest.raises(ValueError, match="start_s has shape"):
        make_folds([0, 1], np.zeros(3), seed=0)
