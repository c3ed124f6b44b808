"""The lock file serves every machine: Python 3.11 or 3.12, with a GPU or without."""

from pathlib import Path

LINES = (Path(__file__).parents[1] / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_every_python_decodes_media_with_the_same_pyav() -> None:
    assert len([line for line in LINES if line.startswith("av==")]) == 1


def test_the_build_of_torch_is_left_to_the_machine() -> None:
    assert [line for line in LINES if line.startswith("torch==") and "+" not in line]
    assert not [line for line in LINES if "+cpu" in line or "+cu" in line]
