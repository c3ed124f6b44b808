"""The figures of one candidate and of the baselines, as they are put together; the metrics themselves are numerics'."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, recall_score

from actors.contract import TAXONOMY
from tasks.evaluation import figures as figures_module
from tasks.evaluation.answers import Answers, from_recorded
from tasks.evaluation.figures import baselines, figures
from tasks.evaluation.gather import Segments, gather
from tasks.evaluation.result_model import Group, ModelResult
from tasks.numerics.decision import Decision
from tests.support.evaluation import labelled, line, one_hot, segments

THE_31 = ["neutral"] * 20 + ["angry"] * 3 + ["happy"] * 2 + ["sad"] * 2 + ["surprise"] * 2 + ["fear"] * 2
"""The labels of STATISTICS.md's first set."""


def answering(predicted: Segments | list[str], confidence: float = 0.9) -> Answers:
    """Recorded scores that choose these emotions, or the true ones of these segments."""
    if isinstance(predicted, Segments):
        predicted = [TAXONOMY[code] for code in predicted.truth]
    return from_recorded({"audio": one_hot(predicted, confidence)}, "audio", 0.5, Decision())


def groups(result: ModelResult, by: str) -> list[Group]:
    return [each for each in result.groups if each.by == by]


def test_always_neutral_has_the_known_figures_of_the_31_segments() -> None:
    result = figures(segments(THE_31), answering(["neutral"] * 31), 0)

    assert (result.n, round(result.accuracy or 0, 3), round(result.macro_f1 or 0, 3)) == (31, 0.645, 0.112)
    assert (result.neutral_rate, result.non_neutral_accuracy) == (1.0, 0.0)
    assert result.accuracy_ci is not None
    assert tuple(round(each, 3) for each in result.accuracy_ci) == (0.469, 0.789)


def test_figures_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(8)
    chosen = segments([TAXONOMY[code] for code in rng.integers(0, 6, 60)])
    posterior = rng.dirichlet(np.ones(7), 60)
    answers = from_recorded({"text": posterior}, "text", 0.5, Decision())

    result = figures(chosen, answers, 0)

    truth, said, six = chosen.truth, posterior.argmax(axis=1), range(6)
    assert result.accuracy == pytest.approx((truth == said).mean())
    assert result.uar == pytest.approx(recall_score(truth, said, labels=six, average="macro", zero_division=0))
    assert result.macro_f1 == pytest.approx(f1_score(truth, said, labels=range(7), average="macro", zero_division=0))
    assert result.macro_f1_present == pytest.approx(f1_score(truth, said, labels=six, average="macro", zero_division=0))
    assert result.cross_entropy == pytest.approx(log_loss(truth, posterior, labels=range(7)))
    assert [each.support for each in result.classes] == np.bincount(truth, minlength=7).tolist()
    assert [each.predicted for each in result.classes] == np.bincount(said, minlength=7).tolist()


def test_a_segment_without_an_answer_is_wrong_and_stands_in_the_last_column() -> None:
    rows = one_hot(["sad", "sad", "happy"])
    rows[1] = np.nan
    answers = from_recorded({"audio": rows}, "audio", 0.5, Decision())

    result = figures(segments(["sad", "sad", "happy"]), answers, 0)

    assert result.accuracy == pytest.approx(2 / 3)
    assert (result.undecided, result.unscored, result.unscored_reasons) == (1, 1, {"no_scores": 1})
    assert result.confusion[2] == (0, 0, 1, 0, 0, 0, 0, 1)


def test_every_interval_names_its_method_and_its_simulated_coverage() -> None:
    result = figures(segments(THE_31), answering(THE_31[::-1]), 0)

    assert set(result.intervals) == {"accuracy", "accuracy_grouped", "uar", "macro_f1", "macro_f1_present"}
    assert all(each.method and each.coverage and each.conditions for each in result.intervals.values())
    assert result.accuracy_ci_grouped == (
        result.intervals["accuracy_grouped"].low,
        result.intervals["accuracy_grouped"].high,
    )


def test_one_source_has_no_grouped_interval_and_says_why() -> None:
    result = figures(segments(THE_31, media=lambda row: "one.wav"), answering(THE_31), 0)

    assert result.accuracy_ci_grouped is None
    assert "one source" in result.undefined["accuracy_ci_grouped"]
    assert result.accuracy_ci is not None


def test_one_segment_has_figures_and_reasons_for_those_it_has_not() -> None:
    result = figures(segments(["neutral"]), answering(["neutral"]), 0)

    assert (result.accuracy, result.uar, result.n) == (1.0, 1.0, 1)
    assert result.non_neutral_accuracy is None
    assert result.undefined["non_neutral_accuracy"] == "no segment is truly anything but neutral"
    assert result.groups == ()


def test_a_candidate_that_is_undecided_throughout_has_reasons_in_place_of_figures() -> None:
    answers = from_recorded({"audio": np.full((2, 7), np.nan)}, "audio", 0.5, Decision())

    result = figures(segments(["sad", "happy"]), answers, 0)

    assert result.accuracy == 0.0
    assert (result.cross_entropy, result.ece, result.neutral_rate, result.dropped_mass) == (None, None, None, None)
    assert {"cross_entropy", "brier", "ece", "neutral_rate"} <= set(result.undefined)
    assert result.mean_posterior == {}


