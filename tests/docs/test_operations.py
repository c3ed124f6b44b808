"""docs/operations: its files are ones that Seraph takes, and its tables name all settings, deployments and alarms."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from flows.deployments import deployments
from tasks.alarms.kinds import KINDS, LOST, SILENT
from tasks.config import operations
from tasks.config.operations import Operations, load_operations
from tests.support.documents import PAGES, ROOT, blocks, quoted, rows

ENGLISH, KOREAN = ROOT / "docs" / "operations.md", ROOT / "docs" / "operations.ko.md"
BOTH = pytest.mark.parametrize("page", [ENGLISH, KOREAN], ids=["en", "ko"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_operations_files_that_are_shown_are_taken(page: Path, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(page, "yaml")):
        shown = yaml.safe_load(block.text)
        if page in (ENGLISH, KOREAN) or "media" in shown:
            file = tmp_path / f"{number}.yaml"
            file.write_text(block.text, encoding="utf-8")
            assert load_operations(file).media == shown["media"]


@BOTH
def test_the_whole_example_has_a_word_for_everything_but_work_pools(page: Path) -> None:
    whole, *others = (yaml.safe_load(block.text) for block in blocks(page, "yaml"))
    assert Operations.model_fields.keys() - whole.keys() == {"work_pool", "job_variables"}
    assert {"work_pool", "job_variables"} <= {name for each in others for name in each}


@BOTH
def test_every_setting_is_in_the_table_with_its_default(page: Path) -> None:
    expected = dict(settings())
    found = {
        name: yaml.safe_load(value)
        for cells in rows(page)
        if len(cells) == 3 and set(quoted(cells[0])) & expected.keys()
        for name, value in zip(quoted(cells[0]), quoted(cells[1]) or ["null"], strict=True)
    }
    assert found == expected


def settings() -> Iterator[tuple[str, Any]]:
    """Every setting with its default; None: there is none, or nothing is meant."""
    usual = Operations(media="s3://m", labels=operations.Labels(uri="s3://l"), price=operations.Price())
    required = {"media", "labels.uri"}
    return ((name, None if name in required else value) for name, value in _flat("", usual))


def _flat(prefix: str, options: BaseModel) -> Iterator[tuple[str, Any]]:
    for name, value in options:
        if isinstance(value, BaseModel):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", list(value) if isinstance(value, tuple) else value


@BOTH
def test_every_alarm_is_in_the_table(page: Path) -> None:
    named = {name for cells in rows(page) if len(cells) == 3 for name in quoted(cells[0])}
    assert {*KINDS, LOST, SILENT} <= named


@BOTH
def test_every_deployment_is_named(page: Path) -> None:
    archive = Operations(media="s3://m", labels=operations.Labels(uri="s3://l"))
    text = page.read_text(encoding="utf-8")
    assert [each.full_name for each in deployments(archive) if each.full_name not in text] == []


def test_both_languages_have_the_same_examples_and_tables() -> None:
    def shape(page: Path) -> list[Any]:
        return [yaml.safe_load(block.text) for block in blocks(page, "yaml")]

    def settings_of(page: Path) -> list[tuple[list[str], ...]]:
        return [(quoted(cells[0]), quoted(cells[1])) for cells in rows(page) if len(cells) == 3 and quoted(cells[0])]

    assert shape(KOREAN) == shape(ENGLISH)
    assert [keys for keys, _ in settings_of(KOREAN)] == [keys for keys, _ in settings_of(ENGLISH)]
    assert len(list(rows(KOREAN))) == len(list(rows(ENGLISH)))
