"""The report's words in English and Korean, and how figures and names are written. Owns no layout.

The words themselves are data: words.en.yaml and words.ko.yaml, with the same keys; those of the evaluation's pages lie
in evaluation/ and begin with `ev_`, those of the survey's in unlabelled/ with `un_`, those of the tuning's in tuning/
with `tu_`, those of the re-evaluation's in reevaluation/ with `re_`.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from markupsafe import Markup, escape

LANGUAGES = ("en", "ko")
UNDEFINED = "–"
_MAX_NAME = 120
_UNSEEN = {"Cc", "Cf", "Zl", "Zp"}


@dataclass(frozen=True)
class Text:
    """One text in both languages. In a template it becomes two spans, of which the page shows one."""

    en: str
    ko: str

    def __html__(self) -> str:
        if self.en == self.ko:
            return str(escape(self.en))
        return Markup('<span lang="en">{}</span><span lang="ko">{}</span>').format(self.en, self.ko)

    def in_language(self, language: str) -> str:
        """The text in `en` or `ko`."""
        return self.ko if language == "ko" else self.en

    def joined(self, other: "Text", between: str = " ") -> "Text":
        """Both texts, one after the other."""
        return Text(f"{self.en}{between}{other.en}", f"{self.ko}{between}{other.ko}")


Value = str | int | Text


def words(key: str, n: int | None = None, **values: Value) -> Text:
    """The words under `key`, filled with `values`; `n` chooses between one and several, and fills {n}.

    Raises:
        KeyError: The catalogue has no such key, or the words ask for a value that is not given.
    """
    given: dict[str, Value] = values if n is None else {"n": n, **values}
    return Text(*(_filled(catalogue(language)[key], given, language) for language in LANGUAGES))


def has_words(key: str) -> bool:
    """Whether the catalogue knows `key`: for names that come from outside, such as a stage or a language."""
    return key in catalogue("en")


def named(kind: str, name: str) -> Text:
    """What `name` is called (a language, a stage, a flag …); the name itself where the catalogue has none."""
    return words(f"{kind}_{name}") if has_words(f"{kind}_{name}") else Text(visible(name), visible(name))


@cache
def catalogue(language: str) -> Mapping[str, str | Mapping[str, str]]:
    """All words of one language, by key."""
    found: dict[str, str | Mapping[str, str]] = {}
    for folder in ("", "evaluation/", "unlabelled/", "tuning/", "reevaluation/"):
        text = files("tasks.report").joinpath(f"{folder}words.{language}.yaml").read_text(encoding="utf-8")
        found |= yaml.safe_load(text)
    return found


def number(value: float | None, digits: int = 0) -> str:
    """A figure with thousands set apart, or a dash."""
    return UNDEFINED if value is None else f"{value:,.{digits}f}"


def percent(share: float | None) -> str:
    """A share, 0…1, as a percentage with one decimal, or a dash."""
    return UNDEFINED if share is None else f"{100 * share:.1f}%"


def duration(seconds: float) -> Text:
    """Seconds in words, in the one or two units that matter."""
    whole = round(seconds)
    if whole >= 100 * 3600:
        return words("hours", h=whole // 3600)
    if whole >= 3600:
        return words("hours_minutes", h=whole // 3600, m=whole % 3600 // 60)
    if whole >= 60:
        return words("minutes_seconds", m=whole // 60, s=whole % 60)
    return words("seconds", s=f"{seconds:.1f}" if seconds else "0")


def clock(seconds: float) -> str:
    """A place in a medium: 4:05, or 1:02:03."""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def visible(name: str) -> str:
    """A name with its control and direction characters spelled out, so that it cannot pose as another.

    Source: Unicode TR 36, section 2.10: a right-to-left override makes `gpj.exe` read as `exe.jpg`.
    """
    return "".join(f"⟨U+{ord(each):04X}⟩" if unicodedata.category(each) in _UNSEEN else each for each in name)


def shortened(name: str, limit: int = _MAX_NAME) -> str:
    """A name of at most `limit` characters: the middle of a longer one is left out, its end is kept."""
    return name if len(name) <= limit else f"{name[: limit // 2 - 1]}…{name[-(limit // 2) :]}"


def _filled(entry: str | Mapping[str, str], values: Mapping[str, Value], language: str) -> str:
    pattern = entry if isinstance(entry, str) else entry["one" if values.get("n") == 1 else "other"]
    return re.sub(r"\{(\w+)\}", lambda match: _written(values[match[1]], language), pattern)


def _written(value: Value, language: str) -> str:
    if isinstance(value, Text):
        return value.in_language(language)
    return number(value) if isinstance(value, int) else value
