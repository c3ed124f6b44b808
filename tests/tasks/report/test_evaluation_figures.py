"""How figures are written and placed, and what is said in Korean of what the record says in English."""

import numpy as np
import pytest

from tasks.numerics.intervals import wilson_grouped
from tasks.numerics.metrics import measure
from tasks.numerics.sources import group
from tasks.report.evaluation.details import figure_name
from tasks.report.evaluation.figures import bracketed, candidate_names, p_value, place, signed, whisker
from tasks.report.evaluation.phrases import phrase, phrases
from tests.support.evaluations import evaluation


def test_differences_carry_their_sign_and_zero_has_none() -> None:
    assert [signed(each) for each in (0.0968, -0.0968, 0.0004, -0.0004, None)] == [
        "+0.097",
        "−0.097",
        "0.000",
        "0.000",
        "–",
    ]


def test_a_p_value_is_never_zero() -> None:
    assert [p_value(each) for each in (0.0, 0.0004, 0.0312, 1.0, None)] == ["<0.001", "<0.001", "0.031", "1.000", "–"]


def test_places_on_an_axis_stay_inside_it() -> None:
    assert [place(each, -0.5, 0.5) for each in (-0.5, 0.0, 0.25, 9.0, -9.0)] == [
        "0.00%",
        "50.00%",
        "75.00%",
        "100.00%",
        "0.00%",
    ]


def test_a_whisker_that_leaves_the_axis_ends_at_its_edge() -> None:
    found = whisker(0.1, (-0.2, 0.4))
    assert found is not None
    assert (found.x, found.low, found.width) == ("10.00%", "0.00%", "40.00%")
    assert whisker(None, (0.1, 0.2)) is None


def test_intervals_are_written_with_three_decimals() -> None:
    assert bracketed((0.46934, 0.78901)) == "[0.469, 0.789]"


def test_long_names_are_shortened_and_baselines_have_words() -> None:
    names = candidate_names(evaluation(("x" * 300,)).models)
    assert len(names["x" * 300].text.en) <= 60
    assert names["x" * 300].full == "x" * 300
    assert names["majority"].text.en == "Always the commonest label"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("uar", "UAR"),
        ("happy.precision", "happy: Precision"),
        ("accuracy_ci_grouped", "Accuracy, by medium, 95 % interval"),
        ("macro_f1_ci", "Macro F1, seven, 95 % interval"),
        ("ece_null", "Calibration error if calibrated"),
        ("something_new", "something_new"),
    ],
)
def test_keys_of_figures_have_names(key: str, name: str) -> None:
    assert figure_name(key).en == name


def test_what_the_metrics_say_of_themselves_is_known_in_korean() -> None:
    truth = np.array([0, 0, 3, 3, 3, 3])
    said = measure(truth, np.zeros(6, dtype=np.int64)).undefined.values()
    interval = wilson_grouped(truth == 0, group(list("aabbcc")))
    one_source = wilson_grouped(truth == 0, group(list("aaaaaa")))
    texts = {*said, interval.method, interval.note, interval.conditions, one_source.note}
    assert len(texts) >= 8
    assert [text for text in texts if text and phrase(text).ko == text] == []


def test_an_emotion_inside_a_phrase_is_put_into_korean() -> None:
    assert phrase("no segment is truly disgust").ko == "레이블이 혐오인 구간이 없음"


def test_an_unknown_phrase_stays_and_cannot_pose_as_another() -> None:
    assert phrase("odd \u202e thing").en == phrase("odd \u202e thing").ko == "odd ⟨U+202E⟩ thing"


def test_phrases_are_said_once_each() -> None:
    assert phrases(["there is one rater", "it cannot be told", "there is one rater"]).en == (
        "there is one rater; it cannot be told"
    )
