"""tasks/runs/revision.py: the commit of a checkout, from git's own files."""

from pathlib import Path

import pytest

from tasks.runs.revision import code_revision

COMMIT = "ab" * 20


def checkout(root: Path, head: str, **files: str) -> Path:
    (root / ".git").mkdir(parents=True)
    for name, text in {"HEAD": head, **files}.items():
        path = root / ".git" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_branch_is_followed_to_its_commit(tmp_path: Path) -> None:
    assert code_revision(checkout(tmp_path, "ref: refs/heads/main\n", refs__heads__main=f"{COMMIT}\n")) == COMMIT


def test_a_branch_may_be_packed_and_a_commit_may_be_checked_out_itself(tmp_path: Path) -> None:
    packed = {"packed-refs": f"# pack-refs with: peeled\n{'cd' * 20} refs/heads/other\n{COMMIT} refs/heads/main\n"}
    assert code_revision(checkout(tmp_path / "a", "ref: refs/heads/main", **packed)) == COMMIT
    assert code_revision(checkout(tmp_path / "b", f"{COMMIT}\n")) == COMMIT


def test_a_second_working_tree_finds_its_branch_in_the_first(tmp_path: Path) -> None:
    first = checkout(tmp_path / "first", "ref: refs/heads/main", refs__heads__side=COMMIT)
    own = first / ".git" / "worktrees" / "second"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/side\n")
    (own / "commondir").write_text("../..\n")
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / ".git").write_text(f"gitdir: {own}\n")
    assert code_revision(tmp_path / "second") == COMMIT


@pytest.mark.parametrize("head", ["ref: refs/heads/none", "", "no commit at all"])
def test_where_nothing_can_be_told_nothing_is(tmp_path: Path, head: str) -> None:
    assert code_revision(tmp_path) is None
    assert code_revision(checkout(tmp_path / "odd", head)) is None
