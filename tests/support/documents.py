"""What the documentation shows, taken out of its Markdown: code blocks, tables, and the `seraph` commands."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = tuple(sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")]))
"""Everything that users read, in both languages."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(seraph(?: [^`]+)?)`")
_PROGRAM = re.compile(r"(\S*/)?(seraph|seraph-here)")
_ENDS = {"&&", "||", "|", ";", ">", ">>"}
_STARTERS = {"--", "do", "entrypoint", "exec", "sudo"}


@dataclass(frozen=True)
class Block:
    """A code block: its language (`sh`, `yaml`), and its text."""

    language: str
    text: str


def blocks(page: Path, language: str | None = None) -> list[Block]:
    """The code blocks of a page, in order; those of one language, where one is named."""
    found = (Block(*match) for match in _BLOCK.findall(page.read_text(encoding="utf-8")))
    return [each for each in found if language in (None, each.language)]


def rows(page: Path) -> Iterator[tuple[str, ...]]:
    """The cells of every line of every table, heads included."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("| ")))


def quoted(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def shown_commands(page: Path) -> Iterator[list[str]]:
    """The words of every `seraph …` in the shell blocks of a page, whatever starts it (sudo, docker, kubectl)."""
    for block in blocks(page, "sh"):
        for line in re.sub(r"<[^<>\n]+>", "ID", block.text.replace("\\\n", " ")).splitlines():
            yield from _commands(shlex.split(line, comments=True))


def mentioned_commands(page: Path) -> Iterator[list[str]]:
    """The words of every `seraph …` in the prose of a page, which may leave out what must be there."""
    prose = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for text in _INLINE.findall(prose):
        yield shlex.split(text.replace("…", " "))


def _commands(words: list[str]) -> Iterator[list[str]]:
    """Each from its program to the end of the command. Elsewhere `seraph` is the name of a user, a unit or a folder."""
    own: list[str] | None = None
    before = ";"
    for word in [*words, ";"]:
        if word.endswith(";") or word in _ENDS:
            if own is not None:
                yield own
            own = None
        elif own is not None:
            own.append(word)
        elif _PROGRAM.fullmatch(word) and (before in _ENDS | _STARTERS or "=" in before):
            own = ["seraph"]
        before = word
