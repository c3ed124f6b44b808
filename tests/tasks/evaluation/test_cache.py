"""What candidates have heard before: kept by content and span, on a shelf."""

from pathlib import Path

import pyarrow as pa

from infra.shelf import FolderShelf
from tasks.evaluation.cache import HEARD, HeardCache
from tasks.tables import logits_table, model_specs, with_specs
from tests.support.results import ENGLISH, SPECS, medium, scored


def heard_rows(content: str = "c1", precision: str = "fp32") -> pa.Table:
    logits = logits_table([scored(medium())], SPECS).replace_schema_metadata(None)
    table = pa.table(
        {
            "content": [content] * logits.num_rows,
            "start_ms": pa.array([0, 5000]),
            "end_ms": pa.array([4000, 9000]),
            **{name: logits[name] for name in logits.column_names},
        },
        schema=HEARD,
    )
    table = table.set_column(table.column_names.index("precision"), "precision", pa.array([precision] * 2))
    return with_specs(table, SPECS)


def test_what_a_candidate_heard_comes_back_with_the_specs_of_its_models(tmp_path: Path) -> None:
    cache = HeardCache(FolderShelf(tmp_path))

    cache.add_heard("k", heard_rows())

    assert cache.heard("k").equals(heard_rows())
    assert model_specs(cache.heard("k")) == {ENGLISH.weights_sha256: ENGLISH}


def test_another_candidate_has_heard_nothing(tmp_path: Path) -> None:
    cache = HeardCache(FolderShelf(tmp_path))
    cache.add_heard("k", heard_rows())

    other = cache.heard("k2")

    assert other.num_rows == 0
    assert other.schema.names == HEARD.names


def test_of_two_answers_to_one_segment_the_later_comes_last(tmp_path: Path) -> None:
    cache = HeardCache(FolderShelf(tmp_path))

    # Several, so that an order by hash would be right by chance once in 120.
    for precision in ("p1", "p2", "p3", "p4", "p5"):
        cache.add_heard("k", heard_rows(precision=precision))

    assert cache.heard("k")["precision"].to_pylist()[::2] == ["p1", "p2", "p3", "p4", "p5"]


def test_contents_are_known_by_address_and_etag(tmp_path: Path) -> None:
    cache = HeardCache(FolderShelf(tmp_path))

    cache.add_contents({("s3://m/a", "e1"): "c1"})
    cache.add_contents({("s3://m/a", "e2"): "c2"})

    assert cache.contents() == {("s3://m/a", "e1"): "c1", ("s3://m/a", "e2"): "c2"}


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    cache = HeardCache(FolderShelf(tmp_path))

    cache.add_contents({})
    cache.add_heard("k", HEARD.empty_table())

    assert list(tmp_path.rglob("*")) == []
