"""infra/shelf.py: the same promises in a folder and in a real object store."""

from pathlib import Path
from typing import Any

import pytest

from infra.errors import ObjectMissing, StoreError
from infra.shelf import FolderShelf, Shelf, StoreShelf


@pytest.fixture(params=["folder", pytest.param("store", marks=pytest.mark.stack)])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "folder":
        return FolderShelf(tmp_path / "shelf")
    stack: Any = request.getfixturevalue("local_store")
    return StoreShelf(stack.store, stack.bucket.join("results"))


def test_a_file_is_read_back_by_its_name(shelf: Shelf) -> None:
    address = shelf.put("evaluations/1/a b.json", b"{}", "application/json")
    assert shelf.get("evaluations/1/a b.json") == b"{}"
    assert address == shelf.address("evaluations/1/a b.json")
    assert address.endswith("evaluations/1/a b.json")


def test_a_file_is_replaced_whole(shelf: Shelf) -> None:
    shelf.put("a", b"long before")
    shelf.put("a", b"now")
    assert shelf.get("a") == b"now"
    assert list(shelf.names()) == ["a"]


def test_names_are_those_below_a_folder_in_order(shelf: Shelf) -> None:
    for name in ("b/2", "a", "b/1", "bc/3"):
        shelf.put(name, b"")
    assert list(shelf.names("b")) == ["b/1", "b/2"]
    assert list(shelf.names()) == ["a", "b/1", "b/2", "bc/3"]
    assert list(shelf.names("nothing")) == []


def test_what_is_not_there_is_an_error_that_names_it(shelf: Shelf) -> None:
    with pytest.raises(ObjectMissing, match="evaluations/none"):
        shelf.get("evaluations/none")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="another place"):
        FolderShelf(tmp_path / "file").put("a", b"")
