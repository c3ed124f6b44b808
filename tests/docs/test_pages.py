"""README and docs/ as pages: both languages, links that lead somewhere, code blocks that say what they are."""

import re
from pathlib import Path

import pytest

from tests.support.documents import PAGES, blocks

EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_every_page_is_in_both_languages() -> None:
    korean = {page.name.removesuffix(".ko.md") for page in PAGES if page.name.endswith(".ko.md")}
    english = {page.name.removesuffix(".md") for page in PAGES if not page.name.endswith(".ko.md")}
    assert korean == english


@EACH_PAGE
def test_every_block_says_what_it_is(page: Path) -> None:
    fences = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("```")]
    assert len(fences) == 2 * len(blocks(page))


@EACH_PAGE
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            name, _, heading = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not heading or heading in headings(target), link


def headings(page: Path) -> set[str]:
    """As GitHub makes anchors of them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}
