"""What stands between a text and a network: the tokeniser's files and the number of tokens that are read.

Owns finding, hashing and reading them; only local files, and no code of theirs. Imports no transformers until a
tokeniser is read. Which tokens mean what is the checkpoint's business.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from actors.checkpoints.files import file_sha256
from infra.errors import CheckpointError

_VOCABULARIES = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))
_BESIDE = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")

_SPARE_ROWS = 128
"""Rows of an embedding that no token may use: matrices are often padded to a multiple of 64 or 128."""

_LEAST_LIMIT = 3
"""Tokens that begin and end a text, and one of its own."""

_PROBE = ("", "a", "\U0001f9ff \u2204")
"""Nothing, a letter, and characters that few vocabularies have."""


@dataclass(frozen=True)
class Tokens:
    """How a text becomes numbers.

    Attributes:
        folder: Where the tokeniser's files lie.
        positions: Tokens that the network has positions for, those that the tokeniser adds included.
        sampling_rate: 0: there is no signal.
    """

    folder: Path
    positions: int
    sampling_rate: int = 0

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files that decide the tokens.

        Raises:
            CheckpointError: None of the known sets of files is there.
        """
        for names in _VOCABULARIES:
            if all((self.folder / name).is_file() for name in names):
                # All that is there, not only the first set: which of them transformers reads is its own choice.
                every = {name for group in _VOCABULARIES for name in group} | set(_BESIDE)
                return tuple(path for name in sorted(every) if (path := self.folder / name).is_file())
        sets = ", or ".join(" with ".join(names) for names in _VOCABULARIES)
        raise CheckpointError(f"{self.folder} has no tokeniser: expected {sets}. Fetch the checkpoint again.")

    def digest(self) -> str:
        """Short hash (12 hex digits) over the files and the limit: equal digests read a text alike."""
        words = [f"{path.name} {file_sha256(path)}" for path in self.files]
        return hashlib.sha256("\n".join([str(self.positions), *words]).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Tokenizer:
    """A tokeniser of transformers that has been read.

    Attributes:
        inner: transformers' own object.
        limit: Tokens of a text at most; the end of a longer one is cut.
    """

    inner: Any
    limit: int

    def __call__(self, texts: list[str]) -> list[list[int]]:
        """The tokens of each text, with those that begin and end it."""
        return list(self.inner(texts, truncation=True, max_length=self.limit, verbose=False)["input_ids"])


def read_tokenizer(tokens: Tokens, rows: int, source: str) -> Tokenizer:
    """Read a tokeniser and check it against the embedding that its tokens will index.

    Args:
        tokens: What was found.
        rows: Rows of the embedding.
        source: The checkpoint, for messages.

    Raises:
        CheckpointError: The files are damaged, belong to another vocabulary, or give no tokens for a classifier.
    """
    from transformers import AutoTokenizer

    names = ", ".join(path.name for path in tokens.files)
    try:
        inner = AutoTokenizer.from_pretrained(tokens.folder, local_files_only=True, trust_remote_code=False)
        tokenizer = Tokenizer(inner, min(tokens.positions, int(inner.model_max_length)))
        highest, probe = max(inner.get_vocab().values()), tokenizer(list(_PROBE))
    except Exception as error:  # tokenizers raises bare Exceptions, transformers whatever a wrong value breaks
        summary = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(
            f"{source}: the tokeniser in {tokens.folder} ({names}) cannot be read: {summary}. "
            "Fetch the checkpoint again."
        ) from error
    if tokenizer.limit < _LEAST_LIMIT:
        raise CheckpointError(
            f"{source}: the tokeniser ({names}) reads {tokenizer.limit} tokens at most, expected at least "
            f"{_LEAST_LIMIT}. Repair model_max_length in tokenizer_config.json."
        )
    if not highest < rows <= highest + _SPARE_ROWS:
        raise CheckpointError(
            f"{source}: the tokeniser ({names}) numbers its tokens up to {highest}, but the embedding has {rows} rows. "
            "They belong to different vocabularies, and every word would be read as another."
        )
    if not all(probe):
        raise CheckpointError(
            f"{source}: the tokeniser ({names}) puts no token before a text, and the head reads the first one. "
            "Fetch the checkpoint again."
        )
    return tokenizer
