"""The map from a checkpoint's own labels to the taxonomy."""

from pathlib import Path

import pytest

from actors.checkpoints import identify, label_map
from actors.checkpoints.labels import Merged, coverage, merged, packaged_map, unmapped
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


def test_an_empty_list_of_labels_is_refused(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), id2label={}, label2id={})

    with pytest.raises(CheckpointError, match="id2label"):
        identify(str(tmp_path))


@pytest.mark.parametrize("twin", ["HAP", "hap ", "Hap"])
def test_labels_that_are_alike_but_for_case_are_refused(tmp_path: Path, twin: str) -> None:
    edit_config(write_stock(tmp_path), id2label={"0": "neu", "1": "hap", "2": twin, "3": "sad"}, label2id=...)

    with pytest.raises(CheckpointError, match="differ by more than case"):
        identify(str(tmp_path))


def test_a_label2id_of_another_order_is_refused_with_the_label(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), label2id={"neu": 0, "hap": 2, "ang": 1, "sad": 3})

    with pytest.raises(CheckpointError, match=r"label2id.*hap to be 1"):
        identify(str(tmp_path))


@pytest.mark.parametrize("left_over", [{"LABEL_0": 0, "LABEL_1": 1}, {"neu": "0", "hap": "1", "ang": "2"}, None])
def test_a_label2id_that_does_not_contradict_passes(tmp_path: Path, left_over: object) -> None:
    edit_config(write_stock(tmp_path), label2id=left_over)

    assert identify(str(tmp_path)).labels == SUPERB


def test_a_label_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), id2label={"0": "neu", "1": "hap\x1b[2J", "2": "ang", "3": "sad"})

    with pytest.raises(CheckpointError, match="labels that are texts") as caught:
        identify(str(tmp_path))

    assert "\x1b" not in str(caught.value)


def test_a_problem_that_transformers_does_not_know_is_refused(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), problem_type="multilabel")

    with pytest.raises(CheckpointError, match=r"problem_type.*single_label_classification or multi_label"):
        identify(str(tmp_path))


def test_coverage_is_what_a_map_reaches_in_the_taxonomys_order() -> None:
    assert coverage(label_map(["sad", "ANG", "calm", "neu"])) == ("neutral", "sad", "angry")


def test_merging_calm_into_neutral_doubles_the_prior_of_neutral() -> None:
    apart = label_map(RAVDESS)
    together = label_map(RAVDESS, {"calm": "neutral"})

    assert merged(apart) == ()
    # Eight labels, two of them neutral: 2/8 of a random head's choices, where 1/7 would be fair.
    assert merged(together) == (Merged("neutral", ("calm", "neutral"), 2 / 8, 1 / 7),)


def test_dropped_labels_are_no_merged_emotion() -> None:
    assert merged(label_map(["calm", "other", "happy", "sad"])) == ()


def test_what_one_checkpoint_means_comes_before_the_packaged_map_and_after_the_users_choice() -> None:
    labels, own = ["짜증", "없음"], {"짜증": "angry", "없음": "neutral"}

    assert label_map(labels, reference=own) == {"짜증": "angry", "없음": "neutral"}
    assert label_map(labels, {"짜증": None}, reference=own) == {"짜증": None, "없음": "neutral"}


def test_labels_that_no_map_knows_are_listed() -> None:
    assert unmapped(["happy", "LABEL_0", "生气/angry", "wistful"]) == ("LABEL_0", "wistful")
    assert unmapped(["LABEL_0", "wistful"], {"label_0": "sad"}, reference={"wistful": None}) == ()
