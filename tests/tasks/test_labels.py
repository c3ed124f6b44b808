"""tasks/labels.py: label files as people write them, and which medium a name in them means."""

import hashlib
import json
import unicodedata
from typing import Any

import pytest

from actors.contract import Span
from infra.errors import InputError
from tasks.labels import LabelledSpans, read_spans

ONE = '{"video": "a.mp4", "start": 1.5, "end": 3}'


def _read(text: str, name: str = "labels.jsonl") -> LabelledSpans:
    return read_spans(text.encode(), name)


def _named(*names: str) -> LabelledSpans:
    """A label file whose n-th name has the span n to n + 1."""
    return LabelledSpans({name: (Span(n, n + 1),) for n, name in enumerate(names)}, (), "")


# -- reading -----------------------------------------------------------------------------------------------------------


def test_json_lines_as_the_earlier_tools_wrote_them_are_read_in_order_of_time() -> None:
    labels = _read(
        '{"index": 1, "video": "a.mp4", "start": 4.0, "end": 5.5, "text": "둘", "label": "sad", "skipped": false}\n'
        "\n"
        '{"index": 0, "video": "a.mp4", "start": 1, "end": 3, "text": "하나", "label": null, "skipped": true}\n'
        '{"media": "b.mp4", "start": 0, "end": 1}\n'
        '{"file": "c.mp4", "start": "0.5", "end": "1.5"}\n'
    )
    assert labels.spans == {
        "a.mp4": (Span(1.0, 3.0), Span(4.0, 5.5)),
        "b.mp4": (Span(0.0, 1.0),),
        "c.mp4": (Span(0.5, 1.5),),
    }
    assert labels.problems == ()


def test_csv_is_read_by_its_header() -> None:
    labels = _read("speaker,media,start,end,label\nS1,a.wav,0,1.5,sad\nS2,b.wav,1,2,\n", "Labels.CSV")
    assert labels.spans == {"a.wav": (Span(0.0, 1.5),), "b.wav": (Span(1.0, 2.0),)}
    assert labels.problems == ()


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read_spans(b"\xef\xbb\xbf" + ONE.encode(), "labels.jsonl").spans == {"a.mp4": (Span(1.5, 3.0),)}
    assert read_spans(b"\xef\xbb\xbfmedia,start,end\na.wav,0,1\n", "a.csv").spans == {"a.wav": (Span(0.0, 1.0),)}


def test_windows_line_ends_are_line_ends() -> None:
    assert list(_read(ONE + "\r\n\r\n" + ONE.replace("a.mp4", "b.mp4") + "\r\n").spans) == ["a.mp4", "b.mp4"]


def test_a_segment_that_is_there_twice_is_one_segment() -> None:
    assert _read(f"{ONE}\n{ONE}").spans == {"a.mp4": (Span(1.5, 3.0),)}


def test_unusual_line_separators_inside_a_text_end_no_line() -> None:
    line = json.dumps({"video": "a.mp4", "start": 0, "end": 1, "text": "one\u2028two\u0085three"}, ensure_ascii=False)
    labels = _read(f"{line}\nno json")
    assert labels.spans == {"a.mp4": (Span(0.0, 1.0),)}
    assert [problem.split(" ")[0] for problem in labels.problems] == ["labels.jsonl:2:"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("no json", "no JSON: Expecting value"),
        ("[1, 2]", "expected an object, not list"),
        ("12", "expected an object, not int"),
        ('{"start": 0, "end": 1}', "no medium: one of media, video, file must name it"),
        ('{"video": "", "start": 0, "end": 1}', "no medium"),
        ('{"video": ["a"], "start": 0, "end": 1}', "no medium"),
        ('{"video": "a", "end": 1}', "start and end (seconds) are needed"),
        ('{"video": "a", "start": 0, "end": null}', "start and end (seconds) are needed"),
        ('{"video": "a", "start": 0, "end": ""}', "start and end (seconds) are needed"),
        ('{"video": "a", "start": 2, "end": 2}', "0 <= start < end, not 2.0 … 2.0"),
        ('{"video": "a", "start": 3, "end": 2}', "0 <= start < end, not 3.0 … 2.0"),
        ('{"video": "a", "start": -1, "end": 2}', "0 <= start < end, not -1.0 … 2.0"),
        ('{"video": "a", "start": "0:01", "end": 2}', "could not convert string to float: '0:01'"),
        ('{"video": "a", "start": {}, "end": 2}', "float"),
        ('{"video": "a", "start": NaN, "end": 2}', "0 <= start < end"),
        ('{"video": "a", "start": 0, "end": Infinity}', "end must be a number of seconds, not inf"),
        ('{"video": "a", "start": 0, "end": 1' + "0" * 400 + "}", "too large"),
        ('{"video": "a", "start": 0, "end": 1' + "0" * 5000 + "}", "no JSON"),
    ],
    ids=lambda value: value[:60],
)
def test_a_wrong_line_is_named_by_its_number_and_the_rest_is_used(line: str, words: str) -> None:
    labels = _read(f"{ONE}\n\n{line}\n{ONE.replace('a.mp4', 'b.mp4')}\n")
    assert list(labels.spans) == ["a.mp4", "b.mp4"]
    (problem,) = labels.problems
    assert problem.startswith("labels.jsonl:3: ")
    assert words in problem


