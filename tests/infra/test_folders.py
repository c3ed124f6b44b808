"""infra/folders.py: local folders as buckets, through a real S3 server."""

import os
from pathlib import Path
from typing import Any

import pytest

from infra.errors import InputError
from infra.folders import serve_folder
from infra.services import LOCAL_BUCKET
from infra.settings import Settings


def settings_in(home: Path) -> Settings:
    return Settings(home=home)


def media(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def served(local_store: Any, folder: Path) -> dict[str, bytes]:
    """Every object that the S3 server lists for `folder`, and what it fetches."""
    bucket = serve_folder(local_store.settings, folder)
    listed = local_store.store.list(bucket)
    return {found.key: local_store.store.get_bytes(found.uri) for found in listed}


@pytest.mark.stack
def test_a_korean_folder_with_spaces_is_served_in_place(local_store: Any, tmp_path: Path) -> None:
    folder = media(tmp_path / "내 드라마 모음", "1화.mp4", "시즌 2/2화 #1.mp4")
    assert served(local_store, folder) == {
        "1화.mp4": "1화.mp4".encode(),
        "시즌 2/2화 #1.mp4": "시즌 2/2화 #1.mp4".encode(),
    }
    bucket = serve_folder(local_store.settings, folder).bucket
    assert (local_store.services.local_root / bucket).resolve() == folder
    assert local_store.services.access_for(f"s3://{bucket}/1화.mp4") == local_store.access


@pytest.mark.stack
def test_circular_and_broken_links_and_what_is_no_file_are_left_out_and_the_rest_is_listed_once(
    local_store: Any, tmp_path: Path
) -> None:
    folder = media(tmp_path / "films", "a.wav", "sub/b.wav", "sub/deep/c.wav")
    media(tmp_path / "elsewhere", "d.wav")
    (folder / "sub/up").symlink_to("..")
    (folder / "sub/deep/outside").symlink_to(tmp_path)
    (folder / "beside").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(folder)
    (folder / "broken.wav").symlink_to("nowhere.wav")
    (folder / "itself").symlink_to("itself")
    os.mkfifo(folder / "pipe.wav")
    assert sorted(served(local_store, folder)) == ["a.wav", "beside/d.wav", "sub/b.wav", "sub/deep/c.wav"]


@pytest.mark.stack
def test_a_folder_that_holds_the_stacks_own_home_is_served_without_it(local_store: Any) -> None:
    folder = media(local_store.settings.home.parent, "a.wav", "sub/b.wav")
    assert sorted(served(local_store, folder)) == ["a.wav", "sub/b.wav"]


@pytest.mark.stack
def test_what_is_added_to_a_folder_with_circular_links_is_seen_when_it_is_served_again(
    local_store: Any, tmp_path: Path
) -> None:
    folder = media(tmp_path / "films", "a.wav")
    (folder / "loop").symlink_to(".")
    assert sorted(served(local_store, folder)) == ["a.wav"]
    media(folder, "b.wav")
    serve_folder(local_store.settings, folder)
    assert sorted(served(local_store, folder)) == ["a.wav", "b.wav"]


def test_serving_a_folder_again_changes_nothing_where_nothing_changed(tmp_path: Path) -> None:
    folder, settings = media(tmp_path / "films", "a.wav", "sub/b.wav"), settings_in(tmp_path / "home")
    (folder / "sub/loop").symlink_to("..")
    bucket = tmp_path / "home/s3" / serve_folder(settings, folder).bucket
    before = bucket.stat().st_ino
    serve_folder(settings, folder)
    assert bucket.stat().st_ino == before


@pytest.mark.parametrize(
    ("name", "slug"), [("한국어", ""), ("My Films (2024)", "my-films-2024-"), ("x" * 90, "x" * 30 + "-"), ("-_-", "")]
)
def test_any_folder_name_gives_a_valid_bucket_name(tmp_path: Path, name: str, slug: str) -> None:
    bucket = serve_folder(settings_in(tmp_path / "home"), media(tmp_path / name, "a.wav")).bucket
    assert bucket.startswith(f"media-{slug}")
    assert LOCAL_BUCKET.fullmatch(bucket)
    assert len(bucket) <= 63


def test_the_same_folder_has_the_same_place_however_it_is_named(tmp_path: Path) -> None:
    folder, settings = media(tmp_path / "films", "sub/a.wav"), settings_in(tmp_path / "home")
    (tmp_path / "link").symlink_to(folder)
    assert (
        serve_folder(settings, folder)
        == serve_folder(settings, tmp_path / "link")
        == serve_folder(settings, folder / "sub/..")
    )


def test_two_folders_of_one_name_are_two_places(tmp_path: Path) -> None:
    one, two = media(tmp_path / "1/films", "a.wav"), media(tmp_path / "2/films", "a.wav")
    settings = settings_in(tmp_path / "home")
    assert serve_folder(settings, one) != serve_folder(settings, two)


def test_a_single_file_is_an_object_of_its_folder(tmp_path: Path) -> None:
    folder, settings = media(tmp_path / "films", "1화.wav"), settings_in(tmp_path / "home")
    assert serve_folder(settings, folder / "1화.wav") == serve_folder(settings, folder).join("1화.wav")


def test_a_folder_that_is_not_there_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none cannot be read"):
        serve_folder(settings_in(tmp_path / "home"), tmp_path / "none")


def test_a_folder_whose_circular_link_was_removed_is_linked_whole_again(tmp_path: Path) -> None:
    folder, settings = media(tmp_path / "films", "a.wav"), settings_in(tmp_path / "home")
    (folder / "loop").symlink_to(".")
    bucket = tmp_path / "home/s3" / serve_folder(settings, folder).bucket
    assert not bucket.is_symlink()
    (folder / "loop").unlink()
    serve_folder(settings, folder)
    assert bucket.is_symlink()
    assert (folder / "a.wav").exists()
