"""tasks/labels/media.py: which medium a name in a label file means."""

import unicodedata

import pytest

from tasks.labels import Ambiguous, NameMatch, Unmatched, match_media, match_names, read_labelled
from tests.support.labelled import Said, json_lines

URI = "s3://b/s1/ep1.mp4"


def _match(names: list[str], *uris: str) -> NameMatch:
    return match_names(names, uris)


@pytest.mark.parametrize(
    "name", ["ep1.mp4", "ep1", "s1/ep1.mp4", "s1/ep1", "b/s1/ep1.mp4", URI, r"s1\ep1.mp4", "./ep1"]
)
def test_a_name_fits_the_medium_whose_uri_ends_with_it_with_or_without_its_suffix(name: str) -> None:
    assert _match([name], "s3://b/s1/ep2.mp4", URI) == NameMatch({name: URI}, (), ())


@pytest.mark.parametrize(
    "name", ["p1.mp4", "ep1.mkv", "ep", "s2/ep1.mp4", "s1", "s3://c/s1/ep1.mp4", "x/b/s1/ep1.mp4", "/"]
)
def test_a_name_fits_by_whole_parts_only(name: str) -> None:
    assert _match([name], URI).uris == {}


def test_a_name_that_two_media_fit_is_used_for_none_and_told_with_both() -> None:
    match = _match(["ep1"], "s3://b/s1/ep1.mp4", "s3://b/s2/ep1.mp4", "s3://b/s3/ep1.wav")
    assert match == NameMatch({}, (), (Ambiguous("ep1", ("s3://b/s1/ep1.mp4", "s3://b/s2/ep1.mp4")),))
    assert match.ambiguous[0].told() == "'ep1' fits s3://b/s1/ep1.mp4 and s3://b/s2/ep1.mp4: name more of the path"


def test_media_of_one_name_in_two_folders_are_told_apart_by_the_longer_name() -> None:
    uris = ["s3://b/s1/ep1.mp4", "s3://b/s2/ep1.mp4", "s3://b/s3/ep1.mp4"]
    assert _match(["s1/ep1.mp4", "s2/ep1.mp4", "ep1.mp4"], *uris).uris == {
        "s1/ep1.mp4": uris[0],
        "s2/ep1.mp4": uris[1],
        "ep1.mp4": uris[2],
    }


def test_a_name_with_its_suffix_goes_before_one_without() -> None:
    match = _match(["ep1", "ep1.mp4"], "s3://b/ep1.mp4", "s3://b/ep1.wav")
    assert match.uris == {"ep1": "s3://b/ep1.wav", "ep1.mp4": "s3://b/ep1.mp4"}


def test_two_names_may_mean_one_medium() -> None:
    assert _match(["ep1", "s1/ep1.mp4"], URI).uris == {"ep1": URI, "s1/ep1.mp4": URI}


def test_a_name_stays_ambiguous_where_longer_names_leave_it_no_medium() -> None:
    match = _match(["ep1.mp4", "s1/ep1.mp4", "s2/ep1.mp4"], "s3://b/s1/ep1.mp4", "s3://b/s2/ep1.mp4")
    assert [each.name for each in match.ambiguous] == ["ep1.mp4"]


def test_only_the_last_suffix_may_be_left_out() -> None:
    assert _match(["show.s01"], "s3://b/show.s01.mkv", "s3://b/show.s02.mkv").uris == {
        "show.s01": "s3://b/show.s01.mkv"
    }


def test_korean_names_fit_however_their_letters_are_composed() -> None:
    uri = unicodedata.normalize("NFD", "s3://b/드라마 1화.mp4")
    assert _match(["드라마 1화.mp4"], uri).uris == {"드라마 1화.mp4": uri}


def test_case_matters_only_where_nothing_fits_otherwise() -> None:
    assert _match(["EP1.MP4"], URI).uris == {"EP1.MP4": URI}
    assert _match(["Ep1.mp4"], "s3://b/Ep1.mp4", "s3://b/ep1.mp4").uris == {"Ep1.mp4": "s3://b/Ep1.mp4"}
    assert _match(["EP1.mp4"], "s3://b/Ep1.mp4", "s3://b/ep1.mp4").uris == {}
    assert _match(["EP1.mp4", "ep1.mp4"], "s3://b/ep1.mp4").uris == {"ep1.mp4": "s3://b/ep1.mp4"}


def test_the_prefix_of_an_upload_is_left_out_where_nothing_fits_with_it() -> None:
    assert _match(["1a2b3c4d-ep1.mp4"], URI).uris == {"1a2b3c4d-ep1.mp4": URI}
    both = [URI, "s3://b/1a2b3c4d-ep1.mp4"]
    assert _match(["1a2b3c4d-ep1.mp4"], *both).uris == {"1a2b3c4d-ep1.mp4": both[1]}


def test_a_name_that_fits_nothing_is_told_with_the_nearest_medium() -> None:
    match = _match(["old/ep1.mp4", "epp2.mp4", "zzzzzz"], URI, "s3://b/s1/ep2.mp4")
    assert match.unmatched == (
        Unmatched("old/ep1.mp4", URI),
        Unmatched("epp2.mp4", "s3://b/s1/ep2.mp4"),
        Unmatched("zzzzzz", None),
    )
    assert match.unmatched[1].told() == "no medium is named 'epp2.mp4'; the nearest is s3://b/s1/ep2.mp4"


def test_rows_of_a_set_get_their_medium_and_names_without_one_are_told_once_with_their_line() -> None:
    said = [Said("gone", n, n + 1) for n in range(2)] + [Said("ep1"), Said("two"), Said("two", 5, 6)]
    match = match_media(read_labelled(json_lines(said), "labels"), [URI, "s3://b/x/two.wav", "s3://b/y/two.wav"])
    assert match.uri.tolist() == [None, None, URI, None, None]
    assert [(each.line, each.kind.value) for each in match.problems] == [(1, "unknown_media"), (4, "ambiguous_media")]
