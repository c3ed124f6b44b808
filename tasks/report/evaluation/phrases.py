"""What the evaluation's figures say of themselves in English, for Korean readers too.

The record is written once, in English. The phrases that it is made of are known, so the page can give them in Korean:
phrases.ko.yaml, here and for the tuning's in tuning/. A phrase that is not there stays English.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import yaml

from actors.contract import TAXONOMY
from tasks.report.words import Text, named, visible


def phrase(text: str) -> Text:
    """A phrase of the record in both languages, made safe to read."""
    for pattern, korean in _phrases():
        if found := pattern.fullmatch(text):
            return Text(visible(text), _filled(korean, found.groupdict()))
    return Text(visible(text), visible(text))


def phrases(texts: Iterable[str]) -> Text:
    """Several phrases, each once, one after another."""
    found = [phrase(each) for each in dict.fromkeys(texts)]
    return Text("; ".join(each.en for each in found), "; ".join(each.ko for each in found))


@cache
def _phrases() -> tuple[tuple[re.Pattern[str], str], ...]:
    found: dict[str, str] = {}
    for folder in ("evaluation", "tuning"):
        found |= yaml.safe_load(files("tasks.report").joinpath(f"{folder}/phrases.ko.yaml").read_text(encoding="utf-8"))
    return tuple((_pattern(english), korean) for english, korean in found.items())


def _pattern(english: str) -> re.Pattern[str]:
    # A place holds one word or number: names from outside never end up inside a phrase.
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[\\w.,+-]+)", re.escape(english)))


def _filled(korean: str, values: Mapping[str, str]) -> str:
    shown = {key: named("emotion", value).ko if value in TAXONOMY else value for key, value in values.items()}
    return re.sub(r"\{(\w+)\}", lambda place: shown[place[1]], korean)
