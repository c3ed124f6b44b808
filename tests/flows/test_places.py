"""Where media may be: what cannot be is said before anything is fetched or started."""

from pathlib import Path

import pytest

from flows.places import check_media
from infra.errors import InputError, UsageError


@pytest.mark.parametrize("media", ["", " "])
def test_an_empty_place_is_not_taken_for_the_working_directory(media: str) -> None:
    with pytest.raises(UsageError, match="no media are named"):
        check_media(media)


@pytest.mark.parametrize("media", ["s3://", "s3:///shows", "S3://archive", "http://archive/shows", "s3://a!"])
def test_an_address_that_is_no_place_in_a_store_is_refused(media: str) -> None:
    with pytest.raises(UsageError, match="no place in a store"):
        check_media(media)


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no-films"):
        check_media(str(tmp_path / "no-films"))


def test_folders_files_and_places_in_a_store_are_taken(tmp_path: Path) -> None:
    (film := tmp_path / "한국 영화 #1.mkv").touch()

    for media in (str(tmp_path), str(film), "s3://archive", "s3://archive/2026 films/한국"):
        check_media(media)
