"""From logits, or from recorded scores, to answers: posteriors, flags and reasons by segment."""

from pathlib import Path

import numpy as np
import pytest

from actors.contract import TAXONOMY, Reason
from infra.shelf import FolderShelf
from tasks.evaluation.answers import INCOMPLETE, NON_COMMERCIAL, Answers, from_heard, from_recorded
from tasks.evaluation.cache import HeardCache
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.hear import hear
from tasks.numerics.decision import Decision
from tests.support.evaluation import (
    ACCESS,
    Answer,
    Model,
    PoolStandIn,
    alone,
    model,
    one_hot,
    says,
    sure,
    system,
    wanted,
)

EN, KO = "s3://media/en.wav", "s3://media/ko.wav"
PLAIN = Decision()
RNG = np.random.default_rng(5)


def answers(
    tmp_path: Path, candidate: Candidate, *models: Model, n: int = 30, korean: int = 0, languages: str = "en"
) -> Answers:
    """What a candidate answers to n English segments and some Korean ones, whose medium is heard as `languages`."""
    segments = [wanted(EN, row, row + 0.9) for row in range(n)] + [wanted(KO, row, row + 0.9) for row in range(korean)]
    pool = PoolStandIn({EN: "en", KO: "ko"}, *models, languages={EN: "en", KO: languages})
    return from_heard(
        candidate, hear(candidate, segments, HeardCache(FolderShelf(tmp_path)), ACCESS, pool, lambda _: None)
    )


def noise(scale: float) -> Answer:
    """Outputs of a random head: they say next to nothing, whatever is heard."""
    return lambda content, span: np.random.default_rng(round(span.start_s * 10)).normal(0, scale, 7).tolist()


def varied(content: str, span: object) -> tuple[float, ...]:
    return sure(TAXONOMY[hash(span) % 7], 4.0)


def test_a_model_answers_with_posteriors_over_the_taxonomy(tmp_path: Path) -> None:
    four = model(labels=("neu", "hap", "ang", "sad"), answer=lambda content, span: (0.0, 0.0, np.log(3.0), 0.0))

    found = answers(tmp_path, alone(four), four, n=2)

    # softmax(0, 0, log 3, 0) = 1/6, 1/6, 1/2, 1/6; the columns are neutral happy sad angry …
    assert found.posterior == pytest.approx(np.array([[1 / 6, 1 / 6, 1 / 6, 1 / 2, 0, 0, 0]] * 2))
    assert found.prediction.tolist() == [3, 3]
    assert found.can_say.tolist() == [True, True, True, True, False, False, False]
    assert found.maps == {four.spec.weights_sha256: {"neu": "neutral", "hap": "happy", "ang": "angry", "sad": "sad"}}
    assert (found.flags, found.unscored.any(), dict(found.reasons)) == ((), False, {})


def test_a_segment_that_the_model_failed_on_is_undecided_unscored_and_flagged(tmp_path: Path) -> None:
    broken = model(answer=lambda content, span: Reason.NON_FINITE if span.start_s == 1 else sure("sad"))

    found = answers(tmp_path, alone(broken), broken, n=3)

    assert found.prediction.tolist() == [2, -1, 2]
    assert found.unscored.tolist() == [False, True, False]
    assert dict(found.reasons) == {"non_finite": 1}
    assert INCOMPLETE in found.flags
    assert found.heard_as[1] is None
    assert found.logits[1] is None
    assert np.isnan(found.dropped[1])


def test_mass_outside_the_taxonomy_is_dropped_and_above_the_bound_undecided(tmp_path: Path) -> None:
    other = model(
        labels=("neutral", "sad", "other"), answer=lambda content, span: (0.0, 0.0, np.log(1 + 2 * span.start_s))
    )

    found = answers(tmp_path, alone(other), other, n=2)

    # other has 1 of 3 parts of the first segment's mass, and 3 of 5 of the second's, which is above one half.
    assert found.dropped == pytest.approx([1 / 3, 0.6])
    assert found.prediction.tolist() == [0, -1]
    assert found.unscored.tolist() == [False, False]
    assert found.flags == ()


def test_a_random_head_is_near_uniform(tmp_path: Path) -> None:
    wrong = model(answer=noise(0.1))

    assert "near_uniform" in answers(tmp_path, alone(wrong), wrong).flags


def test_a_head_that_says_one_thing_is_told_and_one_that_varies_is_not(tmp_path: Path) -> None:
    stuck, fine = model("stuck", says("happy")), model("fine", varied)

    assert "one_class" in answers(tmp_path, alone(stuck), stuck).flags
    assert answers(tmp_path, alone(fine), fine).flags == ()


def test_a_dimensional_model_says_all_seven_and_gets_no_alarm_of_a_posterior_that_it_has_not(tmp_path: Path) -> None:
    shape = {"kind": "dimensional", "labels": ("arousal", "dominance", "valence")}
    points = model("points", lambda content, span: (0.5, 0.5, 0.5), **shape)

    found = answers(tmp_path, alone(points), points)

    assert found.can_say.all()
    assert set(found.prediction.tolist()) == {0}
    assert found.flags == ("mapped_from_dimensions",)
    assert found.maps == {points.spec.weights_sha256: {}}


