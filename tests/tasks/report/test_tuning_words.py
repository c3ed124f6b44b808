"""What a tuning's page says in sentences, names and numbers, and the configuration and commands that it gives."""

import pytest
import yaml

from tasks.config.scoring import ScoreConfig
from tasks.numerics.gains import Gain, judge
from tasks.numerics.grid import DEFAULTS
from tasks.numerics.idle import Idle
from tasks.numerics.intervals import Interval
from tasks.numerics.sources import group
from tasks.report.evaluation.phrases import phrase
from tasks.report.tuning import markdown_tuning, reproduce, said
from tasks.report.tuning.drawings import rounded_axis
from tasks.report.tuning.terms import amount, parameter, signed_amount
from tasks.report.words import Text
from tasks.tuning.result import Calibration
from tests.support.tunings import adopted_tuning, empty_tuning, hostile_tuning, language, luck, tuning


def _english(texts: list[Text]) -> str:
    return " ".join(each.en for each in texts)


def test_the_sentences_set_what_the_search_seems_to_gain_beside_what_it_gains() -> None:
    text = _english(said.reality(tuning()))
    assert "7,700 combinations were compared by Macro F1, present." in text
    assert "the best of them looks 9.7 points better than the default" in text
    assert "it is 0.4 points better, with a 91 % interval of −7.6 to +8.4 points." in text
    assert "flatters itself by 9.3 points" in text


def test_a_loss_on_held_out_segments_is_called_a_loss() -> None:
    base = tuning()
    lost = base.gains["macro_f1_present"].model_copy(update={"value": -0.02, "ci": None})
    text = _english(said.reality(tuning(gains={"macro_f1_present": lost})))
    assert "it is 2.0 points worse. That is" in text


def test_a_search_that_finds_nothing_better_says_so() -> None:
    base = tuning()
    text = _english(said.reality(tuning(apparent=base.apparent.model_copy(update={"macro_f1_present": 0.493}))))
    assert "the best of them is no better than the default" in text


def test_a_gain_within_one_source_promises_nothing_for_other_recordings() -> None:
    assert "what to expect on new recordings" in _english(said.reality(tuning()))
    text = _english(said.reality(tuning(sources=1)))
    assert "what to expect on other recordings is not known" in text
    assert "new recordings" not in text


@pytest.mark.parametrize(
    ("observed", "says"), [(0.097, "Luck alone gives this much"), (0.5, "Luck alone rarely gives this much")]
)
def test_luck_is_blamed_only_where_it_reaches_that_far(observed: float, says: str) -> None:
    assert says in _english(said.luck(tuning(luck=luck(observed))))


def test_luck_that_cannot_be_told_gives_its_reason_in_both_languages() -> None:
    (text,) = said.luck(empty_tuning())
    assert text.en == "What luck alone gives cannot be told: there are no labelled segments."
    assert text.ko == "운만으로 얼마나 얻는지는 알 수 없습니다: 레이블이 있는 구간이 없음."


@pytest.mark.parametrize(
    ("temperature", "after", "says"),
    [(1.82, 1.2, "surer than it is right"), (0.7, 1.2, "less sure than it could be"), (1.0, 1.4, "it does not help")],
)
def test_a_temperature_is_said_in_words(temperature: float, after: float, says: str) -> None:
    assert says in _english(said.calibration(Calibration(temperature=temperature, before=1.3, after=after)))


def test_one_source_is_said_even_where_no_flag_says_it_and_only_once() -> None:
    for flags in ((), ("single_source",)):
        found = [each.text.en for each in said.warnings(tuning(sources=1, flags=flags))]
        assert sum("All labels are from one source" in each for each in found) == 1


def test_an_unknown_flag_is_shown_by_its_name() -> None:
    assert "Flag: brand_new." in [each.text.en for each in said.warnings(tuning(flags=("brand_new",)))]


def test_labels_to_decide_are_named_only_where_nothing_is_decided() -> None:
    assert "3,120 more labels" in said.reason(tuning()).en
    assert "more labels" not in said.reason(adopted_tuning(labels_to_decide=12)).en
    unknown = tuning(labels_to_decide=None, undefined={"labels_to_decide": "there are no labels"})
    assert said.reason(unknown).ko.endswith("레이블이 얼마나 더 필요한지는 알 수 없습니다(레이블이 없음).")


def test_gains_are_written_in_points_or_nats_with_or_without_their_sign() -> None:
    assert amount(0.0968, "accuracy").en == "9.7 points"
    assert amount(-0.0968, "cross_entropy").en == "−0.097 nats"
    assert signed_amount(0.0968, "uar").ko == "+9.7%p"
    assert signed_amount(-0.0001, "uar").en == "0.0 points"


