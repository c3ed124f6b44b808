"""`seraph models pull`: a checkpoint's files at one commit, into a folder that works by itself, anywhere.

Owns what the folder holds and that it appears whole or not at all. What the files mean is the families' business.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from actors.checkpoints.catalogue import licence_of
from actors.checkpoints.hub import COMMIT, Commit, Hub, cached_snapshot, choose_files
from actors.checkpoints.pulled import (
    RECORD,
    PullRecord,
    check_pulled,
    find_pulled,
    models_folder,
    record_file,
)
from actors.checkpoints.source import check_hub_id, refuse_known
from infra.errors import CheckpointError, WeightsAbsentError
from infra.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class Pulled:
    """What a pull came to.

    Attributes:
        folder: Where the checkpoint lies.
        record: What `seraph.json` there says.
        fetched: False where it was there before.
    """

    folder: Path
    record: PullRecord
    fetched: bool


def pull(
    source: str,
    *,
    revision: str | None = None,
    output: Path | None = None,
    settings: Settings | None = None,
    hub: Hub | None = None,
    say: Say = lambda _: None,
) -> Pulled:
    """Fetch a checkpoint at one commit, convert pickled weights to safetensors, and record it all in `seraph.json`.

    A killed pull leaves nothing that passes for a checkpoint; the next one takes up what it had fetched. A second pull
    of the same commit does nothing.

    Args:
        source: Hub id.
        revision: Commit, tag or branch; None is the main branch as it is now. Either way the commit is recorded.
        output: The folder to make; default: `SERAPH_HOME/models/<owner>/<name>/<commit>`.
        settings: Where home is, and whether the network may be used; default: the environment's.
        hub: Whom to ask.
        say: Told what is being done.

    Raises:
        WeightsAbsentError: The hub cannot be reached, or has no such repository or revision.
        CheckpointError: No hub id; a checkpoint of no use; no or damaged weights; `output` holds something else; what
            is there already is not what was pulled; the disk is full.
    """
    check_hub_id(source)
    refuse_known(source)
    settings = settings or Settings.from_environment()
    present = _present(source, revision, output, settings)
    if present is not None:
        return present
    commit, cached = _commit(source, revision, settings, hub or Hub())
    folder = output or models_folder(settings.home, source) / commit.sha
    if revision != commit.sha:
        say(f"{source}: {revision or 'the main branch'} is commit {commit.sha}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent):
            record = _recorded(folder, commit.sha)
            if record is not None:
                return Pulled(folder, record, fetched=False)
            _make(folder, commit, cached, revision, hub or Hub(), say)
    except OSError as error:
        raise CheckpointError(
            f"{folder} could not be written: {error}. Make room there or give another --output, then pull again."
        ) from error
    return Pulled(folder, _known_record(folder), fetched=True)


def _present(source: str, revision: str | None, output: Path | None, settings: Settings) -> Pulled | None:
    """What is here already, where that can be told without the hub: a commit never changes."""
    if not (settings.hub_offline or (revision and COMMIT.fullmatch(revision))):
        return None
    folder = find_pulled(settings.home, source, revision) if output is None else output
    record = check_pulled(folder) if folder else None
    fits = record is not None and record.source == source and revision in (None, record.revision, record.asked)
    return Pulled(folder, record, fetched=False) if folder and record and fits else None


def _commit(source: str, revision: str | None, settings: Settings, hub: Hub) -> tuple[Commit, Path | None]:
    """The commit to pull, and its folder in the hub's own cache where offline nothing else is left."""
    if not settings.hub_offline:
        return hub.resolve(source, revision), None
    cached = cached_snapshot(source, revision)
    if cached is None:
        raise WeightsAbsentError(
            f"{source} is not on this machine, and the network is not to be used (HF_HUB_OFFLINE). Unset it, or copy a "
            "folder pulled elsewhere and give its path."
        )
    names = choose_files(path.name for path in cached.iterdir() if path.is_file())
    return Commit(source, cached.name, dict.fromkeys(names)), cached


def _recorded(folder: Path, sha: str) -> PullRecord | None:
    """The record of a folder that is there already; None where there is none, or an empty one."""
    record = check_pulled(folder)
    if record is not None and record.revision != sha:
        raise CheckpointError(
            f"{folder} holds commit {record.revision}, not {sha}; give another --output or remove it."
        )
    if record is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CheckpointError(f"{folder} is there already, and no pull made it. Give another --output, or remove it.")
    return record


def _make(folder: Path, commit: Commit, cached: Path | None, asked: str | None, hub: Hub, say: Say) -> None:
    staging = folder.parent / f".{folder.name}.{commit.sha[:12]}.partial"
    fetched, whole = staging / "fetched", staging / "whole"
    fetched.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir()
    say(f"{commit.source}: {'copying' if cached else 'fetching'} {len(commit.files)} files at {commit.sha}")
    if cached is None:
        hub.fetch(commit, fetched)
    else:
        for name in commit.files:
            shutil.copyfile(cached / name, fetched / name)
    _fill(fetched, whole, commit, asked, say)
    _settle(whole)
    whole.replace(folder)
    shutil.rmtree(staging, ignore_errors=True)


def _fill(fetched: Path, whole: Path, commit: Commit, asked: str | None, say: Say) -> None:
    from actors.checkpoints.convert import to_safetensors  # torch

    if any(name.endswith(".bin") for name in commit.files):
        say(f"{commit.source}: converting to safetensors")
    replaced = to_safetensors(fetched, whole)
    converted = tuple(record_file(path) for path in replaced)
    for name in sorted(set(commit.files) - {path.name for path in replaced}):
        _link(fetched / name, whole / name)
    record = PullRecord(
        source=commit.source,
        revision=commit.sha,
        asked=asked,
        pulled=datetime.now(UTC),
        licence=licence_of(commit.source, whole),
        files=tuple(record_file(path) for path in sorted(whole.iterdir())),
        converted=converted,
    )
    (whole / RECORD).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _link(path: Path, target: Path) -> None:
    """A second name for a file, so that what was fetched stays for a next try; a copy where the disk has no links."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def _settle(folder: Path) -> None:
    """Put everything on the disk, so that the rename that follows never outlives what it names."""
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _known_record(folder: Path) -> PullRecord:
    record = check_pulled(folder)
    if record is None:
        raise CheckpointError(f"{folder} lost its {RECORD} as it was written. Pull it again.")
    return record


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder against another pull into it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
