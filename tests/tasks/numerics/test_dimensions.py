"""tasks/numerics/dimensions.py: against scikit-learn's own probabilities, and on data with a known answer."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from actors.contract import TAXONOMY
from tasks.numerics.dimensions import DimensionMap, fit, out_of_fold

ADV = ("arousal", "dominance", "valence")


def _cloud(emotions: tuple[str, ...], each: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Clouds of outputs around a point of each emotion's own."""
    random = np.random.default_rng(seed)
    truth = np.repeat([TAXONOMY.index(emotion) for emotion in emotions], each)
    centres = np.random.default_rng(99).uniform(0.2, 0.8, (len(TAXONOMY), 3))
    return centres[truth] + 0.05 * random.standard_normal((len(truth), 3)), truth


@pytest.mark.parametrize("emotions", [("neutral", "sad"), ("neutral", "happy", "angry", "fear")])
def test_the_posterior_is_that_of_scikit_learns_model(emotions: tuple[str, ...]) -> None:
    outputs, truth = _cloud(emotions)
    found = fit(outputs, truth, ADV).posterior(outputs)
    scaled = (outputs - outputs.mean(axis=0)) / outputs.std(axis=0)
    reference = LogisticRegression(max_iter=1000).fit(scaled, truth)
    assert found[:, reference.classes_] == pytest.approx(reference.predict_proba(scaled), abs=1e-6)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(truth)))


def test_an_emotion_without_labels_gets_no_mass_and_a_clear_cloud_is_found() -> None:
    outputs, truth = _cloud(("neutral", "angry"))
    posterior = fit(outputs, truth, ADV).posterior(outputs)
    assert (posterior.argmax(axis=1) == truth).mean() > 0.95
    assert (posterior[:, TAXONOMY.index("happy")] == 0).all()


def test_out_of_fold_a_map_that_only_knows_its_sources_is_found_out() -> None:
    random = np.random.default_rng(3)
    source = np.repeat(np.arange(8), 10)
    truth = np.array([0, 3])[source % 2]
    # The outputs give away the source, and nothing else: each source lies in a corner of its own.
    outputs = random.uniform(0, 1, (8, 3))[source] + 0.001 * random.standard_normal((80, 3))
    apparent = fit(outputs, truth, ADV).posterior(outputs).argmax(axis=1)
    honest = out_of_fold(outputs, truth, source, ADV)
    assert honest is not None
    assert (apparent == truth).mean() - (honest.argmax(axis=1) == truth).mean() > 0.15


def test_one_source_or_one_emotion_is_not_enough() -> None:
    outputs, truth = _cloud(("neutral", "angry"))
    assert out_of_fold(outputs, truth, np.zeros(len(truth), dtype=np.int64), ADV) is None
    with pytest.raises(ValueError, match="two emotions"):
        fit(outputs, np.zeros(len(truth), dtype=np.int64), ADV)


def test_a_map_with_wrong_sizes_names_or_numbers_is_refused() -> None:
    good = fit(*_cloud(("neutral", "angry")), ADV)
    for changes in ({"bias": (0.0,)}, {"emotions": ("neutral", "bored")}, {"scale": (1.0, 0.0, 1.0)},
                    {"mean": (float("nan"), 0.0, 0.0)}, {"emotions": ("sad", "sad")}):  # fmt: skip
        with pytest.raises(ValueError, match=r"expected|sizes|finite"):
            replace(good, **changes)
    assert isinstance(good, DimensionMap)