def test_parameters_have_names_and_an_unknown_one_keeps_its_own() -> None:
    assert parameter("sad").en == "Weight of sad"
    assert all(parameter(each).ko != each for each in DEFAULTS)
    assert parameter("brand\u202enew").en == "brand⟨U+202E⟩new"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((0.493, 0.59), ("0.45", "0.50", "0.55", "0.60")),
        ((-0.02, 0.17), ("−0.05", "0.00", "0.05", "0.10", "0.15", "0.20")),
        ((0.5, 0.5), ("0.48", "0.49", "0.50", "0.51", "0.52")),
    ],
)
def test_an_axis_runs_between_round_numbers_and_holds_every_value(
    values: tuple[float, ...], labels: tuple[str, ...]
) -> None:
    axis = rounded_axis(values)
    assert axis.labels == labels
    assert axis.low < min(values)
    assert max(values) < axis.high


def test_the_configuration_is_one_that_a_run_takes_and_gives_each_language_what_was_chosen() -> None:
    document = yaml.safe_load(reproduce.configuration(tuning()))
    config = ScoreConfig(routes={each: {"model": "x"} for each in ("en", "ko")}, **document)
    english, korean = config.decision_of("en"), config.decision_of("ko")
    assert (english.neutral_suppression, english.audio_weight, english.emotion_weights) == (0.8, 0.7, {"sad": 0.8})
    assert (korean.neutral_suppression, korean.audio_weight, korean.emotion_weights) == (0.9, 1.0, {})


def test_a_language_with_the_common_parameters_is_not_named_in_the_configuration() -> None:
    document = yaml.safe_load(reproduce.configuration(tuning(languages=(language("en", "common", 84),))))
    assert list(document) == ["decision"]


def test_the_command_asks_for_the_same_and_quotes_what_a_shell_would_read() -> None:
    asked = {"labels": ["my labels.jsonl"], "grid": "grid.yaml", "settings": ["sad=0.8,1.0"]}
    assert reproduce.command_line(tuning(settings=asked)) == (
        "seraph tune --labels 'my labels.jsonl' --recorded --grid grid.yaml --set sad=0.8,1.0 "
        "--objective macro_f1_present --seed 17"
    )


def test_the_command_names_pooling_the_default_that_is_none_and_a_file_of_the_aliases() -> None:
    asked = {
        "labels": ["a.jsonl"],
        "pooling": "log",
        "near": {"neutral": 0.9, "sad": 1.1},
        "aliases": {"glad": "happy"},
    }
    found = tuning(settings=asked, seed=0)
    assert reproduce.command_line(found) == (
        "seraph tune --labels a.jsonl --recorded --objective macro_f1_present --pooling log --near neutral=0.9 "
        "--near sad=1.1 --aliases aliases.yaml"
    )
    assert yaml.safe_load(reproduce.aliases(found)) == {"glad": "happy"}
    assert yaml.safe_load(reproduce.configuration(found))["decision"]["pooling"] == "log"
    assert reproduce.aliases(tuning()) == ""


def test_a_stored_evaluation_is_asked_for_by_its_id_and_candidate() -> None:
    command = reproduce.command_line(tuning(evaluation_id="20260101T000000-aaaaaa", settings={"candidate": "superb"}))
    assert command.startswith("seraph tune --evaluation 20260101T000000-aaaaaa --model superb ")


def test_why_a_parameter_cannot_matter_is_known_in_korean() -> None:
    assert [each for each in Idle if phrase(each).ko == each] == []


def test_why_a_verdict_is_what_it_is_is_known_in_korean() -> None:
    texts = [_text(value, low, high, sources) for value, low, high, sources in _JUDGED]
    assert len({each[:12] for each in texts}) == len(texts)
    assert [each for each in texts if phrase(each).ko == each] == []


def test_the_markdown_gives_verdict_figures_and_report_and_escapes_what_is_hostile() -> None:
    text = markdown_tuning(tuning())
    assert text.startswith("**Undecided. Keep the default for now.** ")
    assert "| Macro F1, present 매크로 F1 \\(있는 감정\\) | 0.493 | 0.590 | 0.497 | \\+0.004 " in text
    assert text.endswith("(<s3://results/r.html>)\n")
    assert "<script" not in markdown_tuning(hostile_tuning()).replace("(<", "")


_JUDGED = (
    (0.05, 0.02, 0.08, 6),
    (0.0, -0.02, 0.01, 6),
    (0.05, -0.02, 0.1, 6),
    (0.05, 0.02, 0.1, 3),
    (0.05, 0.02, 0.1, 1),
)


def _text(value: float, low: float, high: float, sources: int) -> str:
    """What judge says of a gain of macro F1 over so many sources."""
    interval = Interval(low, high, "t")
    gain = Gain("macro_f1_present", value, value, 0.01, interval, 0.99 if low > 0 else 0.9)
    made = {name: Gain(name, 0.0, 0.0, 0.01, Interval(-0.01, 0.01, "t"), 0.5) for name in ("accuracy", "cross_entropy")}
    found = judge(
        {**made, "macro_f1_present": gain},
        "macro_f1_present",
        group([str(each) for each in range(sources)] * 2),
        default_is_best=False,
    )
    return found.text