def test_a_toy_and_a_licence_that_forbids_commerce_are_flagged(tmp_path: Path) -> None:
    toy = model(answer=varied, demo=True, licence="cc-by-nc-4.0")

    assert answers(tmp_path, alone(toy), toy).flags == ("demo_model", NON_COMMERCIAL)


def test_a_configuration_tells_which_language_and_model_heard_each_segment(tmp_path: Path) -> None:
    english, korean = model("en", varied), model("ko", varied)
    both = system("both", {"en": english, "ko": korean})

    found = answers(tmp_path, both, english, korean, n=2, korean=1, languages="ko")

    en, ko = english.spec.weights_sha256, korean.spec.weights_sha256
    assert found.heard_as == (("en", en), ("en", en), ("ko", ko))
    assert set(found.specs) == {en, ko}
    assert found.languages == ("en", "ko")


def test_a_configuration_maps_labels_as_the_language_that_heard_them_does(tmp_path: Path) -> None:
    shape = {"labels": ("neutral", "calm")}
    english, korean = (model(name, lambda content, span: (0.0, 2.0), **shape) for name in ("en", "ko"))
    calm = Decision(label_map={"neutral": "neutral", "calm": "sad"})
    both = system("both", {"en": english, "ko": korean}, ko=calm)

    found = answers(tmp_path, both, english, korean, n=1, korean=1, languages="ko")

    assert found.prediction.tolist() == [-1, 2]
    assert found.maps[korean.spec.weights_sha256]["calm"] == "sad"
    assert found.maps[english.spec.weights_sha256]["calm"] is None
    assert found.can_say[TAXONOMY.index("sad")]


def test_a_segment_without_an_answer_for_its_language_is_told_apart_from_a_failure(tmp_path: Path) -> None:
    english = model("en", varied)
    found = answers(tmp_path, system("one", {"en": english}), english, n=2, korean=1, languages="ja")

    assert found.in_doubt is not None
    assert found.in_doubt.tolist() == [False, False, True]


def test_precision_is_what_the_models_ran_in(tmp_path: Path) -> None:
    half = model(precision="bf16")

    assert answers(tmp_path, alone(half), half, n=2).precisions == ("bf16",)


def test_recorded_scores_are_answers_as_they_are() -> None:
    rows = one_hot(["sad", "happy"])

    found = from_recorded({"audio": rows}, "audio", 0.5, PLAIN)

    assert found.name == "recorded audio"
    assert found.posterior == pytest.approx(rows)
    assert found.prediction.tolist() == [2, 1]
    assert found.can_say.all()


def test_a_segment_without_recorded_scores_has_no_answer() -> None:
    rows = one_hot(["sad", "happy", "fear"])
    rows[1] = np.nan

    found = from_recorded({"audio": rows}, "audio", 0.5, PLAIN)

    assert found.prediction.tolist() == [2, -1, 4]
    assert (dict(found.reasons), found.flags) == ({"no_scores": 1}, (INCOMPLETE,))


def test_scores_are_fused_by_weight_and_need_both() -> None:
    audio, text = one_hot(["sad", "sad"], 0.8), one_hot(["happy", "happy"], 0.7)
    text[1] = np.nan

    found = from_recorded({"audio": audio, "text": text}, "fused", 0.25, PLAIN)

    # happy: .25 · .2/6 + .75 · .7; sad: .25 · .8 + .75 · .3/6
    assert found.posterior[0, [1, 2]] == pytest.approx([0.25 * 0.2 / 6 + 0.525, 0.2 + 0.75 * 0.05])
    assert found.prediction.tolist() == [1, -1]
    assert found.name == "recorded 0.25 audio + 0.75 text"


def test_recorded_noise_is_near_uniform_and_of_one_class_and_warns_of_what_it_is_fused_with() -> None:
    noise = one_hot(["neutral"] * 40, 0.25) + RNG.uniform(0, 0.01, (40, 7))
    noise /= noise.sum(axis=1, keepdims=True)
    text = one_hot([TAXONOMY[row % 7] for row in range(40)])

    audio = from_recorded({"audio": noise}, "audio", 0.5, PLAIN)
    fused = from_recorded({"audio": noise, "text": text}, "fused", 0.65, PLAIN)
    only_text = from_recorded({"audio": noise, "text": text}, "fused", 0.0, PLAIN)

    assert {"near_uniform", "one_class"} <= set(audio.flags)
    assert fused.flags == ("audio_near_uniform", "audio_one_class")
    assert only_text.flags == ()


def test_a_decision_applies_to_recorded_scores_too() -> None:
    rows = one_hot(["neutral"], 0.4)

    found = from_recorded({"text": rows}, "text", 0.5, Decision(emotion_weights={"neutral": 0.0}))

    assert found.prediction.tolist() == [1]
    assert found.posterior[0, 0] == 0.0


def test_no_alarm_is_raised_where_nothing_was_recorded() -> None:
    found = from_recorded({"audio": np.full((3, 7), np.nan)}, "audio", 0.5, PLAIN)

    assert found.flags == (INCOMPLETE,)
    assert found.prediction.tolist() == [-1, -1, -1]
