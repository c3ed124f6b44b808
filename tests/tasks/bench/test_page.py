"""The page of stored results: which files it takes, what it shows, and that it asks the network for nothing."""

import json
from pathlib import Path

import pytest

from infra.errors import InputError
from tasks.bench.page import Result, build_page, keep, name_of, results_in, write_page
from tests.support.benchmarks import (
    MACHINE,
    batches_result,
    budget,
    growth_result,
    nodes_result,
    pipeline_result,
    planning_result,
    pool_result,
    ray_data_result,
    size,
)
from tests.support.html import Outline

ALL: list[Result] = [
    pool_result(), pipeline_result(), batches_result(), ray_data_result(), nodes_result(), growth_result(),
    planning_result(),
]  # fmt: skip


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (pool_result(), "base-bf16-2-cores-amx"),
        (pipeline_result(), "pipeline-large-bf16-2-cores-amx"),
        (batches_result(), "batches-large-bf16-2-cores-amx"),
        (growth_result(), "growth-2-cores-amx"),
        (nodes_result(machine=MACHINE.model_copy(update={"gpu": "NVIDIA H200"})), "nodes-base-h200"),
        (planning_result(machine=MACHINE.model_copy(update={"cores": 1, "instructions": ()})), "planning-1-core"),
    ],
)
def test_a_result_is_named_by_what_was_measured_where(result: Result, name: str) -> None:
    assert name_of(result) == name


def test_what_is_kept_is_read_back_as_it_was_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for result in ALL:
        keep(result, tmp_path / "benchmarks")
    (tmp_path / "benchmarks" / "search.json").write_text(json.dumps({"candidates": 3}))
    (tmp_path / "benchmarks" / "list.json").write_text("[1, 2]")
    found = results_in(tmp_path / "benchmarks")
    assert sorted(found) == sorted(name_of(result) for result in ALL)
    assert all(found[name_of(result)] == result for result in ALL)


def test_the_page_shows_the_figures_of_every_result_in_both_languages() -> None:
    page = build_page({name_of(result): result for result in ALL})
    for shown in ("2.50 ×", "0.0123", "90.0%", "+50 MB", "40.0 s", "1.50 ×", "2,345 MB", "1,234 MB", "5,432 MB"):
        assert shown in page, shown
    assert "Against the transformers pipeline" in page
    assert "transformers 파이프라인과 비교" in page
    assert "seraph bench it" in page
    assert Outline(page).tags["section"] == len(ALL)


def test_the_page_fetches_nothing() -> None:
    outline = Outline(build_page({"pipeline": pipeline_result(), "growth": growth_result()}))
    assert outline.tags["svg"] == 2 * (1 + 2)
    assert [value for _, name, value in outline.attributes if name in ("src", "href", "srcset", "style")] == []
    assert any("default-src 'none'" in value for _, _, value in outline.attributes)


def test_a_single_size_has_no_line_to_draw() -> None:
    assert "svg" not in Outline(build_page({"growth": growth_result(size(10_000), flat=None)})).tags


def test_where_memory_ran_out_the_page_says_so() -> None:
    page = build_page({"batches": batches_result(budget(80, 1000.0), budget(160, None))})
    assert "1000.00 ×" in page
    assert "out of memory" in page


def test_a_folder_without_results_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--into"):
        write_page(tmp_path)


def test_a_result_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps({"subject": "growth", "version": 0}))
    with pytest.raises(InputError, match=r"old\.json.*measure it again"):
        results_in(tmp_path)


def test_the_committed_results_are_readable() -> None:
    assert "base-bf16-2-cores-amx" in results_in(Path(__file__).parents[3] / "benchmarks")
