"""tasks/demo.py: a checkpoint that nothing but its answers gives away."""

from pathlib import Path

import numpy as np
import pytest

from actors.checkpoints import identify, load
from tasks.demo import with_random_head
from tasks.numerics.alarms import NEAR_UNIFORM, Tally
from tasks.numerics.decision import own_posterior
from tests.support.checkpoints import some_signals, write_soxan, write_stock
from tests.support.seraph import DEMO


@pytest.mark.parametrize("write", [write_stock, write_soxan])
def test_a_random_head_loads_like_any_other_and_only_the_head_is_another(write: object, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole")  # type: ignore[operator]
    spoiled = with_random_head(whole, tmp_path / "spoiled")
    assert identify(str(spoiled)).labels == identify(str(whole)).labels
    one, other = (load(str(each), dtype="fp32", device="cpu").logits(some_signals()) for each in (whole, spoiled))
    assert not np.allclose(one, other, atol=0.05)
    assert np.abs(other).max() < 0.5
    again = with_random_head(whole, tmp_path / "again")
    assert identify(str(again)).weights_sha256 == identify(str(spoiled)).weights_sha256


def test_the_demos_spoiled_toy_is_found_out_by_what_it_says(tmp_path: Path) -> None:
    spoiled = load(str(with_random_head(DEMO / "checkpoints" / "en-emotion", tmp_path / "spoiled")), dtype="fp32")
    signals = some_signals(seconds=[1.0 + 0.05 * n for n in range(24)])
    assert NEAR_UNIFORM in Tally.of(*own_posterior(spoiled.logits(signals), spoiled.spec)).alarms()
