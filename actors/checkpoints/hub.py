"""Hugging Face's hub: which commit a revision is, what lies there, and fetching it. Files only; no code is ever run.

Owns the choice of files and the wrapping of the hub's client. What is done with the files is pull.py's business.
"""

import errno
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from actors.checkpoints.files import file_sha256
from actors.checkpoints.pulled import RECORD
from infra.errors import CheckpointError, WeightsAbsentError
from infra.settings import TELEMETRY_OFF, export

COMMIT = re.compile(r"[0-9a-f]{40}")

SETTINGS = ("*.json", "*.txt", "*.yaml", "*.yml", "*.model", "am.mvn", "README.md", "LICENSE*")
"""What is fetched besides weights: configuration, vocabularies, the model card (it carries the licence). No code."""

WEIGHTS = (
    ("model.safetensors",),
    ("model-*.safetensors",),
    ("pytorch_model.bin",),
    ("pytorch_model-*.bin",),
    ("*.ckpt", "model.pt"),
)
"""Spellings of weights, in the order in which `files.weight_files` prefers them: the first that is there is fetched."""

IGNORED = (
    *("*/*", ".*", RECORD),
    *("optimizer*", "scheduler*", "rng_state*", "training_args*", "trainer_state*", "*_results.json"),
)
"""What is never fetched: subfolders (other states of the training, examples), a record by which a repository would
vouch for itself, and what only training needs."""

_TIMEOUT_S = 10.0
_CHECK = (
    "Check the name, the revision and the network; a repository that asks for consent needs `hf auth login` first. Or "
    "copy a folder pulled elsewhere, and give its path."
)


@dataclass(frozen=True)
class Commit:
    """One state of a repository.

    Attributes:
        source: Hub id.
        sha: The commit.
        files: What is to be fetched of it: name to SHA-256 where the hub tells it (large files), else None.
    """

    source: str
    sha: str
    files: dict[str, str | None]


@dataclass(frozen=True)
class Hub:
    """The hub as its own client sees it.

    Attributes:
        endpoint: Address; None follows the client's own `HF_ENDPOINT`.
    """

    endpoint: str | None = None

    def resolve(self, source: str, revision: str | None = None) -> Commit:
        """Ask which commit a revision is now, and what lies there.

        Raises:
            WeightsAbsentError: The hub cannot be reached, or has no such repository or revision.
            CheckpointError: There are no weights in it.
        """
        be_silent()
        from huggingface_hub import HfApi

        try:
            info = HfApi(endpoint=self.endpoint).model_info(
                source, revision=revision, files_metadata=True, timeout=_TIMEOUT_S
            )
        except _faults() as error:
            raise self._absent(source, revision, error) from error
        siblings = {each.rfilename: each.lfs.sha256 if each.lfs else None for each in info.siblings or ()}
        if not COMMIT.fullmatch(str(info.sha)):
            raise WeightsAbsentError(f"The hub names {str(info.sha)[:80]!r} as a commit of {source}. {_CHECK}")
        chosen = choose_files(siblings)
        if not any(fnmatch(name, each) for name in chosen for group in WEIGHTS for each in group):
            shown = ", ".join(sorted(siblings)[:12]) or "nothing"
            raise CheckpointError(f"{source} has no weights that Seraph can read; there is {shown}.")
        return Commit(source, str(info.sha), {name: siblings[name] for name in chosen})

    def fetch(self, commit: Commit, folder: Path | None = None, *, asked: str | None = None) -> Path:
        """Fetch the files of a commit; what an interrupted fetch left is taken up again.

        Args:
            commit: What to fetch.
            folder: Where to; None is the hub's own cache.
            asked: The revision that the commit came of, under which the cache is to know it.

        Returns:
            The folder that has the files.

        Raises:
            WeightsAbsentError: The hub cannot be reached, or does not give a file.
            CheckpointError: A file has other bytes than the hub says, or the disk is full.
        """
        be_silent()
        from huggingface_hub import snapshot_download

        try:
            found = snapshot_download(
                commit.source,
                revision=commit.sha if folder else asked,
                local_dir=folder,
                allow_patterns=list(commit.files),
                etag_timeout=_TIMEOUT_S,
                endpoint=self.endpoint,
            )
        except _faults() as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise CheckpointError(
                    f"{commit.source} could not be written to {folder or 'the cache of the hub'}: the disk is full. "
                    "Make room there, then fetch it again."
                ) from error
            raise self._absent(commit.source, commit.sha, error) from error
        for name, expected in commit.files.items():
            path = Path(found) / name
            if not path.is_file() or expected not in (None, file_sha256(path)):
                for each in (path.resolve(), path):  # in the cache it is a link
                    each.unlink(missing_ok=True)
                raise CheckpointError(f"{name} of {commit.source} arrived damaged. Pull it again.")
        return Path(found)

    def _absent(self, source: str, revision: str | None, error: Exception) -> WeightsAbsentError:
        at = f" at revision {revision}" if revision else ""
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return WeightsAbsentError(
            f"{source}{at} could not be fetched from the hub ({type(error).__name__}: {reason}). {_CHECK}"
        )


def be_silent() -> None:
    """Switch off what the client would tell about its user. It reads this once, when it is imported."""
    export(**TELEMETRY_OFF)


def choose_files(names: Iterable[str]) -> tuple[str, ...]:
    """What of a repository is fetched: settings, and the first spelling of the weights. Nothing out of subfolders."""
    plain = sorted(name for name in names if not any(fnmatch(name, each) for each in IGNORED))
    weights: list[str] = []
    for group in WEIGHTS:
        weights = weights or [name for name in plain if any(fnmatch(name, each) for each in group)]
    settings = [name for name in plain if any(fnmatch(name, each) for each in SETTINGS)]
    return tuple(dict.fromkeys(settings + weights))


def cached_snapshot(source: str, revision: str | None) -> Path | None:
    """The folder of the hub's own cache that holds a revision; None where there is none. Never asks the network.

    Raises:
        CheckpointError: `source` is spelled like no hub id.
    """
    be_silent()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(
            snapshot_download(
                source,
                revision=revision,
                local_files_only=True,
                allow_patterns=list(SETTINGS),  # of several spellings of the weights only one is fetched
                ignore_patterns=list(IGNORED),
            )
        )
    except HFValidationError as error:
        raise CheckpointError(f"{source!r} is neither a folder nor a hub id (owner/name): {error}") from error
    except OSError:  # LocalEntryNotFoundError, and an IncompleteSnapshotError, are such
        return None


def _faults() -> tuple[type[Exception], ...]:
    """What the client raises when the hub does not give what is asked for, or answers with something else.

    The last three: it takes the answer apart without looking, be it of the hub or of a proxy's page of its own.
    """
    from huggingface_hub import errors

    transport: type[Exception] = getattr(errors, "HTTPError", OSError)  # of the HTTP library that this version uses
    return transport, OSError, ValueError, TypeError, KeyError, AttributeError
