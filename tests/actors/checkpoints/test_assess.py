"""What `seraph models check` knows of a checkpoint."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from actors.checkpoints.assess import assess
from actors.contract import TAXONOMY
from infra.errors import LayoutError
from tests.support.checkpoints import (
    RAVDESS,
    edit_config,
    write_dimensional,
    write_ehcalabres,
    write_soxan,
    write_stock,
)
from tests.support.pulled import write_pulled
from tests.support.text_checkpoints import write_text


def test_a_good_checkpoint_is_ok_with_what_it_can_and_cannot_say(tmp_path: Path) -> None:
    found = assess(str(write_ehcalabres(tmp_path)))

    assert (found.status, found.built, found.error) == ("ok", True, None)
    assert found.label_map["fearful"] == "fear"
    assert found.dropped == ("calm",)
    assert found.coverage == TAXONOMY
    assert found.beyond == ()
    assert found.identity is not None
    assert found.identity.labels == RAVDESS


def test_what_four_labels_cannot_say_is_told(tmp_path: Path) -> None:
    assert assess(str(write_stock(tmp_path))).beyond == ("fear", "surprise", "disgust")


def test_merged_labels_are_told_with_the_prior_that_merging_gives(tmp_path: Path) -> None:
    found = assess(str(write_soxan(tmp_path, labels=("happy", "joy", "sad", "angry", "neutral"))))

    assert [(each.emotion, each.labels, each.prior, each.fair) for each in found.merged] == [
        ("happy", ("happy", "joy"), 2 / 5, 1 / 4)
    ]


def test_merging_labels_that_may_hold_together_gives_no_lead(tmp_path: Path) -> None:
    place = write_soxan(tmp_path, labels=("happy", "joy", "sad", "angry", "neutral"))
    edit_config(place, problem_type="multi_label_classification")

    assert assess(str(place)).merged == ()


def test_labels_that_nobody_knows_leave_it_ok_and_are_listed(tmp_path: Path) -> None:
    edit_config(write_stock(tmp_path), id2label=..., label2id=...)

    found = assess(str(tmp_path))

    assert found.status == "ok"
    assert found.unmapped == ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3")
    assert found.coverage == ()


def test_dimensions_reach_every_emotion_without_a_map(tmp_path: Path) -> None:
    found = assess(str(write_dimensional(tmp_path)))

    assert (found.status, dict(found.label_map), found.coverage) == ("ok", {}, TAXONOMY)


def test_a_model_that_reads_is_checked_through_the_same_door(tmp_path: Path) -> None:
    found = assess(str(write_text(tmp_path)))

    assert (found.status, found.built) == ("ok", True)
    assert found.identity is not None
    assert found.identity.modality == "text"


def test_a_refused_checkpoint_keeps_its_reason_and_keys(tmp_path: Path) -> None:
    tensors = load_file(write_soxan(tmp_path) / "model.safetensors")
    del tensors["classifier.out_proj.bias"]
    save_file(tensors, tmp_path / "model.safetensors")

    found = assess(str(tmp_path))

    assert found.status == "refused"
    assert isinstance(found.error, LayoutError)
    assert found.error.missing == ("classifier.out_proj.bias",)


def test_damaged_values_are_found_by_building_and_not_by_a_quick_look(tmp_path: Path) -> None:
    tensors = load_file(write_stock(tmp_path) / "model.safetensors")
    tensors["projector.bias"][0] = torch.nan
    save_file(tensors, tmp_path / "model.safetensors")

    assert assess(str(tmp_path), quick=True).status == "ok"
    assert "projector.bias holds NaN" in str(assess(str(tmp_path)).error)


def test_weights_that_are_finite_and_still_overflow_are_refused(tmp_path: Path) -> None:
    tensors = load_file(write_stock(tmp_path) / "model.safetensors")
    tensors["projector.weight"] = torch.full_like(tensors["projector.weight"], 3e38)
    save_file(tensors, tmp_path / "model.safetensors")

    assert "overflow" in str(assess(str(tmp_path)).error)


def test_a_pulled_folder_has_what_the_catalogue_says_of_its_source(tmp_path: Path) -> None:
    found = assess(str(write_pulled(tmp_path, source="superb/wav2vec2-large-superb-er")), quick=True)

    assert found.scores[0].set == "IEMOCAP, 4 classes"
    assert found.caveats
    assert found.licence == "apache-2.0"
    assert not found.non_commercial


@pytest.mark.parametrize("source", ["facebook/mms-1b-all", "facebook/wav2vec2-large-robust-24-ft-emotion-recognition"])
def test_a_checkpoint_known_to_be_of_no_use_is_refused_by_name(source: str) -> None:
    found = assess(source)

    assert found.status == "refused"
    assert found.identity is None
    assert found.note in str(found.error)
    assert found.non_commercial == (source == "facebook/mms-1b-all")
