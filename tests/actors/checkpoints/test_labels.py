"""The map from a checkpoint's own labels to the taxonomy."""

from pathlib import Path

import pytest

from actors.checkpoints import identify, label_map
from actors.checkpoints.labels import packaged_map
from infra.errors import CheckpointError, ConfigError
from tests.support.checkpoints import RAVDESS, SUPERB, edit_config, write_stock


def test_labels_of_the_published_checkpoints_map_to_the_taxonomy() -> None:
    assert label_map(SUPERB) == {"neu": "neutral", "hap": "happy", "ang": "angry", "sad": "sad"}
    assert label_map(RAVDESS) == {
        "angry": "angry",
        "calm": None,
        "disgust": "disgust",
        "fearful": "fear",
        "happy": "happy",
        "neutral": "neutral",
        "sad": "sad",
        "surprised": "surprise",
    }


def test_korean_and_bilingual_labels_map_to_the_taxonomy() -> None:
    assert list(label_map(["기쁨", "당황", "분노", "불안", "슬픔", "중립"]).values()) == [
        "happy",
        "surprise",
        "angry",
        "fear",
        "sad",
        "neutral",
    ]
    assert label_map(["生气/angry", "中立/neutral", "<unk>", "其他/other"]) == {
        "生气/angry": "angry",
        "中立/neutral": "neutral",
        "<unk>": None,
        "其他/other": None,
    }


def test_keys_are_lower_case_and_case_does_not_matter() -> None:
    assert label_map(["ANG", "Neutral"]) == {"ang": "angry", "neutral": "neutral"}


def test_only_words_for_neutral_map_to_neutral() -> None:
    words = {word for word, emotion in packaged_map().items() if emotion == "neutral"}

    assert words == {"neutral", "neu", "neutrality", "中立", "중립", "평범함"}


def test_an_unknown_label_is_listed_with_how_to_map_it() -> None:
    with pytest.raises(CheckpointError, match=r"wistful, LABEL_0.*label_map: \{wistful: null\}"):
        label_map(["happy", "wistful", "LABEL_0"])


def test_halves_that_disagree_are_not_known() -> None:
    with pytest.raises(CheckpointError, match="happy/sad"):
        label_map(["happy/sad"])


def test_the_users_choice_comes_first() -> None:
    assert label_map(["calm", "LABEL_0"], {"Calm": "neutral", "label_0": None}) == {"calm": "neutral", "label_0": None}


def test_an_override_to_no_emotion_of_the_taxonomy_is_an_error() -> None:
    with pytest.raises(ConfigError, match="'joyous'"):
        label_map(["happy"], {"happy": "joyous"})


def test_an_override_of_no_label_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'fearful'"):
        label_map(["fearful"], {"feerful": "fear"})


def test_labels_come_from_label2id_where_id2label_is_absent(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), id2label=...)

    assert identify(str(tmp_path)).labels == SUPERB


def test_without_names_the_rows_are_numbered_and_left_to_the_user(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), id2label=..., label2id=...)

    labels = identify(str(tmp_path)).labels

    assert labels == ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3")
    with pytest.raises(CheckpointError, match="LABEL_0"):
        label_map(labels)


def test_a_multi_label_problem_has_its_own_kind(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), problem_type="multi_label_classification")

    assert identify(str(tmp_path)).kind == "multilabel"
