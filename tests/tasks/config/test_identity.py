"""tasks/config/identity.py: what results depend on."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.errors import CheckpointError, ConfigError, WeightsAbsentError
from tasks.config.identity import Identity, resolve
from tasks.config.scoring import ScoreConfig
from tests.support.checkpoints import edit_config, write_dimensional, write_soxan, write_stock
from tests.support.text_checkpoints import write_text

Resolve = Callable[..., Identity]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the smallest checkpoints: `en` and `ko`, others of each, and files that pass for Whisper's."""
    folder = tmp_path_factory.mktemp("checkpoints")
    small: dict[str, Any] = {"hidden": 16, "layers": 1, "conv_dim": [8] * 7}
    write_stock(folder / "en", **small)
    write_stock(folder / "en-2", seed=1, **small)
    write_stock(folder / "en-raw", do_normalize=False, **small)
    write_soxan(folder / "ko", **small)
    write_dimensional(folder / "dimensions", **small)
    write_stock(folder / "unknown", labels=("neu", "gloop"), **small)
    shutil.copytree(folder / "en", folder / "en-relabelled")
    labels = {"0": "neu", "1": "hap", "2": "sad", "3": "ang"}
    shutil.copytree(folder / "en", folder / "en-other-heads")
    edit_config(folder / "en-other-heads", num_attention_heads=2)
    edit_config(folder / "en-relabelled", id2label=labels, label2id={label: int(row) for row, label in labels.items()})
    (folder / "whisper.pt").write_bytes(b"whisper")
    (folder / "whisper-2.pt").write_bytes(b"another")
    return folder


@pytest.fixture
def resolved(checkpoints: Path) -> Resolve:
    """Resolve a configuration of `en` and `ko` with changes; `en`, `ko` and `whisper` name others of the folder."""

    def identity(
        *, en: str = "en", ko: str = "ko", whisper: str = "whisper.pt", labels_sha256: str | None = None, **changes: Any
    ) -> Identity:
        values: dict[str, Any] = {
            "routes": {"en": {"model": str(checkpoints / en)}, "ko": {"model": str(checkpoints / ko)}},
            "language": {"model": str(checkpoints / whisper)} | changes.pop("language", {}),
        }
        return resolve(ScoreConfig.model_validate(values | changes), labels_sha256)

    return identity


# -- the fingerprint and the routes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"whisper": "whisper-2.pt"},
        {"precision": "fp32"},
        {"reading": {"max_duration_s": 60}},
        {"segments": {"max_s": 20}},
        {"segments": {"method": "windows"}},
        {"segments": {"speech_threshold": 0.6}},
        {"language": {"windows": 2}},
        {"language": {"per_segment": True}},
        {"language": {"min_confidence": 0.6}},
        {"fallback": "en", "on_uncertain": "fallback"},
        {"fallback": "en", "on_unrouted": "fallback"},
        {"labels_sha256": "ab"},
    ],
    ids=str,
)
def test_the_fingerprint_changes_with_what_changes_results(resolved: Resolve, changes: dict[str, Any]) -> None:
    assert resolved(**changes).fingerprint != resolved().fingerprint


def test_the_fingerprint_changes_with_the_languages_that_are_routed(resolved: Resolve, checkpoints: Path) -> None:
    only = {"en": {"model": str(checkpoints / "en")}}
    assert resolved(routes=only).fingerprint != resolved().fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "another"},
        {"resources": {"readers": 3, "num_cpus": 1, "batch_seconds": 5, "timeout_s": 5}},
        {"media": {"suffixes": ["wav"], "shard_hours": 2, "shard_media": 3, "attempts": 9}},
        {"warnings": {"neutral_rate": 0.1}},
        {"decision": {"audio_temperature": 2, "label_map": {"neu": None}}},
        {"decisions": {"ko": {"neutral_floor": 0.2}}},
        {"en": "en-2"},
        {"ko": "dimensions"},
    ],
    ids=str,
)
def test_the_fingerprint_does_not_change_with_speed_names_decisions_or_models(
    resolved: Resolve, changes: dict[str, Any]
) -> None:
    assert resolved(**changes).fingerprint == resolved().fingerprint


def test_the_fingerprint_follows_the_bytes_not_the_place(resolved: Resolve, checkpoints: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoints / "en", tmp_path / "moved")
    shutil.copy(checkpoints / "whisper.pt", tmp_path / "moved.pt")
    moved = resolved(en=str(tmp_path / "moved"), whisper=str(tmp_path / "moved.pt"))
    assert (moved.fingerprint, moved.routes) == (resolved().fingerprint, resolved().routes)


