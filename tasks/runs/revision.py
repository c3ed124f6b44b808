"""Which commit a checkout stands at, read from git's own files, so that no git need be installed."""

import re
from pathlib import Path


def code_revision(root: Path | None = None) -> str | None:
    """Git commit that a checkout stands at (default: the one this code lies in), or None where there is none.

    Says nothing of changes that are not committed.
    """
    try:
        folder = _git_folder((root or Path(__file__).parents[2]) / ".git")
        head = (folder / "HEAD").read_text(encoding="utf-8").strip()
        found = _commit_of(folder, head.removeprefix("ref: ")) if head.startswith("ref: ") else head
    except (OSError, UnicodeDecodeError):
        return None
    return found if found and re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", found) else None


def _git_folder(entry: Path) -> Path:
    """A working tree beside the first one has a file there, which names the folder."""
    if entry.is_dir():
        return entry
    return entry.parent / entry.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")


def _commit_of(folder: Path, branch: str) -> str | None:
    """The commit of a branch: in a file of its own, or in the packed list, of the tree's or of the common folder."""
    common = folder / "commondir"
    shared = folder / common.read_text(encoding="utf-8").strip() if common.is_file() else folder
    for place in (folder, shared):
        if (place / branch).is_file():
            return (place / branch).read_text(encoding="utf-8").strip()
    packed = shared / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {branch}")), None)
