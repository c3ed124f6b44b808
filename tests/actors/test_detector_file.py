"""Where a Whisper checkpoint is found, and what is said when it is not."""

import hashlib
from pathlib import Path

import pytest

from actors.detector_file import find_detector, is_detector
from infra.errors import CheckpointError, ConfigError, WeightsAbsentError


def test_a_path_is_taken_as_it_is_with_the_hash_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "own.pt"
    file.write_bytes(b"weights")
    assert find_detector(str(file)) == (file, hashlib.sha256(b"weights").hexdigest())


def test_changed_bytes_have_another_hash(tmp_path: Path) -> None:
    file = tmp_path / "own.pt"
    file.write_bytes(b"weights")
    before = find_detector(str(file))
    file.write_bytes(b"other weights")
    assert find_detector(str(file)) != before


def test_a_named_model_that_is_not_here_is_told_of_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(WeightsAbsentError, match="seraph models pull tiny"):
        find_detector("tiny", tmp_path)


def test_a_named_model_with_other_bytes_than_published_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tiny.pt").write_bytes(b"not what was published")
    with pytest.raises(CheckpointError, match="damaged"):
        find_detector("tiny", tmp_path)


def test_a_name_that_nobody_publishes_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="huge"):
        find_detector("huge", tmp_path)


def test_names_and_hub_ids_are_told_apart() -> None:
    assert is_detector("base")
    assert not is_detector("openai/whisper-base")
    assert not is_detector("nobody")
