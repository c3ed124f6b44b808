"""How the model is fed: the batches that the pool would make, and what is said of the posteriors."""

import numpy as np
import pytest

from tasks.bench.loop import batches_of, posterior_of


def test_every_segment_is_in_one_batch_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(8_000, 240_000, size=60).tolist()
    batches = batches_of(lengths, 480_000)
    assert sorted(number for batch in batches for number in batch) == list(range(60))
    assert all(max(lengths[number] for number in batch) * len(batch) <= 480_000 for batch in batches)
    assert len(batches) < 30


def test_segments_of_like_length_go_together() -> None:
    assert [sorted(batch) for batch in batches_of([10, 100, 11, 101], 250)] == [[0, 2], [1, 3]]


def test_a_posterior_sums_to_one_however_large_the_logits() -> None:
    # softmax(0, ln 3) = (1/4, 3/4)
    found = posterior_of(np.array([[0.0, np.log(3.0)], [1e4, 1e4]]))
    assert found == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))
