"""actors/precision_check.py: which segments are compared, and what the comparison says."""

from typing import Any

import numpy as np
import pytest

from actors.contract import SAMPLING_RATE, Kind, ModelSpec
from actors.dispatch import Dispatcher
from actors.precision_check import PrecisionCheck, compare, to_check
from actors.workers import Scored


def spec(kind: Kind = "categorical") -> ModelSpec:
    return ModelSpec("m", None, "0" * 64, "stock", kind, ("a", "b"), SAMPLING_RATE, "p", "bf16")


def rows(*values: tuple[float, float]) -> np.ndarray:
    return np.array(values, dtype=np.float32)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([1.0] * 9, [0, 1, 2, 3]),
        ([5.0, 5.0, 5.0], [0, 1]),
        ([15.0, 1.0], [0]),
        ([15.0], [0]),
    ],
)
def test_a_few_seconds_of_the_first_batch_are_compared(seconds: list[float], expected: list[int]) -> None:
    signals = [np.zeros(round(each * SAMPLING_RATE), dtype=np.float32) for each in seconds]

    assert to_check(signals) == expected


def test_the_largest_differences_are_those_of_probabilities_and_of_outputs() -> None:
    # Odds of 3 to 1 against odds of 1 to 1: 0.75 against 0.5. The other row moves by a constant, which softmax drops.
    check = compare(spec(), rows((np.log(3), 0.0), (5.0, 6.0)), rows((0.0, 0.0), (3.0, 4.0)))

    assert check is not None
    assert (check.model, check.precision, check.segments) == ("m", "bf16", 2)
    assert check.posterior == pytest.approx(0.25)
    assert check.logits == pytest.approx(2.0)


@pytest.mark.parametrize(("kind", "moved"), [("multilabel", 0.25), ("dimensional", np.log(3))])
def test_each_kind_of_model_has_its_own_posterior(kind: Kind, moved: float) -> None:
    check = compare(spec(kind), rows((np.log(3), 0.0)), rows((0.0, 0.0)))

    assert check is not None
    assert check.posterior == pytest.approx(moved)


def test_what_is_not_finite_says_nothing_of_a_precision() -> None:
    broken = rows((np.nan, 0.0), (0.0, 0.0))

    check = compare(spec(), broken, rows((1.0, 0.0), (0.0, 0.0)))

    assert check == PrecisionCheck("m", "bf16", 1, 0.0, 0.0)
    assert compare(spec(), broken[:1], broken[:1]) is None


def test_checks_of_several_workers_join_into_the_larger_differences() -> None:
    first, second = PrecisionCheck("m", "bf16", 3, 0.01, 0.3), PrecisionCheck("m", "bf16", 2, 0.015, 0.2)

    assert second | first == PrecisionCheck("m", "bf16", 5, 0.015, 0.3)
    assert first | None == first


def test_only_what_exceeds_the_tolerance_is_a_warning_that_says_what_to_do() -> None:
    assert PrecisionCheck("m", "bf16", 3, 0.02, 9.0).warning is None
    warning = PrecisionCheck("m", "bf16", 3, 0.021, 0.0).warning
    assert warning is not None
    for part in ("m in bf16", "0.021", "0.02", "precision: fp32"):
        assert part in warning


def test_the_description_is_what_a_run_record_keeps() -> None:
    found = PrecisionCheck("m", "bf16", 3, 0.01234567, 0.3).description()

    assert found == {"segments": 3, "posterior": 0.012346, "logits": 0.3}


def test_a_dispatcher_keeps_the_worst_of_each_model_and_says_it_once() -> None:
    said: list[str] = []
    nobody: Any = None
    dispatcher = Dispatcher(nobody, {}, 30.0, print, lambda: None, said.append)
    for posterior in (0.01, 0.03, 0.04):
        check = PrecisionCheck("m", "bf16", 4, posterior, 0.1)
        dispatcher._answer([], Scored(np.empty((0, 2), np.float32), spec(), 0.1, "cpu", check))

    assert dispatcher.checks == {"m": PrecisionCheck("m", "bf16", 12, 0.04, 0.1)}
    assert len(said) == 1
    assert "0.030" in said[0]
