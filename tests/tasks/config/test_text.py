"""The `text` section of a configuration: what it may say, and what texts and their decisions depend on."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.options import Route
from infra.errors import ConfigError
from tasks.config.identity import Identity, resolve
from tasks.config.scoring import ScoreConfig, load_config
from tasks.config.text import TextIdentity
from tests.support.checkpoints import edit_config, write_stock
from tests.support.text_checkpoints import write_text

Resolve = Callable[..., Identity]

ROUTES = "routes: {en: {model: ./en}, ko: {model: ./ko}}\n"
TEXT = "models: {en: {model: ./en-text}}"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the smallest checkpoints, and files that pass for Whisper's."""
    folder = tmp_path_factory.mktemp("checkpoints")
    write_stock(folder / "en", hidden=16, layers=1, conv_dim=[8] * 7)
    write_text(folder / "text", hidden=16, layers=1)
    write_text(folder / "text-2", hidden=16, layers=1, seed=1)
    write_text(folder / "korean", "electra", hidden=16, layers=1, labels=("기쁨", "슬픔"))
    write_text(folder / "strange", hidden=16, layers=1, labels=("joy", "gloop"))
    shutil.copytree(folder / "text", folder / "relabelled")
    labels = {
        str(row): label
        for row, label in enumerate(("fear", "disgust", "anger", "joy", "neutral", "sadness", "surprise"))
    }
    edit_config(folder / "relabelled", id2label=labels, label2id={label: int(row) for row, label in labels.items()})
    (folder / "whisper.pt").write_bytes(b"whisper")
    (folder / "whisper-2.pt").write_bytes(b"another")
    return folder


@pytest.fixture
def resolved(checkpoints: Path) -> Resolve:
    """Resolve a configuration of one route; `models` and `whisper` name others of the folder."""

    def identity(*, models: dict[str, str] | None = None, whisper: str | None = None, **text: Any) -> Identity:
        named = {"en": "text"} if models is None else models
        text |= {"models": {key: {"model": str(checkpoints / name)} for key, name in named.items()}}
        text |= {} if whisper is None else {"whisper": str(checkpoints / whisper)}
        values = {
            "routes": {key: {"model": str(checkpoints / "en")} for key in ("en", "ko")},
            "language": {"model": str(checkpoints / "whisper.pt")},
            "text": text,
        }
        return resolve(ScoreConfig.model_validate(values))

    return identity


def text_of(identity: Identity) -> TextIdentity:
    assert identity.text is not None, identity.text_problem
    return identity.text


# -- reading -----------------------------------------------------------------------------------------------------------


def test_without_the_section_nobody_asks_for_texts(checkpoints: Path) -> None:
    config = ScoreConfig.model_validate(
        {"routes": {"en": {"model": str(checkpoints / "en")}}, "language": {"model": str(checkpoints / "whisper.pt")}}
    )
    identity = resolve(config)
    assert (config.text, identity.text, identity.text_problem) == (None, None, None)
    assert identity.decisions.names == (identity.decisions.name, identity.decisions.name)


def test_one_source_may_stand_without_brackets_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        f"{ROUTES}text: {{source: labels, labels: ./l.csv, whisper: ../w.pt, {TEXT}}}\n", encoding="utf-8"
    )
    text = load_config(str(tmp_path / "c.yaml")).text
    assert text is not None
    assert text.source == ("labels",)
    assert text.models == {"en": Route(model=str(tmp_path / "en-text"))}
    assert (text.labels, text.whisper) == (str(tmp_path / "l.csv"), str(tmp_path.parent / "w.pt"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", ["text.models", "Field required"]),
        (f"{{source: telepathy, {TEXT}}}", ["text.source", "'sidecar', 'whisper' or 'labels'", "given: 'telepathy'"]),
        (f"{{source: [], {TEXT}}}", ["text.source", "at least 1 item"]),
        (f"{{source: [sidecar, sidecar], {TEXT}}}", ["names one place twice: sidecar, sidecar"]),
        (f"{{labels: l.csv, {TEXT}}}", ["`labels` names the label file of `source: labels`"]),
        (f"{{source: labels, {TEXT}}}", ["text.labels must name the label file"]),
        ("{models: {ja: {model: x}}}", ["text.models for languages without a route: ja"]),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "config.yaml").write_text(f"{ROUTES}text: {text}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(str(tmp_path / "config.yaml"))
    for word in words:
        assert word in str(caught.value)


def test_the_label_file_of_the_segments_serves_for_their_texts() -> None:
    values = {
        "routes": {"en": {"model": "x"}},
        "segments": {"method": "labels", "labels": "l.csv"},
        "text": {"source": "labels", "models": {"en": {"model": "y"}}},
    }
    assert ScoreConfig.model_validate(values).text_labels == "l.csv"


# -- what texts depend on ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"models": {"en": "text-2"}},
        {"models": {"en": "relabelled"}},
        {"models": {"en": "text", "ko": "korean"}},
        {"source": ["sidecar", "whisper"]},
        {"edition": 2},
    ],
    ids=str,
)
def test_texts_are_others_with_other_models_sources_or_editions(resolved: Resolve, changes: dict[str, Any]) -> None:
    before, after = resolved(), resolved(**changes)
    assert text_of(after).id != text_of(before).id
    assert after.decisions.name != before.decisions.name


