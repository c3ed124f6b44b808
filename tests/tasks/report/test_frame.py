"""What every page shares."""

import pytest

from tasks.report.frame import environment, frame, moment, on_one_line


def test_a_page_may_play_local_media_only_where_it_asks_to() -> None:
    shared = frame(["report.css"], ["report.js"])
    playing = frame(["report.css"], ["report.js"], local_media=True)
    assert shared["policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "media-src" not in shared["policy"]
    assert playing["policy"] == shared["policy"] + "; media-src file:"


def test_several_styles_and_scripts_become_one_of_each_in_their_order() -> None:
    shared = frame(["report.css", "evaluation/page.css"], ["report.js", "evaluation/page.js"])
    assert shared["style"].index(".medium") < shared["style"].index(".forest") < shared["style"].index(".e0 {")
    assert shared["script"].index("seraph-language") < shared["script"].index("beforeprint")


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        ("2026-01-02T03:04:05+00:00", "2026-01-02 03:04 UTC"),
        ("2026-01-02T03:04:05.123Z", "2026-01-02 03:04 UTC"),
        ("2026-01-02T03:04", "2026-01-02 03:04"),
        ("yester\u202eday", "yester⟨U+202E⟩day"),
    ],
)
def test_a_moment_is_written_to_the_minute(stamp: str, text: str) -> None:
    assert moment(stamp) == text


def test_a_nested_value_stands_on_one_line() -> None:
    assert on_one_line({"a": [1, None], "b": {"c\n": "d"}}) == "a 1, –, b c⟨U+000A⟩ d"


def test_templates_escape_what_they_are_given() -> None:
    assert environment().from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