def test_a_label_file_counts_by_its_content_not_by_its_name(resolved: Resolve) -> None:
    prints = [
        resolved(segments={"method": "labels", "labels": name}, labels_sha256=sha).fingerprint
        for name, sha in [("a.jsonl", "1"), ("b.jsonl", "1"), ("a.jsonl", "2")]
    ]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("other", ["en-2", "en-raw", "en-relabelled", "en-other-heads"])
def test_a_route_changes_with_its_weights_preprocessing_labels_or_architecture_and_the_others_do_not(
    resolved: Resolve, other: str
) -> None:
    before, after = resolved(fallback="ko"), resolved(fallback="ko", en=other)
    assert after.routes["en"] != before.routes["en"]
    assert (after.routes["ko"], after.routes["fallback"]) == (before.routes["ko"], before.routes["fallback"])


def test_the_fallback_has_the_identity_of_its_route_or_none(resolved: Resolve) -> None:
    identity = resolved(fallback="ko")
    assert identity.routes["fallback"] == identity.routes["ko"] != identity.routes["en"]
    assert resolved().routes["fallback"] == "quarantine"


def test_an_absent_model_or_whisper_is_named_with_what_to_do(resolved: Resolve) -> None:
    with pytest.raises(CheckpointError, match=r"There is no folder .*/enn\. Did you mean"):
        resolved(en="enn")
    with pytest.raises(WeightsAbsentError, match="seraph models pull"):
        resolved(whisper="absent.pt")


# -- decisions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": {"audio_temperature": 2}},
        {"decision": {"emotion_weights": {"sad": 2}}},
        {"decision": {"neutral_suppression": 0.5}},
        {"decision": {"confidence_threshold": 0.5}},
        {"decision": {"dominance_margin": 0.5}},
        {"decision": {"neutral_floor": 0.5}},
        {"decision": {"max_dropped_mass": 0.6}},
        {"decision": {"label_map": {"neu": None}}},
        {"decisions": {"ko": {"neutral_floor": 0.2}}},
        {"decisions": {"ko": {"label_map": {"fear": "surprise"}}}},
    ],
    ids=str,
)
def test_the_decisions_name_changes_with_any_parameter(resolved: Resolve, changes: dict[str, Any]) -> None:
    assert resolved(**changes).decisions.name != resolved().decisions.name


def test_the_decisions_name_does_not_change_with_what_is_no_decision(resolved: Resolve) -> None:
    others = resolved(name="x", en="en-2", precision="fp32", warnings={"neutral_rate": 0.1})
    written_out = resolved(decision={"audio_temperature": 1, "label_map": {"NEU": "neutral"}}, decisions={"ko": {}})
    assert others.decisions.name == written_out.decisions.name == resolved().decisions.name


def test_each_language_gets_its_own_decision_with_the_labels_of_all_models(resolved: Resolve) -> None:
    decisions = resolved(decisions={"ko": {"label_map": {"fear": "surprise"}}}).decisions
    # superb's neu hap ang sad, and the five of the Korean model
    assert decisions.of("en").label_map == {
        "ang": "angry",
        "anger": "angry",
        "disgust": "disgust",
        "fear": "fear",
        "hap": "happy",
        "happiness": "happy",
        "neu": "neutral",
        "sad": "sad",
        "sadness": "sad",
    }
    assert decisions.of("ko").label_map["fear"] == "surprise"
    assert decisions.of("ja") == decisions.of("en")


def test_a_dimensional_model_needs_no_label_map(resolved: Resolve) -> None:
    assert "arousal" not in resolved(ko="dimensions").decisions.of("ko").label_map


def test_a_label_without_a_meaning_is_refused_until_it_is_given_one(resolved: Resolve) -> None:
    with pytest.raises(CheckpointError, match="gloop"):
        resolved(en="unknown")
    assert resolved(en="unknown", decision={"label_map": {"gloop": None}}).decisions.of("en").label_map["gloop"] is None
    with pytest.raises(ConfigError, match="no model has the label 'boring'"):
        resolved(decision={"label_map": {"boring": None}})


def test_a_route_to_a_model_that_reads_is_refused(resolved: Resolve, checkpoints: Path) -> None:
    write_text(checkpoints / "text", hidden=16, layers=1)

    with pytest.raises(CheckpointError, match=r"reads text \(family roberta\), and a model that hears speech"):
        resolved(en="text")
