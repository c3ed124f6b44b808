"""tasks/numerics/decision.py against hand arithmetic. Logits are logarithms of small whole numbers."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from tasks.numerics.decision import (
    POOLINGS,
    Decision,
    Pooling,
    TextPosterior,
    decide,
    decide_posterior,
    emotion_posterior,
    fuse,
    log_linear,
    own_posterior,
    weighted_sum,
)
from tasks.numerics.dimensions import DimensionMap
from tasks.numerics.posterior import CENTROIDS
from tests.support.records import model_spec

MAP = {"neu": "neutral", "hap": "happy", "ang": "angry", "sad": "sad", "other": None}
SEVEN = {emotion: emotion for emotion in TAXONOMY}
quick = settings(max_examples=60, deadline=None, database=None)
logit = st.integers(-1000, 1000).map(lambda value: value / 100)


def _posterior(weights: dict[str, float], *, kind: str = "categorical", **parameters: Any) -> dict[str, float]:
    """The posterior of one segment by emotion, without what is 0; `weights` are e^logit by label."""
    return _named(_decided(weights, kind=kind, **parameters).posterior[0])


def _decided(weights: dict[str, float], *, kind: str = "categorical", **parameters: Any) -> Any:
    decision = Decision(**({"label_map": MAP} | parameters))
    return decide(np.log(np.array([list(weights.values())])), model_spec(labels=tuple(weights), kind=kind), decision)


def _named(row: Any) -> dict[str, float]:
    return {emotion: float(p) for emotion, p in zip(TAXONOMY, row, strict=True) if p != 0}


# -- each kind ---------------------------------------------------------------------------------------------------------


def test_a_categorical_model_is_decided_by_softmax_and_put_into_the_order_of_the_taxonomy() -> None:
    decided = _decided({"neu": 1, "hap": 2, "ang": 3, "sad": 4})
    # neutral happy sad angry fear surprise disgust
    assert decided.posterior[0] == pytest.approx([0.1, 0.2, 0.4, 0.3, 0, 0, 0])
    assert decided.emotions == ["sad"]
    assert decided.confidence[0] == pytest.approx(0.4)
    assert decided.dropped_mass[0] == 0


def test_a_multilabel_model_is_decided_by_sigmoids() -> None:
    # sigmoid(log w) = w / (1 + w): 1/2, 3/4, 1/4; their sum is 3/2.
    expected = {"neutral": 1 / 3, "happy": 1 / 2, "sad": 1 / 6}
    assert _posterior({"neu": 1, "hap": 3, "sad": 1 / 3}, kind="multilabel") == pytest.approx(expected)


def test_the_temperature_divides_a_multilabel_models_logits_before_the_sigmoid() -> None:
    # 9 and 1/9 at temperature 2 are 3 and 1/3: sigmoids 3/4 and 1/4.
    posterior = _posterior({"hap": 9, "sad": 1 / 9}, kind="multilabel", audio_temperature=2.0)
    assert posterior == pytest.approx({"happy": 3 / 4, "sad": 1 / 4})


def test_dropped_mass_of_a_multilabel_model_is_a_share_of_all_its_mass() -> None:
    decided = _decided({"neu": 1, "hap": 3, "other": 1 / 3}, kind="multilabel")
    assert decided.dropped_mass[0] == pytest.approx((1 / 4) / (3 / 2))
    assert _named(decided.posterior[0]) == pytest.approx({"neutral": 2 / 5, "happy": 3 / 5})


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_a_dimensional_model_is_decided_by_distances_to_the_centroids(temperature: float) -> None:
    # Outputs 0…1 in the model's own order; happy lies at valence .76, arousal .48, dominance .35 of -1…1.
    spec = model_spec(labels=("arousal", "dominance", "valence"), kind="dimensional")
    outputs = np.array([[(1 + 0.48) / 2, (1 + 0.35) / 2, (1 + 0.76) / 2]])
    row = emotion_posterior(outputs, spec, Decision(audio_temperature=temperature))[0]
    assert TAXONOMY[int(row.argmax())] == "happy"
    # Neutral is the origin: its distance is √(.76² + .48² + .35²) = √.9305; to sad √(1.39² + .75² + .68²) = √2.957.
    assert row[0] / row[1] == pytest.approx(math.exp(-math.sqrt(0.9305) / 0.25 / temperature))
    assert row[2] / row[1] == pytest.approx(math.exp(-math.sqrt(2.957) / 0.25 / temperature))


def test_a_dimensional_model_is_measured_over_the_dimensions_that_it_has() -> None:
    spec = model_spec(labels=("Arousal", "Valence"), kind="dimensional")
    row = emotion_posterior(np.array([[0.5, 0.5]]), spec, Decision())[0]
    # The origin is neutral; happy lies √(.76² + .48²) = √.808 from it where nothing says dominance.
    assert row[1] / row[0] == pytest.approx(math.exp(-math.sqrt(0.808) / 0.25))


def test_neutral_is_the_origin_and_every_emotion_has_its_own_centroid() -> None:
    assert set(CENTROIDS) == set(TAXONOMY)
    assert CENTROIDS["neutral"] == (0, 0, 0)
    for emotion, (valence, arousal, dominance) in CENTROIDS.items():
        spec = model_spec(labels=("valence", "arousal", "dominance"), kind="dimensional")
        outputs = (1 + np.array([[valence, arousal, dominance]])) / 2
        assert decide(outputs, spec, Decision()).emotions == [emotion]


# -- the label map -----------------------------------------------------------------------------------------------------


def test_labels_of_one_emotion_add_up() -> None:
    maps = {"joy": "happy", "excited": "happy", "sad": "sad"}
    assert _posterior({"joy": 3, "excited": 3, "sad": 4}, label_map=maps) == pytest.approx({"happy": 0.6, "sad": 0.4})


def test_labels_are_looked_up_in_lower_case() -> None:
    assert _posterior({"NEU": 1, "Hap": 3}) == pytest.approx({"neutral": 0.25, "happy": 0.75})


def test_a_dropped_labels_mass_is_reported_and_the_rest_renormalised() -> None:
    decided = _decided({"neu": 1, "hap": 2, "other": 1})
    assert decided.dropped_mass[0] == pytest.approx(0.25)
    assert _named(decided.posterior[0]) == pytest.approx({"neutral": 1 / 3, "happy": 2 / 3})


def test_a_segment_is_undecided_only_above_the_greatest_dropped_mass() -> None:
    assert _decided({"hap": 1, "other": 1}).emotions == ["happy"]
    lost = _decided({"hap": 1, "other": 1.001})
    assert lost.emotions == [None]
    assert lost.undecided.tolist() == [True]
    assert np.isnan(lost.posterior).all()
    assert np.isnan([lost.confidence, lost.entropy]).all()
    assert lost.dropped_mass[0] == pytest.approx(1.001 / 2.001)
    assert _decided({"hap": 1, "other": 9}, max_dropped_mass=0.95).emotions == ["happy"]


@quick
@given(st.lists(logit, min_size=7, max_size=7))
def test_where_no_label_is_dropped_the_dropped_mass_is_exactly_nothing(logits: list[float]) -> None:
    spec = model_spec(labels=tuple(reversed(TAXONOMY)))
    decided = decide(np.array([logits]), spec, Decision(label_map=SEVEN, max_dropped_mass=0.0))
    assert decided.dropped_mass[0] == 0
    assert not decided.undecided.any()


def test_a_segment_whose_labels_all_map_to_nothing_is_undecided_whatever_is_allowed() -> None:
    assert _decided({"other": 1, "neu": 1}, label_map={"other": None, "neu": None}, max_dropped_mass=1).emotions == [
        None
    ]


def test_a_label_that_the_map_does_not_know_is_named() -> None:
    with pytest.raises(ValueError, match="'bored' of superb"):
        _decided({"bored": 1, "hap": 1})


# -- each parameter, in its order --------------------------------------------------------------------------------------


def test_temperature_flattens_the_logits() -> None:
    # Square roots of 1 and 16.
    assert _posterior({"neu": 1, "hap": 16}, audio_temperature=2.0) == pytest.approx({"neutral": 0.2, "happy": 0.8})


def test_temperature_comes_before_the_label_map() -> None:
    maps = {"joy": "happy", "excited": "happy", "sad": "sad"}
    weights = {"joy": 4, "excited": 4, "sad": 9}
    # 8 against 9; at temperature 2 it is 2 + 2 against 3.
    assert _posterior(weights, label_map=maps) == pytest.approx({"happy": 8 / 17, "sad": 9 / 17})
    assert _posterior(weights, label_map=maps, audio_temperature=2.0) == pytest.approx({"happy": 4 / 7, "sad": 3 / 7})


@quick
@given(st.permutations(TAXONOMY), st.lists(logit, min_size=7, max_size=7), st.floats(0.05, 20))
def test_temperature_alone_changes_no_argmax_under_a_one_to_one_map(
    labels: list[str], logits: list[float], temperature: float
) -> None:
    spec = model_spec(labels=tuple(labels))
    plain = decide(np.array([logits]), spec, Decision(label_map=SEVEN))
    flat = decide(np.array([logits]), spec, Decision(label_map=SEVEN, audio_temperature=temperature))
    assert flat.emotions == plain.emotions


def test_emotion_weights_are_factors_on_the_posterior() -> None:
    # .1 .2 .3 .4, then .1 .4 .3 .2
    posterior = _posterior({"neu": 1, "hap": 2, "ang": 3, "sad": 4}, emotion_weights={"sad": 0.5, "happy": 2.0})
    assert posterior == pytest.approx({"neutral": 0.1, "happy": 0.4, "angry": 0.3, "sad": 0.2})


def test_weights_come_after_the_bound_on_dropped_mass() -> None:
    # 0.6 of the mass is dropped: no weight of what is left brings the segment back.
    assert _decided({"hap": 2, "other": 3}, emotion_weights={"happy": 100.0}).emotions == [None]


def test_a_segment_whose_every_emotion_has_weight_nought_is_undecided() -> None:
    assert _decided({"hap": 1, "sad": 1}, emotion_weights={"happy": 0.0, "sad": 0.0}).emotions == [None]


@pytest.mark.parametrize(
    ("limits", "suppressed"),
    [
        ({}, True),
        ({"confidence_threshold": 0.25 - 1e-9}, True),
        ({"confidence_threshold": 0.25 + 1e-9}, False),
        ({"dominance_margin": 0.125 - 1e-9}, True),
        ({"dominance_margin": 0.125 + 1e-9}, False),
        ({"confidence_threshold": 0.2, "dominance_margin": 0.2}, False),
    ],
)
def test_neutral_is_suppressed_where_the_best_other_emotion_stands_out(
    limits: dict[str, float], suppressed: bool
) -> None:
    # neutral 1/2; the best other 1/4, the next 1/8.
    posterior = _posterior({"neu": 4, "hap": 2, "ang": 1, "sad": 1}, neutral_suppression=0.25, **limits)
    # 1/8 : 2/8 : 1/8 : 1/8, of 5/8
    changed = {"neutral": 1 / 5, "happy": 2 / 5, "angry": 1 / 5, "sad": 1 / 5}
    plain = {"neutral": 1 / 2, "happy": 1 / 4, "angry": 1 / 8, "sad": 1 / 8}
    assert posterior == pytest.approx(changed if suppressed else plain)


def test_suppression_sees_the_posterior_after_the_weights() -> None:
    # .5 .3 .2; with happy doubled .5 .6 .2 of 1.3: happy has .46, over the threshold that .3 does not reach.
    weights = {"neu": 5, "hap": 3, "sad": 2}
    changes = {"neutral_suppression": 0.5, "confidence_threshold": 0.4}
    assert _posterior(weights, **changes)["neutral"] == pytest.approx(0.5)
    # Then .25 .6 .2 of 1.05.
    after = _posterior(weights, emotion_weights={"happy": 2.0}, **changes)
    assert after == pytest.approx({"neutral": 0.25 / 1.05, "happy": 0.6 / 1.05, "sad": 0.2 / 1.05})


def test_each_segment_is_suppressed_by_itself() -> None:
    spec = model_spec(labels=("neu", "hap"))
    decision = Decision(label_map=MAP, neutral_suppression=0.5, confidence_threshold=0.4)
    # .75/.25 stays; .5/.5 becomes .25/.5.
    posterior = emotion_posterior(np.log(np.array([[3.0, 1.0], [1.0, 1.0]])), spec, decision)
    assert posterior[:, 0] == pytest.approx([0.75, 1 / 3])


def test_neutral_floor_is_what_neutral_has_in_the_end() -> None:
    # .1 of 1; the floor asks for .25 / .75 · .9 = .3, of 1.2 in all.
    posterior = _posterior({"neu": 1, "hap": 2, "ang": 3, "sad": 4}, neutral_floor=0.25)
    assert posterior == pytest.approx({"neutral": 0.25, "happy": 0.2 / 1.2, "angry": 0.25, "sad": 0.4 / 1.2})


def test_neutral_above_its_floor_stays_as_it_is() -> None:
    assert _posterior({"neu": 1, "hap": 1}, neutral_floor=0.4) == pytest.approx({"neutral": 0.5, "happy": 0.5})


def test_the_floor_comes_after_suppression() -> None:
    posterior = _posterior({"neu": 5, "hap": 3, "sad": 2}, neutral_suppression=0.0, neutral_floor=0.3)
    # Suppressed to nothing: .6 and .4; the floor gives neutral .3 of what there is then.
    assert posterior == pytest.approx({"neutral": 0.3, "happy": 0.42, "sad": 0.28})


def test_ties_go_to_the_lower_index_of_the_taxonomy_not_of_the_labels() -> None:
    assert _decided({"sad": 1, "ang": 1, "hap": 1}).emotions == ["happy"]
    assert _decided({"ang": 1, "sad": 1, "neu": 1, "hap": 1}).emotions == ["neutral"]


parameters = st.fixed_dictionaries(
    {
        "audio_temperature": st.floats(0.05, 20),
        "emotion_weights": st.dictionaries(st.sampled_from(TAXONOMY), st.floats(0, 5)),
        "neutral_suppression": st.floats(0, 2),
        "confidence_threshold": st.floats(0, 1),
        "dominance_margin": st.floats(0, 1),
        "neutral_floor": st.floats(0, 0.99),
        "max_dropped_mass": st.floats(0, 1),
    }
)


@quick
@given(parameters, st.lists(st.lists(logit, min_size=5, max_size=5), min_size=1, max_size=4), st.booleans())
def test_rows_sum_to_one_or_are_nan_throughout_and_neutral_is_never_below_its_floor(
    chosen: dict[str, Any], logits: list[list[float]], multilabel: bool
) -> None:
    spec = model_spec(labels=tuple(MAP), kind="multilabel" if multilabel else "categorical")
    decided = decide(np.array(logits), spec, Decision(label_map=MAP, **chosen))
    kept = decided.posterior[~decided.undecided]
    assert kept.sum(axis=1) == pytest.approx(np.ones(len(kept)))
    assert (kept >= 0).all()
    assert (kept[:, 0] >= chosen["neutral_floor"] - 1e-9).all()
    assert np.isnan(decided.posterior[decided.undecided]).all()
    assert ((decided.dropped_mass >= 0) & (decided.dropped_mass <= 1)).all()
    assert decided.undecided[decided.dropped_mass > chosen["max_dropped_mass"]].all()


# -- extremes, sizes, refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["categorical", "multilabel"])
def test_extreme_logits_are_as_sure_as_can_be(kind: Any) -> None:
    spec = model_spec(labels=("neu", "hap"), kind=kind)
    logits = np.array([[1e30, -1e30], [-1e30, 1e30]], dtype=np.float32)
    decided = decide(logits, spec, Decision(label_map=MAP, audio_temperature=0.01))
    assert decided.emotions == ["neutral", "happy"]
    assert decided.confidence == pytest.approx([1.0, 1.0])
    assert decided.entropy == pytest.approx([0.0, 0.0], abs=1e-9)


def test_what_a_model_answered_with_nan_is_undecided() -> None:
    decided = decide(np.array([[np.nan, 1.0], [0.0, 1.0]]), model_spec(labels=("neu", "hap")), Decision(label_map=MAP))
    assert decided.emotions == [None, "happy"]


@pytest.mark.parametrize("kind", ["categorical", "multilabel", "dimensional"])
def test_no_segments_are_no_rows(kind: Any) -> None:
    labels = ("arousal", "dominance", "valence") if kind == "dimensional" else ("neu", "hap", "sad")
    decided = decide(np.empty((0, 3)), model_spec(labels=labels, kind=kind), Decision(label_map=MAP))
    assert decided.posterior.shape == (0, 7)
    assert (decided.emotions, decided.confidence.shape, decided.entropy.shape) == ([], (0,), (0,))


def test_entropy_is_in_nats() -> None:
    assert _decided({"neu": 1, "hap": 1, "ang": 1, "sad": 1}).entropy[0] == pytest.approx(math.log(4))
    # 1/4, 3/4: log 4 - 3/4 log 3
    assert _decided({"neu": 1, "hap": 3}).entropy[0] == pytest.approx(math.log(4) - 0.75 * math.log(3))


@pytest.mark.parametrize("shape", [(2, 3), (4,)])
def test_logits_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have shape \(n, 4\)"):
        decide(np.zeros(shape), model_spec(), Decision(label_map=MAP))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("audio_temperature", 0.0),
        ("audio_temperature", -1.0),
        ("audio_temperature", math.inf),
        ("audio_weight", -0.1),
        ("audio_weight", 1.1),
        ("neutral_suppression", -0.1),
        ("confidence_threshold", -0.1),
        ("dominance_margin", math.nan),
        ("neutral_floor", 1.0),
        ("neutral_floor", -0.1),
        ("max_dropped_mass", 1.1),
        ("max_dropped_mass", -0.1),
    ],
)
def test_an_invalid_parameter_is_named_with_its_value(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be in .*, not {value}"):
        Decision(**{name: value})


def test_a_weight_that_is_negative_or_for_no_emotion_is_named() -> None:
    with pytest.raises(ValueError, match=r"emotion_weights\[sad\] must be in"):
        Decision(emotion_weights={"sad": -1.0})
    with pytest.raises(ValueError, match="'calm' is not an emotion; expected one of neutral, happy"):
        Decision(emotion_weights={"calm": 1.0})
    with pytest.raises(ValueError, match=r"label_map\[bored\]: 'boredom' is not an emotion"):
        Decision(label_map={"bored": "boredom"})


def test_the_canonical_form_does_not_depend_on_the_order_of_writing() -> None:
    one = Decision(emotion_weights={"sad": 2.0, "happy": 1.5}, label_map={"b": None, "a": "sad"})
    two = Decision(label_map={"a": "sad", "b": None}, emotion_weights={"happy": 1.5, "sad": 2.0})
    assert list(one.canonical()["label_map"]) == ["a", "b"]
    assert one.canonical() == two.canonical()


# -- recorded posteriors, and what the model itself says -------------------------------------------------------------


def _recorded(**masses: float) -> Any:
    return np.array([[masses.get(emotion, 0.0) for emotion in TAXONOMY]])


def test_a_recorded_posterior_is_decided_like_one_that_was_just_computed() -> None:
    decision = Decision(emotion_weights={"sad": 0.5}, neutral_suppression=0.5)
    # Weighted: neutral .5, sad .1, angry .3 of .9; then neutral .25 of .65.
    decided = decide_posterior(_recorded(neutral=0.5, sad=0.2, angry=0.3), decision)
    assert _named(decided.posterior[0]) == pytest.approx({"neutral": 25 / 65, "sad": 10 / 65, "angry": 30 / 65})
    assert decided.emotions == ["angry"]


def test_the_temperature_of_a_recorded_posterior_applies_to_its_logarithm() -> None:
    # Square roots of .64 and .36 are .8 and .6, of 1.4 together.
    decided = decide_posterior(_recorded(happy=0.64, sad=0.36), Decision(audio_temperature=2.0))
    assert _named(decided.posterior[0]) == pytest.approx({"happy": 8 / 14, "sad": 6 / 14})


def test_a_segment_without_a_recorded_posterior_is_undecided() -> None:
    rows = np.concatenate([_recorded(happy=1.0), np.full((1, 7), np.nan)])
    for temperature in (1.0, 2.0):
        assert decide_posterior(rows, Decision(audio_temperature=temperature)).emotions == ["happy", None]


def test_what_a_model_itself_says_knows_no_map_and_no_temperature() -> None:
    posterior, labels = own_posterior(np.log([[1.0, 2.0, 5.0]]), model_spec(labels=("neu", "calm", "hap")))
    assert labels == ("neu", "calm", "hap")
    assert posterior[0] == pytest.approx([0.125, 0.25, 0.625])


def test_what_a_multilabel_model_itself_says_is_renormalised() -> None:
    posterior, _ = own_posterior(np.log([[1.0, 3.0]]), model_spec(labels=("neu", "hap"), kind="multilabel"))
    assert posterior[0] == pytest.approx([0.4, 0.6])


def test_a_dimensional_model_has_the_emotions_for_its_own_labels() -> None:
    spec = model_spec(labels=("arousal", "dominance", "valence"), kind="dimensional")
    posterior, labels = own_posterior(np.full((1, 3), 0.5), spec)
    assert labels == TAXONOMY
    assert posterior[0].argmax() == TAXONOMY.index("neutral")
    assert posterior[0].sum() == pytest.approx(1)


def test_recorded_scores_are_fused_by_the_plain_weighted_sum() -> None:
    fused = weighted_sum(_recorded(happy=1.0), _recorded(happy=0.2, sad=0.8), 0.65)
    assert _named(fused[0]) == pytest.approx({"happy": 0.72, "sad": 0.28})
    assert np.isnan(weighted_sum(_recorded(happy=1.0), np.full((1, 7), np.nan), 1.0)).all()
    with pytest.raises(ValueError, match="audio_weight"):
        weighted_sum(_recorded(happy=1.0), _recorded(happy=1.0), 1.5)


def test_a_map_fitted_on_labels_takes_the_place_of_the_centroids() -> None:
    dimensions = ("arousal", "dominance", "valence")
    spec = model_spec(labels=dimensions, kind="dimensional")
    # Only arousal counts: above the mean it is sad, below it fear, whatever the centroids say.
    fitted = DimensionMap(dimensions, ("sad", "fear"), (0.5,) * 3, (0.1,) * 3, ((1.0, 0, 0), (-1.0, 0, 0)), (0.0, 0.0))
    outputs = np.array([[0.6, 0.5, 0.9], [0.4, 0.5, 0.1]])
    decided = decide(outputs, spec, Decision(dimension_map=fitted))
    assert decided.emotions == ["sad", "fear"]
    assert _named(decided.posterior[0]) == pytest.approx({"sad": 1 / (1 + math.exp(-2)), "fear": 1 / (1 + math.exp(2))})
    warm = decide(outputs, spec, Decision(dimension_map=fitted, audio_temperature=2.0)).posterior[0]
    assert _named(warm) == pytest.approx({"sad": 1 / (1 + math.exp(-1)), "fear": 1 / (1 + math.exp(1))})
    assert Decision(dimension_map=fitted).canonical() != Decision().canonical()
    with pytest.raises(ValueError, match="fitted map is for arousal"):
        decide(
            outputs[:, :2],
            model_spec(labels=("arousal", "valence"), kind="dimensional"),
            Decision(dimension_map=fitted),
        )


# -- fusion ------------------------------------------------------------------------------------------------------------

EVERY = np.ones(7, dtype=bool)


def _says(*emotions: str) -> Any:
    return np.isin(TAXONOMY, emotions)


def test_what_only_the_text_model_can_say_keeps_its_mass_and_the_rest_is_pooled() -> None:
    audio = _recorded(neutral=0.4, happy=0.3, sad=0.2, angry=0.1)
    text = _recorded(neutral=0.2, happy=0.1, sad=0.1, angry=0.1, fear=0.3, surprise=0.1, disgust=0.1)
    fused = fuse(audio, text, _says("neutral", "happy", "sad", "angry"), EVERY, 0.5)
    # Pooled .3 .2 .15 .1, of .75; fear, surprise and disgust leave it .5.
    pooled = {"neutral": 0.2, "happy": 0.4 / 3, "sad": 0.1, "angry": 0.2 / 3}
    assert _named(fused[0]) == pytest.approx(pooled | {"fear": 0.3, "surprise": 0.1, "disgust": 0.1})


def test_what_only_the_audio_model_can_say_keeps_its_share_of_what_the_text_leaves() -> None:
    audio, text = _recorded(neutral=0.2, happy=0.3, disgust=0.5), _recorded(neutral=0.3, happy=0.1, fear=0.6)
    says = _says("neutral", "happy", "disgust"), _says("neutral", "happy", "fear")
    # Fear .6 leaves .4; disgust takes half of it; neutral and happy share .2 as .25 to .2.
    expected = {"neutral": 0.2 * 5 / 9, "happy": 0.2 * 4 / 9, "fear": 0.6, "disgust": 0.2}
    assert _named(fuse(audio, text, *says, 0.5)[0]) == pytest.approx(expected)
    # At weight 1 they share it as .2 to .3, at 0 as .3 to .1.
    assert _named(fuse(audio, text, *says, 1.0)[0])["neutral"] == pytest.approx(0.2 * 2 / 5)
    assert _named(fuse(audio, text, *says, 0.0)[0])["neutral"] == pytest.approx(0.2 * 3 / 4)


def test_models_that_share_no_emotion_are_put_side_by_side() -> None:
    fused = fuse(_recorded(happy=1.0), _recorded(fear=0.6, sad=0.4), _says("happy"), _says("fear", "sad"), 0.5)
    assert _named(fused[0]) == pytest.approx({"fear": 0.6, "sad": 0.4})
    some = fuse(_recorded(happy=1.0), _recorded(fear=0.6, happy=0.4), _says("happy", "sad"), _says("fear", "happy"), 0)
    assert _named(some[0]) == pytest.approx({"happy": 0.4, "fear": 0.6})


def test_a_segment_without_text_is_what_the_audio_says_and_one_without_audio_is_undecided() -> None:
    audio = np.concatenate([_recorded(happy=0.7, sad=0.3), np.full((1, 7), np.nan), np.full((1, 7), np.nan)])
    text = np.concatenate([np.full((1, 7), np.nan), _recorded(fear=1.0), np.full((1, 7), np.nan)])
    for says in (EVERY, _says("happy", "sad")):
        fused = fuse(audio, text, says, EVERY, 0.5)
        assert _named(fused[0]) == {"happy": 0.7, "sad": 0.3}
        assert np.isnan(fused[1:]).all()


masses = st.lists(st.integers(0, 5), min_size=7, max_size=7).filter(lambda row: sum(row) > 0)
abilities = st.lists(st.booleans(), min_size=7, max_size=7)


@quick
@given(masses, masses, abilities, abilities, st.floats(0, 1))
def test_fused_rows_sum_to_one_whatever_each_can_say(
    one: list[int], two: list[int], says_one: list[bool], says_two: list[bool], weight: float
) -> None:
    says = np.array([says_one, says_two]) | (np.array([one, two]) > 0)
    audio, text = (np.array([row]) / sum(row) for row in (one, two))
    fused = fuse(audio, text, says[0], says[1], weight)
    assert fused.sum() == pytest.approx(1)
    assert (fused >= 0).all()
    assert (fused[0, ~says.any(axis=0)] == 0).all()
    only_text = says[1] & ~says[0]
    assert fused[0, only_text] == pytest.approx(text[0, only_text])


@quick
@given(masses, masses, st.floats(0, 1))
def test_over_the_full_taxonomy_fusing_is_the_plain_weighted_sum(one: list[int], two: list[int], weight: float) -> None:
    # Recorded scores are rounded: they need not sum to 1 exactly.
    audio, text = (np.round(np.array([row]) / sum(row), 2) for row in (one, two))
    assert fuse(audio, text, EVERY, EVERY, weight).tolist() == weighted_sum(audio, text, weight).tolist()


def test_log_linear_pooling_multiplies_powers() -> None:
    # √(.64 · .36) is .48 for both.
    pooled = log_linear(_recorded(happy=0.64, sad=0.36), _recorded(happy=0.36, sad=0.64), 0.5)
    assert _named(pooled[0]) == pytest.approx({"happy": 0.5, "sad": 0.5})
    # .9^2/3 · .1^1/3 to .1^2/3 · .9^1/3 is 9^1/3 to 1.
    leaning = log_linear(_recorded(happy=0.9, sad=0.1), _recorded(happy=0.1, sad=0.9), 2 / 3)
    assert leaning[0, 1] / leaning[0, 2] == pytest.approx(9 ** (1 / 3))


def test_in_log_linear_pooling_either_can_veto_what_both_can_say() -> None:
    audio, text = _recorded(happy=0.9, sad=0.1), _recorded(sad=0.2, fear=0.8)
    assert _named(log_linear(audio, text, 0.9)[0]) == {"sad": 1.0}
    assert np.isnan(log_linear(_recorded(happy=1.0), _recorded(sad=1.0), 0.5)).all()
    # At the ends it is one of them; and what audio cannot say is no veto.
    assert _named(log_linear(audio, text, 1.0)[0]) == pytest.approx({"happy": 0.9, "sad": 0.1})
    beside = log_linear(audio, text, 0.9, audio_says=_says("happy", "sad"))
    assert _named(beside[0]) == pytest.approx({"sad": 0.2, "fear": 0.8})
    with pytest.raises(ValueError, match="audio_weight"):
        log_linear(audio, text, -0.1)


def test_fusion_comes_after_the_temperature_and_before_the_weights() -> None:
    # Square roots of .64 and .36 are 8/14 and 6/14; half of each; then sad doubled.
    text = TextPosterior(_recorded(sad=1.0), EVERY)
    decision = Decision(audio_temperature=2.0, audio_weight=0.5, emotion_weights={"sad": 2.0})
    decided = decide_posterior(_recorded(happy=0.64, sad=0.36), decision, text)
    assert _named(decided.posterior[0]) == pytest.approx({"happy": 4 / 24, "sad": 20 / 24})


def test_a_models_labels_say_what_it_can_say() -> None:
    text = TextPosterior(_recorded(happy=0.5, fear=0.5), EVERY)
    spec = model_spec(labels=("neu", "hap"))
    decision = Decision(label_map=MAP, audio_weight=0.5)
    # Audio says .75 and .25, text 0 and .5: .375 each, in the half that fear leaves.
    row = decide(np.log([[3.0, 1.0]]), spec, decision, text).posterior[0]
    assert _named(row) == pytest.approx({"neutral": 0.25, "happy": 0.25, "fear": 0.5})


@pytest.mark.parametrize("pooling", POOLINGS)
def test_at_a_weight_of_one_text_has_no_say_not_even_for_what_audio_cannot_say(pooling: Pooling) -> None:
    text = TextPosterior(_recorded(happy=0.5, fear=0.5), EVERY)
    decision = Decision(label_map=MAP, audio_weight=1.0, pooling=pooling)
    row = decide(np.log([[3.0, 1.0]]), model_spec(labels=("neu", "hap")), decision, text).posterior[0]
    assert _named(row) == pytest.approx({"neutral": 0.75, "happy": 0.25})


def test_a_fitted_map_can_say_the_emotions_that_it_was_fitted_on() -> None:
    spec = model_spec(labels=("valence",), kind="dimensional")
    fitted = DimensionMap(("valence",), ("happy", "sad"), (0.5,), (1.0,), ((0.0,), (0.0,)), (0.0, 0.0))
    text = TextPosterior(_recorded(happy=0.2, fear=0.8), EVERY)
    row = decide(np.array([[0.5]]), spec, Decision(dimension_map=fitted, audio_weight=0.5), text).posterior[0]
    # Audio says .5 and .5, text .2 and 0: .35 to .25, in the fifth that fear leaves.
    assert _named(row) == pytest.approx({"happy": 0.2 * 7 / 12, "sad": 0.2 * 5 / 12, "fear": 0.8})


def test_text_does_not_bring_back_what_the_audio_model_leaves_undecided() -> None:
    text = TextPosterior(_recorded(happy=1.0), EVERY)
    decision = Decision(label_map=MAP, audio_weight=0.0)
    assert decide(np.log([[1.0, 9.0]]), model_spec(labels=("hap", "other")), decision, text).emotions == [None]


def test_the_pooling_of_a_decision_is_the_weighted_sum_unless_the_product_is_asked_for() -> None:
    audio, text = _recorded(happy=0.64, sad=0.36), TextPosterior(_recorded(happy=0.1, sad=0.9), EVERY)
    linear = decide_posterior(audio, Decision(audio_weight=0.5), text)
    product = decide_posterior(audio, Decision(audio_weight=0.5, pooling="log"), text)
    assert _named(linear.posterior[0]) == pytest.approx({"happy": 0.37, "sad": 0.63})
    # √0.064 to √0.324, which is 1 to 2.25.
    assert _named(product.posterior[0]) == pytest.approx({"happy": 1 / 3.25, "sad": 2.25 / 3.25})


def test_where_audio_alone_decides_the_pooling_does_not_matter() -> None:
    audio = np.array([[0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1]])
    text = np.array([[0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]])
    for read, weight in ((text, 1.0), (np.full((1, 7), np.nan), 0.3)):
        product = decide_posterior(audio, Decision(audio_weight=weight, pooling="log"), TextPosterior(read, EVERY))
        assert product.posterior == pytest.approx(audio)


def test_a_pooling_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="pooling must be one of linear, log, not 'mean'"):
        Decision(pooling="mean")  # type: ignore[arg-type]


def test_an_audio_weight_of_one_and_linear_pooling_are_no_part_of_the_canonical_form() -> None:
    assert not {"audio_weight", "pooling"} & set(Decision().canonical())
    assert Decision(pooling="log").canonical()["pooling"] == "log"
    assert Decision(audio_weight=0.9).canonical()["audio_weight"] == 0.9