def test_whisper_counts_where_it_transcribes_alone(resolved: Resolve) -> None:
    silent = [text_of(resolved(whisper=name)).id for name in ("whisper.pt", "whisper-2.pt")]
    heard = [text_of(resolved(source="whisper", whisper=name)).id for name in ("whisper.pt", "whisper-2.pt")]
    assert silent[0] == silent[1]
    assert heard[0] != heard[1]
    assert text_of(resolved(source="whisper")).id == heard[0], "the detector's own transcribes unless another is named"


def test_the_order_of_sources_counts(resolved: Resolve) -> None:
    first, second = (text_of(resolved(source=order)) for order in (["sidecar", "whisper"], ["whisper", "sidecar"]))
    assert first.id != second.id


def test_audio_is_never_scored_again_because_of_text(resolved: Resolve, checkpoints: Path) -> None:
    values = {
        "routes": {key: {"model": str(checkpoints / "en")} for key in ("en", "ko")},
        "language": {"model": str(checkpoints / "whisper.pt")},
    }
    without = resolve(ScoreConfig.model_validate(values))
    for identity in (resolved(), resolved(edition=2), resolved(models={"en": "text-2"})):
        assert (identity.fingerprint, identity.routes) == (without.fingerprint, without.routes)
        assert identity.decisions.heard_name == without.decisions.name


# -- label maps --------------------------------------------------------------------------------------------------------


def test_every_text_model_has_its_own_label_map(resolved: Resolve) -> None:
    text = text_of(resolved(models={"en": "text", "ko": "korean"}))
    english, korean = (text.label_maps[text.checkpoints[key].weights_sha256] for key in ("en", "ko"))
    assert english["joy"] == "happy"
    assert korean == {"기쁨": "happy", "슬픔": "sad"}


def test_an_override_changes_the_decision_and_not_the_texts(resolved: Resolve) -> None:
    before, after = resolved(), resolved(label_map={"Joy": "surprise"})
    assert text_of(before).id == text_of(after).id
    assert before.decisions.name != after.decisions.name
    (own,) = text_of(after).label_maps.values()
    assert own["joy"] == "surprise"


def test_an_override_that_no_text_model_asks_for_is_an_error(resolved: Resolve) -> None:
    with pytest.raises(ConfigError, match=r"text\.label_map: no text model has the label 'boring'; there are anger"):
        resolved(label_map={"boring": None})


# -- problems ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("absent", "There is no folder"),
        ("en", "a model that reads text is expected here"),
        ("strange", r"No emotion is known for the label\(s\) gloop"),
    ],
)
def test_a_text_model_that_cannot_read_keeps_texts_out_and_audio_in(resolved: Resolve, model: str, words: str) -> None:
    identity = resolved(models={"en": model})
    assert identity.text is None
    assert re.search(words, identity.text_problem or "")
    assert identity.decisions.names == resolved().decisions.names[1:] * 2


def test_a_label_with_a_meaning_given_by_hand_is_no_problem(resolved: Resolve) -> None:
    assert text_of(resolved(models={"en": "strange"}, label_map={"gloop": None}))