def test_coverage_is_the_share_of_labels_that_the_model_can_say() -> None:
    four = np.array([True, True, True, True, False, False, False])
    answers = replace(answering(["sad"] * 4), can_say=four)

    result = figures(segments(["sad", "fear", "happy", "disgust"]), answers, 0)

    assert result.coverage == 0.5
    assert result.says == TAXONOMY[:4]


def test_the_same_seed_gives_the_same_figures_and_the_calibration_band_holds_a_calibrated_model() -> None:
    rng = np.random.default_rng(2)
    posterior = rng.dirichlet(np.ones(7), 300)
    truth = [TAXONOMY[rng.choice(7, p=row)] for row in posterior]
    answers = from_recorded({"audio": posterior}, "audio", 0.5, Decision())
    chosen = segments(truth, media=lambda row: "one.wav")

    first, second = figures(chosen, answers, 3), figures(chosen, answers, 3)

    assert first == second
    assert first.ece is not None
    assert first.ece_null is not None
    assert first.ece <= first.ece_null[1]


def test_groups_have_the_figures_of_their_own_segments() -> None:
    lines = [
        line("a.wav", 0, 0.5, "sad", language="en", speaker="x"),
        line("a.wav", 1, 3, "sad", language="en", speaker="y"),
        line("b.wav", 0, 12, "happy", language="ko"),
    ]
    result = figures(gather([labelled(*lines)]), answering(["sad", "fear", "happy"]), 0)

    assert [(each.key, each.n, each.accuracy) for each in groups(result, "language")] == [("en", 2, 0.5), ("ko", 1, 1)]
    assert [(each.key, each.n) for each in groups(result, "source")] == [("a.wav", 2), ("b.wav", 1)]
    assert [(each.key, each.n) for each in groups(result, "speaker")] == [("", 1), ("x", 1), ("y", 1)]
    assert groups(result, "set") == []


def test_lengths_stand_in_order_of_length() -> None:
    lines = [line("a.wav", 20 * row, 20 * row + seconds) for row, seconds in enumerate((11, 0.5, 5, 2))]

    result = figures(gather([labelled(*lines)]), answering(["sad"] * 4), 0)

    assert [each.key for each in groups(result, "length")] == ["under 1 s", "1 to 3 s", "3 to 10 s", "10 s or longer"]


def test_of_very_many_sources_the_largest_are_shown() -> None:
    count = figures_module.MAX_GROUPS + 5
    lines = [line(f"{row:04d}.wav") for row in range(count)] + [line(f"{count - 1:04d}.wav", 5, 6)]

    result = figures(gather([labelled(*lines)]), answering(["sad"] * (count + 1)), 0)

    shown = [each.key for each in groups(result, "source")]
    assert len(shown) == figures_module.MAX_GROUPS
    assert shown[0] == "0000.wav"
    assert shown[-1] == f"{count - 1:04d}.wav"


def test_several_sets_are_groups_of_their_own() -> None:
    sets = [labelled(line("a.wav"), name="one"), labelled(line("b.wav"), line("c.wav"), name="two")]

    result = figures(gather(sets), answering(["sad", "sad", "fear"]), 0)

    assert [(each.key, each.n, each.accuracy) for each in groups(result, "set")] == [("one", 1, 1.0), ("two", 2, 0.5)]


def test_several_sets_are_pooled_and_averaged_too() -> None:
    sets = [labelled(line("a.wav"), name="one"), labelled(line("b.wav"), line("c.wav"), name="two")]

    result = figures(gather(sets), answering(["sad", "sad", "fear"]), 0)
    one = figures(gather(sets[:1]), answering(["sad"]), 0)

    # Pooled 2 of 3; averaged (1 + 1/2) / 2.
    assert result.accuracy == pytest.approx(2 / 3)
    assert result.averaged["accuracy"] == pytest.approx(0.75)
    assert one.averaged == {}


def test_soft_labels_count_where_there_are_several_raters_and_nowhere_else() -> None:
    three = [line(rater=rater, label=label) for rater, label in (("x", "sad"), ("y", "sad"), ("z", "happy"))]

    several = figures(gather([labelled(*three)]), answering(["sad"], 0.7), 0)
    one = figures(gather([labelled(line())]), answering(["sad"], 0.7), 0)

    # −(2/3 · log .7 + 1/3 · log .05)
    assert several.soft_cross_entropy == pytest.approx(-(2 / 3 * np.log(0.7) + 1 / 3 * np.log(0.05)))
    assert one.soft_cross_entropy is None
    assert one.undefined["soft_cross_entropy"] == "there is one rater"


def test_the_baselines_are_the_commonest_label_and_labels_drawn_from_their_shares() -> None:
    majority, prior = baselines(segments(THE_31))

    assert (majority.model, round(majority.accuracy or 0, 3), round(majority.macro_f1 or 0, 3)) == (
        "majority", 0.645, 0.112,
    )  # fmt: skip
    # Σ p²: (20² + 3² + 4 · 2²) / 31²
    assert prior.accuracy == pytest.approx((400 + 9 + 16) / 961)
    assert (prior.confusion, prior.kind) == ((), "baseline")
