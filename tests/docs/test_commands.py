"""The command lines in README and docs/: each is one that `seraph` takes."""

from pathlib import Path

import pytest
import typer

from flows.cli import app
from flows.cli_evaluate import spread
from tests.support.commands import check_command
from tests.support.documents import PAGES, mentioned_commands, shown_commands

EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
TRANSLATED = [page for page in PAGES if page.name.endswith(".ko.md")]


@EACH_PAGE
def test_commands_that_are_shown_are_taken(page: Path) -> None:
    commands = list(shown_commands(page))
    assert commands, "a page without a command is not read as it should be"
    for words in commands:
        check_command(spread(words))


@EACH_PAGE
def test_commands_that_are_mentioned_and_their_options_are_there(page: Path) -> None:
    for words in mentioned_commands(page):
        assert unknown(words[1:]) == [], words


def unknown(words: list[str]) -> list[str]:
    """The options, and the names of commands, that `seraph` does not have."""
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            break
        if words[0] not in command.commands:
            return [words[0]]
        command, words = command.commands[words[0]], words[1:]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    return [word for word in words if word.startswith("-") and word.partition("=")[0] not in {*known, "-h", "--help"}]


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.name)
def test_both_languages_show_the_same_commands(page: Path) -> None:
    other = page.with_name(page.name.replace(".ko.md", ".md"))
    assert [shape(words) for words in shown_commands(page)] == [shape(words) for words in shown_commands(other)]


def shape(words: list[str]) -> tuple[int, list[str]]:
    """What of a command is not somebody's own words."""
    return len(words), [word for word in words if word.isascii() and " " not in word and not word[0].isupper()]
