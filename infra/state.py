"""What the local stack remembers in `SERAPH_HOME`: what runs, its credentials, and a lock. All of it mode 0600.

stack.json        what was started, on which ports     credentials.json  keys of the object store
ray-token         token of the local Ray               prefect-password  user:password of the local Prefect server
lock              held while the stack changes         logs/*.log        one per part
s3/ prefect/      their data
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.errors import ConfigError
from infra.parts import Ports, new_secret, private_folder, write_private
from infra.processes import Process

Say = Callable[[str], None]
"""Told, in plain words, what is being done."""

_T = TypeVar("_T", bound=BaseModel)
_D = TypeVar("_D")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Running(_Frozen):
    """A part that was started. `folder` is where it keeps its files."""

    process: Process
    ports: Ports
    folder: Path


class Credentials(_Frozen):
    """Keys of the local object store."""

    access_key: str
    secret_key: str


class _Document(_Frozen):
    parts: dict[str, Running] = {}


class State:
    """The file `stack.json`. Safe between threads; between processes, change it under `lock` only."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._path = home / "stack.json"
        self._guard = threading.Lock()

    def parts(self) -> dict[str, Running]:
        """The parts that were started, by name; they may have died since."""
        return dict(_read(self._path, _Document, _Document()).parts)

    def record(self, name: str, running: Running | None) -> None:
        """Remember that a part runs, or (None) that it does not."""
        with self._guard:
            others = {other: known for other, known in self.parts().items() if other != name}
            document = _Document(parts={**others, name: running} if running else others)
            write_private(self._path, document.model_dump_json(indent=1))

    def log(self, name: str) -> Path:
        """The log of a part."""
        return self.home / "logs" / f"{name}.log"


@contextmanager
def lock(home: Path, say: Say) -> Iterator[None]:
    """Hold the stack of `home`, created where it is missing, against other processes."""
    private_folder(home)
    private_folder(home / "logs")
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another seraph, which is starting or stopping the local stack")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def credentials(home: Path) -> Credentials:
    """The keys of the local object store, made at first use."""
    path = home / "credentials.json"
    known = _read(path, Credentials, None)
    if known is None:
        known = Credentials(access_key=new_secret()[:20].upper(), secret_key=new_secret())
        write_private(path, known.model_dump_json())
    return known


def ensure_token(path: Path) -> None:
    """Write a token for the local Ray unless there is one."""
    if not path.exists():
        write_private(path, new_secret())


def _read(path: Path, model: type[_T], default: _D) -> _T | _D:
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return default
    except ValidationError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.error_count()} faults); expected the file that `seraph up` wrote: "
            "end what it started (`seraph status` names the logs), remove the file, and run `seraph up`"
        ) from error
