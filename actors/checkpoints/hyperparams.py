"""hyperparams.yaml of SpeechBrain checkpoints, read as plain values. Nothing in it is ever constructed or imported.

The file is HyperPyYAML (https://github.com/speechbrain/HyperPyYAML): tags such as `!new:package.Class` ask its own
loader to import and call. Here a tag is a word. Owns the format; what the settings mean is the family's business.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from actors.checkpoints.document import Document
from infra.errors import CheckpointError

MAX_BYTES = 1 << 16
"""Published files have about 2 kB. Also the bound on a label encoder."""

_REFERENCE = re.compile(r"<(\w+)>")
_CHAIN = 8


def read_hyperparams(path: Path) -> Document:
    """Read the file as a flat document of two levels.

    A part such as `avg_pool: !new:package.Pooling {return_std: false}` gives `avg_pool` = `package.Pooling` and
    `avg_pool.return_std` = false. `!ref <name>` gives the plain value called `name`, or stays `<name>` where that is a
    part. Lists and whatever lies deeper are left out.

    Raises:
        CheckpointError: The file is absent, too large, or no such YAML.
    """
    values = _parsed(read_text(path), path)
    flat: dict[str, object] = {}
    for name, value in values.items():
        part = isinstance(value, _Tagged) and value.word
        inner = value.value if isinstance(value, _Tagged) else value
        if isinstance(inner, Mapping):
            flat |= {f"{name}.{key}": _plain(each, values) for key, each in inner.items()}
        if part or not isinstance(inner, Mapping):
            flat[name] = part or _plain(value, values)
    return Document(path, flat)


def read_text(path: Path) -> str:
    """The text of a small file of a checkpoint.

    Raises:
        CheckpointError: It is absent, too large, or not UTF-8.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is absent, and the checkpoint cannot be read without. Fetch it again.")
    if path.stat().st_size > MAX_BYTES:
        raise CheckpointError(f"{path} has {path.stat().st_size} bytes, expected at most {MAX_BYTES}.")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is damaged: not UTF-8 ({error.reason}). Fetch the checkpoint again.") from error


@dataclass(frozen=True)
class _Tagged:
    """A value and the word after its tag: `package.Class` of `!new:package.Class`, empty for `!ref`."""

    word: str
    value: object


class _PlainLoader(yaml.SafeLoader):
    """Gives `_Tagged` for every `!tag`."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases: a few lines of them unfold to gigabytes, and published files have none."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has aliases (*name), which are not read")
        return super().compose_node(parent, index)


def _tagged(loader: _PlainLoader, suffix: str, node: yaml.Node) -> _Tagged:
    word = suffix.partition(":")[2]
    if isinstance(node, yaml.MappingNode):
        return _Tagged(word, loader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return _Tagged(word, None)
    return _Tagged(word, loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None)


_PlainLoader.add_multi_constructor("!", _tagged)


def _parsed(text: str, path: Path) -> Mapping[str, object]:
    try:
        values = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 (a SafeLoader that makes words of tags)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date or number that is none
        summary = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} is damaged: not YAML ({summary}). Fetch the checkpoint again.") from error
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise CheckpointError(f"{path} holds no settings by name. Fetch the checkpoint again.")
    return values


def _plain(value: object, values: Mapping[str, object]) -> object:
    for _ in range(_CHAIN):
        if not isinstance(value, _Tagged):
            break
        name = _REFERENCE.fullmatch(str(value.value))
        target = values.get(name[1]) if name else None
        if value.word or target is None or (isinstance(target, _Tagged) and target.word):
            return value.word or str(value.value)
        value = target
    return value if isinstance(value, str | int | float | bool | None) else None
