"""FunASR's models (https://github.com/modelscope/FunASR): the optional package and its config.yaml.

Owns the seam: only `part` imports the package, and it takes classes only. FunASR's own loader is not used: it fills
what is missing with random numbers, and may fetch and run code. Nothing in a checkpoint's files is ever evaluated.
"""

import contextlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import yaml

from actors.checkpoints.document import Document
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.hyperparams import read_text
from infra.errors import CheckpointError

if TYPE_CHECKING:
    from actors.checkpoints.network import Network


def require_funasr(checkpoint: Checkpoint, what: str) -> None:
    """Check that the package is here, without importing it.

    Raises:
        CheckpointError: It is not; says what the checkpoint is and how to install it.
    """
    if find_spec("funasr") is None:
        raise CheckpointError(
            f"{checkpoint.source} is {what}, which needs the optional package funasr. "
            "Install it with `pip install 'seraph[funasr]'`, then run again."
        )


def part(module: str, name: str) -> type:
    """A class of the package.

    Raises:
        CheckpointError: The package is damaged, or too old to have it.
    """
    try:
        with _quiet():
            found: type = getattr(import_module(f"funasr.{module}"), name)
    except (ImportError, AttributeError) as error:
        raise CheckpointError(
            f"funasr is installed, but gives no {name} ({error}). Install it again: `pip install 'seraph[funasr]'`."
        ) from error
    return found


def read_config(checkpoint: Checkpoint) -> Document:
    """config.yaml as plain values.

    Raises:
        CheckpointError: It is absent, too large, or no mapping.
    """
    path = checkpoint.folder / "config.yaml"
    try:
        values = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: no YAML ({str(error)[:200]}). Fetch it again.") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise CheckpointError(f"{path} holds a {type(values).__name__}, expected settings by name. Fetch it again.")
    return Document(path, values)


def inner(document: Document, name: str) -> Document:
    """The mapping called `name` inside a document.

    Raises:
        CheckpointError: It is something else, or absent.
    """
    value = document.values.get(name)
    if not isinstance(value, Mapping):
        raise document.wrong(name, "settings by name")
    return Document(document.path, value)


def tried(network: "Network", config: Document) -> "Network":
    """The network, once it has heard its least signal: the package looks at some settings only then.

    Raises:
        CheckpointError: It cannot compute.
    """
    import torch

    try:
        with torch.inference_mode():
            network(torch.zeros(1, network.minimum), [network.minimum])
    except Exception as error:  # torch and funasr raise whatever a wrong setting breaks first
        summary = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{config.path} describes a network that cannot compute: {summary}") from error
    return network


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The package prints notes as it is imported, and warns of its own syntax; our stdout may be a JSON document."""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
