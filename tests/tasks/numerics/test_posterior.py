"""tasks/numerics/posterior.py: the steps by themselves; together they are tested in test_decision."""

import numpy as np
import pytest

from actors.contract import TAXONOMY
from tasks.numerics.posterior import label_matrix, mapped_posterior, model_posterior, renormalise, tempered


def test_a_label_map_is_a_matrix_with_a_row_of_nothing_for_what_is_dropped() -> None:
    into = label_matrix(("Joy", "fun", "other"), {"joy": "happy", "fun": "happy", "other": None})
    assert into.shape == (3, 7)
    assert np.argwhere(into).tolist() == [[0, TAXONOMY.index("happy")], [1, TAXONOMY.index("happy")]]


def test_a_label_that_is_not_in_the_map_is_named() -> None:
    with pytest.raises(ValueError, match="label 'bored' of some/model is not in the decision's label_map"):
        label_matrix(("bored",), {}, "some/model")


def test_mapped_rows_sum_to_one_and_the_dropped_mass_is_a_share() -> None:
    into = label_matrix(("sad", "fear", "other"), {"sad": "sad", "fear": "fear", "other": None})
    # Of a mass of 2: .5 is dropped; then 1.5.
    mapped, dropped = mapped_posterior(np.array([[1.0, 0.2, 0.4], [0.2, 0.2, 1.6]]), into, 0.5)
    assert dropped == pytest.approx([0.25, 0.8])
    assert mapped[0, [2, 4]] == pytest.approx([1 / 1.2, 0.2 / 1.2])
    assert np.isnan(mapped[1]).all()


def test_labels_that_may_hold_together_count_as_the_most_probable_of_them_and_not_by_their_number() -> None:
    joys = tuple(f"joy {number}" for number in range(13))
    table: dict[str, str | None] = {**dict.fromkeys(joys, "happy"), "grief": "sad", "doubt": None, "resolve": None}
    into = label_matrix((*joys, "grief", "doubt", "resolve"), table)
    # A head that knows nothing: .05 for each of 16 labels. Happy, sad and what is dropped are alike.
    knows_nothing = np.full((1, 16), 0.05)
    mapped, dropped = mapped_posterior(knows_nothing, into, 0.5, multilabel=True)
    assert mapped[0, [1, 2]] == pytest.approx([0.5, 0.5])
    assert dropped == pytest.approx([1 / 3])
    # One joy of .6 beside a grief of .3; the other twelve joys add nothing.
    row = np.array([[0.6, *[0.2] * 12, 0.3, 0.0, 0.0]])
    assert mapped_posterior(row, into, 0.5, multilabel=True)[0][0, [1, 2]] == pytest.approx([2 / 3, 1 / 3])
    # Labels that exclude each other add up.
    assert mapped_posterior(row, into, 0.5)[0][0, [1, 2]] == pytest.approx([3.0 / 3.3, 0.3 / 3.3])


def test_a_recorded_posterior_is_untouched_at_a_temperature_of_one() -> None:
    row = np.array([[0.1, 0.2, 0.7, 0, 0, 0, 0]])
    assert tempered(row, 1.0) is row
    # Squares: 1 4 49 of 54.
    assert tempered(row, 0.5)[0, :3] == pytest.approx(np.array([1, 4, 49]) / 54)


def test_sigmoids_do_not_overflow() -> None:
    assert model_posterior(np.array([[-1e9, 0.0, 1e9]]), 1.0, multilabel=True)[0] == pytest.approx([0, 0.5, 1])


def test_a_row_without_mass_is_undefined() -> None:
    assert np.isnan(renormalise(np.zeros((1, 7)))).all()
