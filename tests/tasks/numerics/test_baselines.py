"""tasks/numerics/baselines.py against hand arithmetic and a simulation."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from tasks.numerics.baselines import label_prior, majority
from tasks.numerics.metrics import Metrics, measure

LABELS = np.repeat([0, 3, 1, 2, 5, 4], [20, 3, 2, 2, 2, 2])


def test_the_majority_baseline_always_says_the_commonest_emotion() -> None:
    found = majority(LABELS)
    assert f"{found.accuracy:.3f} {found.macro_f1:.3f} {found.neutral_rate:.3f}" == "0.645 0.112 1.000"
    assert found.coverage == pytest.approx(20 / 31)


def test_the_majority_breaks_a_tie_to_the_lower_index() -> None:
    assert majority(np.array([5, 2, 5, 2])).classes["sad"].recall == 1


def test_label_prior_of_three_segments_equals_all_its_draws_counted_out() -> None:
    # Shares 2/3 neutral, 1/3 happy: each of the 2³ predictions, with its chance.
    truth, total = np.array([0, 0, 1]), dict.fromkeys(["accuracy", "uar", "macro_f1", "macro_f1_present"], 0.0)
    for code in range(8):
        prediction = np.array([code & 1, code >> 1 & 1, code >> 2 & 1])
        chance = math.prod(1 / 3 if each else 2 / 3 for each in prediction)
        drawn = measure(truth, prediction)
        for name in total:
            total[name] += chance * getattr(drawn, name)
    found = label_prior(truth)
    for name, expected in total.items():
        assert getattr(found, name) == pytest.approx(expected)


def test_label_prior_equals_its_simulation() -> None:
    rng = np.random.default_rng(0)
    drawn = [measure(LABELS, rng.choice(LABELS, LABELS.size)) for _ in range(1500)]
    found = label_prior(LABELS)
    for name in ("accuracy", "uar", "macro_f1", "macro_f1_present", "neutral_rate", "non_neutral_accuracy"):
        values = [getattr(each, name) for each in drawn]
        assert getattr(found, name) == pytest.approx(np.mean(values), abs=4 * np.std(values) / math.sqrt(1500))


def test_label_prior_has_the_shares_as_its_posterior() -> None:
    shares = np.bincount(LABELS, minlength=7) / 31
    drawn = measure(LABELS, LABELS, np.tile(shares, (31, 1)))
    found = label_prior(LABELS)
    assert found.cross_entropy == pytest.approx(drawn.cross_entropy)
    assert found.brier == pytest.approx(drawn.brier)
    assert np.array(found.confusion).sum() == pytest.approx(31)


def test_one_label_throughout_is_guessed_perfectly() -> None:
    found = label_prior(np.array([4, 4]))
    assert (found.accuracy, found.uar, found.macro_f1_present, str(found.cross_entropy)) == (1, 1, 1, "0.0")


@pytest.mark.parametrize("baseline", [majority, label_prior])
def test_without_a_label_a_baseline_is_undefined_with_reasons(baseline: Callable[..., Metrics]) -> None:
    found = baseline(np.array([], int))
    undefined = {name for name, value in vars(found).items() if value is None}
    assert {"accuracy", "uar", "macro_f1", "cross_entropy", "brier", "coverage"} <= undefined <= set(found.undefined)
