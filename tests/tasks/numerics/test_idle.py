"""tasks/numerics/idle.py: which parameters cannot matter, and that none is named that does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from tasks.numerics.grid import Evidence, Grid
from tasks.numerics.idle import Idle, cannot_matter
from tasks.numerics.search import answers
from tasks.numerics.tallies import OBJECTIVES, Objective
from tests.support.searches import evidences, grids, heard, recorded

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 7, 20)
AUDIO, TEXT = RNG.dirichlet(np.ones(7), 20), RNG.dirichlet(np.ones(7), 20)
TEMPERATURES = (0.5, 1.0, 2.0)


def test_temperature_alone_cannot_matter_under_a_one_to_one_map_but_for_the_cross_entropy() -> None:
    grid = Grid({"audio_temperature": TEMPERATURES})
    evidence = recorded(TRUTH, AUDIO)
    assert cannot_matter(evidence, grid) == {"audio_temperature": Idle.TEMPERATURE_ALONE}
    assert cannot_matter(evidence, grid, "accuracy") == {"audio_temperature": Idle.TEMPERATURE_ALONE}
    assert cannot_matter(evidence, grid, "cross_entropy") == {}


@pytest.mark.parametrize(
    "other",
    [{"sad": (1.0, 2.0)}, {"sad": (0.5,)}, {"neutral_suppression": (0.5, 1.0)}, {"neutral_floor": (0.0, 0.3)}],
)
def test_temperature_matters_beside_anything_that_weighs_the_probabilities(other: dict[str, tuple[float, ...]]) -> None:
    assert cannot_matter(recorded(TRUTH, AUDIO), Grid({"audio_temperature": TEMPERATURES, **other})) == {}


def test_temperature_matters_where_labels_are_merged_or_dropped_or_text_is_fused() -> None:
    grid = Grid({"audio_temperature": TEMPERATURES})
    assert cannot_matter(heard(TRUTH, RNG.normal(size=(20, 5))), grid) == {}
    assert cannot_matter(recorded(TRUTH, AUDIO, TEXT), Grid({**grid.values, "audio_weight": (0.5,)})) == {}


def test_audio_that_is_not_heard_has_no_temperature() -> None:
    grid = Grid({"audio_temperature": TEMPERATURES, "audio_weight": (0.0,), "sad": (0.5, 1.0)})
    evidence = recorded(TRUTH, AUDIO, TEXT)
    assert cannot_matter(evidence, grid, "cross_entropy") == {"audio_temperature": Idle.AUDIO_UNHEARD}
    some = recorded(TRUTH, AUDIO, np.where(np.arange(20)[:, None] == 3, np.nan, TEXT))
    assert cannot_matter(some, grid, "cross_entropy") == {}


def test_the_weight_of_audio_cannot_matter_without_text_or_where_nothing_is_shared() -> None:
    grid = Grid({"audio_weight": (0.0, 0.5, 1.0)})
    assert cannot_matter(recorded(TRUTH, AUDIO), grid) == {"audio_weight": Idle.NO_TEXT}
    assert cannot_matter(recorded(TRUTH, AUDIO, np.full((20, 7), np.nan)), grid) == {"audio_weight": Idle.NO_TEXT}
    assert cannot_matter(recorded(TRUTH, AUDIO, TEXT), grid) == {}
    low = np.arange(7) < 3
    apart = recorded(TRUTH, np.where(low, AUDIO, 0), np.where(low, 0, TEXT))
    apart = replace(apart, audio_says=low, text_says=~low)
    below_one = Grid({"audio_weight": (0.0, 0.5, 0.9)})
    assert cannot_matter(apart, below_one, "cross_entropy") == {"audio_weight": Idle.NOTHING_SHARED}
    # At 1 the text does not even say what it alone can say.
    assert cannot_matter(apart, grid, "cross_entropy") == {}


def test_thresholds_cannot_matter_without_suppression() -> None:
    thresholds = {"confidence_threshold": (0.0, 0.5), "dominance_margin": (0.0, 0.2)}
    evidence = recorded(TRUTH, AUDIO)
    without = cannot_matter(evidence, Grid({**thresholds, "neutral_suppression": (1.0,)}), "cross_entropy")
    assert without == dict.fromkeys(thresholds, Idle.NO_SUPPRESSION)
    assert cannot_matter(evidence, Grid({**thresholds, "neutral_suppression": (0.2, 1.0)})) == {}


def test_the_weight_of_an_emotion_that_no_model_says_cannot_matter() -> None:
    logits = RNG.normal(size=(20, 5))
    grid = Grid({"disgust": (0.5, 2.0), "happy": (0.5, 2.0)})
    assert cannot_matter(heard(TRUTH, logits), grid, "cross_entropy") == {"disgust": Idle.NEVER_PROBABLE}
    silent = recorded(TRUTH, np.where(np.arange(7) == TAXONOMY.index("neutral"), 0, AUDIO))
    suppression = Grid({"neutral_suppression": (0.5, 1.0)})
    assert cannot_matter(silent, suppression) == {"neutral_suppression": Idle.NEUTRAL_NEVER_PROBABLE}
    assert cannot_matter(recorded(TRUTH, AUDIO), suppression) == {}


def test_a_parameter_that_is_not_varied_is_not_named() -> None:
    assert cannot_matter(recorded(TRUTH, AUDIO), Grid({"audio_weight": (0.5, 0.5), "audio_temperature": (2.0,)})) == {}


def test_a_reason_that_an_answer_contradicts_is_not_given() -> None:
    # So flat at a temperature of 10^18 that all exponentials are 1: rounding ties what was not tied.
    evidence = recorded([3], [[0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1]])
    assert cannot_matter(evidence, Grid({"audio_temperature": (1.0, 1e18)})) == {}


@settings(max_examples=60, deadline=None, database=None)
@given(evidences(), grids(), st.sampled_from(OBJECTIVES))
def test_no_parameter_is_named_that_changes_an_answer(evidence: Evidence, grid: Grid, objective: Objective) -> None:
    for name in cannot_matter(evidence, grid, objective):
        fixed = answers(evidence, Grid({**grid.values, name: grid.values[name][:1]}))
        varied = answers(
            evidence, Grid({**{k: v for k, v in grid.values.items() if k != name}, name: grid.values[name]})
        )
        assert len({row.tobytes() for row in varied.prediction}) == len({row.tobytes() for row in fixed.prediction})


def test_every_reason_is_a_sentence_for_people() -> None:
    assert all(len(reason.split()) > 6 and reason[0].islower() for reason in Idle)
