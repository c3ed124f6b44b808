"""Who is evaluated: models and configurations, found by name, or a row with the reason why not."""

import json
import shutil
from pathlib import Path

import pytest

from actors.contract import TAXONOMY
from actors.options import Route
from infra.errors import ConfigError
from tasks.config.scoring import PRESETS, ScoreConfig, load_config
from tasks.evaluation.candidates import EVERY, Candidate, is_system, prepare, split_revision
from tasks.evaluation.result_model import ModelResult
from tests.support.evaluation import ACCESS
from tests.support.text_checkpoints import write_text

DEMO = PRESETS["demo"].parent
CHECKPOINTS = DEMO / "checkpoints"
CONFIG = load_config("demo")


def prepared(name: str, config: ScoreConfig = CONFIG) -> Candidate:
    found = prepare(name, config)
    assert isinstance(found, Candidate), found
    return found


def missing(name: str) -> ModelResult:
    found = prepare(name, CONFIG)
    assert isinstance(found, ModelResult), found
    return found


def english(config: ScoreConfig = CONFIG) -> Candidate:
    return prepared(str(CHECKPOINTS / "en-emotion"), config)


def copied(folder: Path, **changes: object) -> str:
    """The English demo checkpoint with other entries in its config.json."""
    shutil.copytree(CHECKPOINTS / "en-emotion", folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return str(folder)


def test_a_model_hears_every_segment_and_nobody_listens_for_the_language() -> None:
    found = english()

    options = found.pool_options(ACCESS)

    assert (found.kind, list(options.routes), options.language) == ("model", [EVERY], None)
    assert options.segments.method == "labels"
    assert options.digest
    assert found.decisions.of("en").label_map["angry"] == "angry"
    assert not found.listens_to_media


def test_a_configuration_is_a_candidate_as_a_whole() -> None:
    found = prepared("demo")

    options = found.pool_options(ACCESS)

    assert (found.kind, sorted(options.routes), options.fallback) == ("system", ["en", "ko"], "en")
    assert options.language is not None
    assert found.listens_to_media


@pytest.mark.parametrize(
    "changes", [{"precision": "bf16"}, {"reading": {"max_duration_s": 60}}], ids=["precision", "reading"]
)
def test_what_changes_logits_changes_the_key(changes: dict[str, object]) -> None:
    other = ScoreConfig.model_validate(CONFIG.model_dump() | changes)

    assert english(other).key != english().key


def test_another_network_over_the_same_weights_changes_the_key_of_model_and_configuration(tmp_path: Path) -> None:
    same, other = copied(tmp_path / "same"), copied(tmp_path / "other", layer_norm_eps=0.5)

    def as_system(model: str) -> Candidate:
        path = Path(model).with_suffix(".yaml")
        whisper = CHECKPOINTS / "whisper-demo.pt"
        path.write_text(f"{{routes: {{en: {{model: {model}}}}}, language: {{model: {whisper}}}}}")
        return prepared(str(path))

    assert prepared(same).key == english().key
    assert prepared(other).key != english().key
    assert as_system(same).key != as_system(other).key


def test_a_decision_changes_no_key_since_logits_are_kept(tmp_path: Path) -> None:
    weighted = CONFIG.model_copy(update={"decision": CONFIG.decision.model_copy(update={"audio_temperature": 2.0})})
    text = PRESETS["demo"].read_text().replace("./checkpoints", str(CHECKPOINTS))
    (tmp_path / "own.yaml").write_text(text + "\ndecisions: {ko: {neutral_floor: 0.2}}\n")

    assert english(weighted).key == english().key
    assert english(weighted).decisions.of("").audio_temperature == 2.0
    assert prepared(str(tmp_path / "own.yaml")).key == prepared("demo").key


def test_overrides_of_other_models_labels_do_not_disturb_a_model() -> None:
    overrides = CONFIG.decision.model_copy(update={"label_map": {"Angry": "fear", "boredom": None}})

    found = english(CONFIG.model_copy(update={"decision": overrides}))

    assert found.decisions.of("").label_map["angry"] == "fear"
    assert "boredom" not in found.decisions.of("").label_map


def test_a_model_that_reads_is_a_candidate_and_its_texts_come_from_labels_and_subtitles() -> None:
    found = prepared(str(CHECKPOINTS / "en-text"), CONFIG.model_copy(update={"text": None}))

    assert (found.kind, found.hears) == ("model", False)
    assert found.reads is not None
    assert found.reads.options.source == ("labels", "sidecar")
    assert found.reads.route("ko") == found.reads.route("") == EVERY
    assert set(found.decisions.of("en").label_map.values()) == set(TAXONOMY)


def test_a_model_that_reads_takes_texts_from_where_the_configuration_does_and_its_map_counts(tmp_path: Path) -> None:
    place = write_text(tmp_path / "strange", hidden=16, layers=1, labels=("joy", "gloop"))
    own = {"source": "sidecar", "models": {"en": {"model": "elsewhere"}}, "label_map": {"gloop": "disgust"}}
    config = ScoreConfig.model_validate(CONFIG.model_dump() | {"text": own})

    found = prepared(str(place), config)

    assert found.reads is not None
    assert found.reads.options.source == ("sidecar",)
    assert found.decisions.of("").label_map == {"joy": "happy", "gloop": "disgust"}
    refused = missing(str(place))
    assert refused.status == "refused"
    assert "gloop" in (refused.reason or "")


def test_a_decision_for_what_is_heard_does_not_heat_what_is_read() -> None:
    options = CONFIG.decision.model_copy(update={"audio_temperature": 3.0, "emotion_weights": {"sad": 0.5}})

    found = prepared(str(CHECKPOINTS / "en-text"), CONFIG.model_copy(update={"decision": options}))

    assert found.decisions.of("").audio_temperature == 1.0
    assert found.decisions.of("").emotion_weights == {"sad": 0.5}


def test_a_configuration_with_texts_reads_and_its_audio_is_heard_as_without() -> None:
    without = CONFIG.model_copy(update={"text": None})

    found, other = prepare("demo", CONFIG), prepare("demo", CONFIG, lambda _: without)

    assert isinstance(found, Candidate)
    assert isinstance(other, Candidate)
    assert found.reads is not None
    assert (found.reads.route("ko"), found.reads.route("ja")) == ("ko", None)
    assert other.reads is None
    assert found.key == other.key


def test_a_configuration_whose_text_model_is_not_there_still_hears() -> None:
    assert CONFIG.text is not None
    absent = CONFIG.text.model_copy(update={"models": {"en": Route(model="/nowhere/at-all")}})

    found = prepare("demo", CONFIG, lambda _: CONFIG.model_copy(update={"text": absent}))

    assert isinstance(found, Candidate)
    assert found.reads is not None
    assert found.reads.identity is None
    assert "/nowhere/at-all" in (found.reads.problem or "")


def test_a_model_whose_head_is_not_what_it_says_is_refused_with_the_reason(tmp_path: Path) -> None:
    labels = {str(number): f"label {number}" for number in range(5)}
    wrong = copied(tmp_path / "wrong", id2label=labels, label2id={label: int(key) for key, label in labels.items()})

    found = missing(wrong)

    assert (found.status, found.kind, found.model) == ("refused", "model", wrong)
    assert found.reason


def test_a_folder_without_weights_and_a_folder_that_is_not_there_are_rows_with_their_reasons(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    empty, absent = missing(str(tmp_path / "empty")), missing(str(tmp_path / "absent"))

    assert empty.status in ("refused", "failed")
    assert absent.status in ("refused", "failed")
    assert str(tmp_path / "absent") in (absent.reason or "")


def test_a_configuration_that_is_wrong_is_an_error_and_no_row(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("routs: {}")

    with pytest.raises(ConfigError, match="routs"):
        prepare(str(tmp_path / "wrong.yaml"), CONFIG)


def test_a_configuration_without_its_models_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(f"routes: {{en: {{model: {tmp_path}/absent}}}}")

    found = missing(str(tmp_path / "own.yaml"))

    assert (found.kind, found.model) == ("system", str(tmp_path / "own.yaml"))


@pytest.mark.parametrize(
    ("name", "model", "revision"),
    [
        ("owner/name", "owner/name", None),
        ("owner/name@abc", "owner/name", "abc"),
        ("owner/name@", "owner/name@", None),
        ("@abc", "@abc", None),
    ],
)
def test_a_revision_stands_behind_an_at(name: str, model: str, revision: str | None) -> None:
    route = split_revision(name)

    assert (route.model, route.revision) == (model, revision)


def test_a_folder_may_have_an_at_in_its_name_and_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my@model").mkdir()
    monkeypatch.chdir(tmp_path)

    route = split_revision("my@model")

    assert (route.model, route.revision) == (str(tmp_path / "my@model"), None)


def test_presets_and_yaml_files_are_configurations() -> None:
    assert [is_system(name) for name in ("demo", "own.yaml", "own.yml", "owner/name")] == [True, True, True, False]
