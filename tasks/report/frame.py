"""What every page shares: its style and script, the content security policy, and how templates are filled.

A page is one file that asks the network for nothing: style and script stand in it, allowed by their hashes alone. Owns
no content.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from tasks.report import palette
from tasks.report.words import UNDEFINED, duration, named, number, percent, visible, words


def frame(styles: Sequence[str], scripts: Sequence[str], *, local_media: bool = False) -> dict[str, Any]:
    """What `_page.html` needs but for the title.

    Args:
        styles: Names of our own style sheets, in order; the palette's rules follow.
        scripts: Names of our own scripts, in order.
        local_media: Whether the page may play files of this machine (`file:`); nothing else is ever allowed.
    """
    style, code = "".join(map(resource, styles)) + _palette_rules(), "".join(map(resource, scripts))
    return {
        "style": Markup(style),  # noqa: S704  (our own file)
        "script": Markup(code),  # noqa: S704  (our own file)
        "policy": _policy(style, code) + ("; media-src file:" if local_media else ""),
    }


def environment() -> jinja2.Environment:
    """The templates of this package, with escaping, and the words and figures that they write with."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    helpers = {"words": words, "named": named, "number": number, "percent": percent, "duration": duration}
    made.globals.update(helpers, visible=visible, visible_lines=_visible_lines)
    return made


def resource(name: str) -> str:
    """A file of this package, by its path below it."""
    return files("tasks.report").joinpath(name).read_text(encoding="utf-8")


def moment(stamp: str) -> str:
    """An ISO time to the minute, in words that any reader knows."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::[\d.]+)?(Z|\+00:00)?", stamp)
    return f"{match[1]} {match[2]}{' UTC' if match[3] else ''}" if match else visible(stamp)


def on_one_line(value: Any) -> str:
    """A value of a free-form record on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{visible(str(key))} {on_one_line(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(on_one_line(each) for each in value)
    return UNDEFINED if value is None else visible(str(value))


def _policy(*inline: str) -> str:
    style, script = (f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in inline)
    return f"default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def _palette_rules() -> str:
    return "\n".join(f".e{i} {{ fill: {c}; background-color: {c}; }}" for i, c in enumerate(palette.COLOURS)) + "\n"


def _visible_lines(text: str) -> str:
    """Text of several lines, each made safe to read."""
    return "\n".join(visible(line) for line in text.split("\n"))
