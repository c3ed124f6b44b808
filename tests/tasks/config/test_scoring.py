"""tasks/config/scoring.py: what a configuration may say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.errors import ConfigError
from tasks.config.scoring import PRESETS, ScoreConfig, load_config

Write = Callable[[str], str]

ROUTES = "routes: {en: {model: ./en}, ko: {model: ./ko}}\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a configuration file and name it."""

    def written(text: str) -> str:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_configuration_for_english_and_korean(name: str) -> None:
    config = load_config(name)
    assert config.name == name
    assert set(config.routes) == {"en", "ko"}


def test_the_default_and_the_superb_presets_name_the_published_models() -> None:
    superb = "superb/wav2vec2-large-superb-er"
    korean = "jungjongho/wav2vec2-xlsr-korean-speech-emotion-recognition"
    assert {key: route.model for key, route in load_config("default").routes.items()} == {"en": superb, "ko": korean}
    assert {key: route.model for key, route in load_config("superb").routes.items()} == {"en": superb, "ko": superb}
    assert load_config("default").language.model == "base"


def test_the_demo_presets_models_lie_beside_it() -> None:
    folder = PRESETS["demo"].parent.resolve() / "checkpoints"
    config = load_config("demo")
    assert config.routes["en"].model == str(folder / "en-emotion")
    assert config.language.model == str(folder / "whisper-demo.pt")


def test_relative_paths_are_relative_to_the_file_and_other_names_stay(write: Write, tmp_path: Path) -> None:
    config = load_config(
        write(
            "routes: {en: {model: ./models/en}, ko: {model: owner/name, revision: abc}}\n"
            "language: {model: ../whisper.pt}\n"
            "segments: {method: labels, labels: ./labels.jsonl}\n"
        )
    )
    assert config.routes["en"].model == str(tmp_path / "models" / "en")
    assert (config.routes["ko"].model, config.routes["ko"].revision) == ("owner/name", "abc")
    assert config.language.model == str(tmp_path.parent / "whisper.pt")
    assert config.segments.labels == str(tmp_path / "labels.jsonl")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rutes: {}", ["rutes", "Extra inputs are not permitted"]),
        ("media: {}", ["routes", "Field required"]),
        ("routes: {}", ["routes", "at least 1 item"]),
        ("routes: {en: {}}", ["routes.en.model", "Field required"]),
        (ROUTES + "fallback: ja", ["fallback 'ja' is none of the routes (en, ko)"]),
        (ROUTES + "on_uncertain: fallback", ["no fallback route is named"]),
        (ROUTES + "on_unrouted: drop", ["on_unrouted", "'fallback' or 'quarantine'", "given: 'drop'"]),
        (ROUTES + "precision: int8", ["precision", "given: 'int8'"]),
        (ROUTES + "segments: {max_s: 0.6}", ["segments", "max_s (0.6) must be at least twice min_s (0.5)"]),
        (ROUTES + "segments: {method: labels}", ["segments", "`labels` names the label file"]),
        (ROUTES + "language: {windows: 0}", ["language.windows", "greater than or equal to 1", "given: 0"]),
        (ROUTES + "language: {window_s: 31}", ["language.window_s", "less than or equal to 30", "given: 31"]),
        (ROUTES + "media: {attempts: many}", ["media.attempts", "valid integer", "given: 'many'"]),
        (ROUTES + "warnings: {neutral_rate: 2}", ["warnings.neutral_rate", "given: 2"]),
        (ROUTES + "decision: {audio_temperature: 0}", ["decision", "audio_temperature must be in (0, inf], not 0.0"]),
        (ROUTES + "decision: {emotion_weights: {calm: 2}}", ["decision", "'calm' is not an emotion"]),
        (ROUTES + "decisions: {ja: {}}", ["decisions for languages without a route: ja"]),
        (ROUTES + "decisions: {ko: {neutral_floor: 1}}", ["decisions.ko", "neutral_floor must be in [0, 1), not 1.0"]),
        (ROUTES + "decisions: {ko: {floor: 1}}", ["decisions.ko: floor: Extra inputs are not permitted (given: 1)"]),
    ],
)
def test_a_wrong_value_is_named_with_what_was_given(write: Write, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(text))
    for word in ["config.yaml", *words]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_every_wrong_value_is_named_at_once(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"precision: .*; media\.attempts: .*"):
        load_config(write(ROUTES + "precision: int8\nmedia: {attempts: 0}"))


@pytest.mark.parametrize(("text", "kind"), [("- en\n- ko\n", "list"), ("", "NoneType"), ("just words", "str")])
def test_a_file_that_holds_no_mapping_is_refused(write: Write, text: str, kind: str) -> None:
    with pytest.raises(ConfigError, match=f"must hold a mapping of options, not {kind}"):
        load_config(write(text))


@pytest.mark.parametrize("data", [b"routes: {en: [", b"name: \xff\xfe", b"name: !!python/object:os.system {}"])
def test_a_file_that_is_no_yaml_or_no_utf8_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.yaml").write_bytes(data)
    with pytest.raises(ConfigError, match=r"bad\.yaml is not readable as YAML"):
        load_config(str(tmp_path / "bad.yaml"))


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        ConfigError, match="no configuration 'demmo': give a YAML file, or one of default, superb, demo"
    ):
        load_config("demmo")


def test_a_languages_decision_is_the_common_one_with_its_own_on_top(write: Write) -> None:
    config = load_config(
        write(ROUTES + "decision: {audio_temperature: 2, neutral_floor: 0.1}\ndecisions: {ko: {neutral_floor: 0.2}}")
    )
    korean, english = config.decision_of("ko"), config.decision_of("en")
    assert (korean.audio_temperature, korean.neutral_floor) == (2.0, 0.2)
    assert (english.audio_temperature, english.neutral_floor) == (2.0, 0.1)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_configuration_that_was_promoted_and_read_back_hashes_as_it_did(preset: str) -> None:
    config = load_config(preset)
    again = ScoreConfig.model_validate(config.model_dump(mode="json"))
    assert repr(again.model_dump()) == repr(config.model_dump()), "or all would be scored again"