def test_a_wrong_record_of_a_csv_is_named_by_its_line_even_behind_a_text_of_several_lines() -> None:
    text = 'media,start,end,text\na.wav,0,1,"one\ntwo"\n\nb.wav,2,1,x\nc.wav,1\nd.wav,0,1,x\n'
    labels = _read(text, "labels.csv")
    assert list(labels.spans) == ["a.wav", "d.wav"]
    assert [problem.split(" ", 1)[0] for problem in labels.problems] == ["labels.csv:5:", "labels.csv:6:"]


def test_a_csv_that_cannot_be_read_on_keeps_what_came_before() -> None:
    labels = _read("media,start,end\na.wav,0,1\nb.wav,0," + "1" * 200_000 + "\n", "labels.csv")
    assert list(labels.spans) == ["a.wav"]
    assert "no CSV from here on" in labels.problems[0]


@pytest.mark.parametrize("text", ["", "\n\n", "media,start,end\n"])
def test_a_file_without_any_record_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"labels\.csv holds no usable segment: it is empty"):
        _read(text, "labels.csv")


def test_a_file_without_any_usable_record_is_refused_with_the_first_reasons() -> None:
    with pytest.raises(InputError) as caught:
        _read('{"start": 1}\n' * 9)
    assert "labels.jsonl:1: no medium" in str(caught.value)
    assert "labels.jsonl:4:" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match=r"labels\.jsonl is no UTF-8 text"):
        read_spans(b"\xff\xfe{\x00}\x00", "labels.jsonl")


def test_the_hash_is_that_of_the_files_bytes() -> None:
    assert _read(ONE).sha256 == hashlib.sha256(ONE.encode()).hexdigest()
    assert _read(ONE + "\n").sha256 != _read(ONE).sha256


# -- whose segments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ep1.mp4", "ep1", "s1/ep1.mp4", "s1/ep1", "b/s1/ep1.mp4", "s3://b/s1/ep1.mp4"])
def test_a_name_fits_the_medium_whose_uri_ends_with_it_with_or_without_its_suffix(name: str) -> None:
    assert _named(name).for_media(["s3://b/s1/ep1.mp4"]) == {"s3://b/s1/ep1.mp4": (Span(0, 1),)}


@pytest.mark.parametrize("name", ["p1.mp4", "ep1.mkv", "ep", "s2/ep1.mp4", "s1", "s3://c/s1/ep1.mp4", "x/b/s1/ep1.mp4"])
def test_a_name_fits_by_whole_parts_only(name: str) -> None:
    assert _named(name).for_media(["s3://b/s1/ep1.mp4"]) == {"s3://b/s1/ep1.mp4": ()}


def test_media_of_one_name_in_two_folders_are_told_apart_by_the_longer_name() -> None:
    labels = _named("s1/ep1.mp4", "s2/ep1.mp4", "ep1.mp4")
    found: dict[str, Any] = labels.for_media(["s3://b/s1/ep1.mp4", "s3://b/s2/ep1.mp4", "s3://b/s3/ep1.mp4"])
    assert [spans[0].start_s for spans in found.values()] == [0, 1, 2]


def test_a_name_with_its_suffix_goes_before_one_without() -> None:
    labels = _named("ep1", "ep1.mp4")
    found = labels.for_media(["s3://b/ep1.mp4", "s3://b/ep1.wav"])
    assert [spans[0].start_s for spans in found.values()] == [1, 0]


def test_only_the_last_suffix_may_be_left_out() -> None:
    labels = _named("show.s01")
    assert labels.for_media(["s3://b/show.s01.mkv", "s3://b/show.s02.mkv"]) == {
        "s3://b/show.s01.mkv": (Span(0, 1),),
        "s3://b/show.s02.mkv": (),
    }


def test_korean_names_fit_however_their_letters_are_composed() -> None:
    uri = unicodedata.normalize("NFD", "s3://b/드라마 1화.mp4")
    assert _named(unicodedata.normalize("NFC", "드라마 1화.mp4")).for_media([uri]) == {uri: (Span(0, 1),)}
