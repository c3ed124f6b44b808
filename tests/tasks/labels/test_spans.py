"""tasks/labels/spans.py: the segments of a label file, whatever it says about them, and whose they are."""

import hashlib
import unicodedata

import pytest

from actors.contract import Span
from infra.errors import InputError
from tasks.labels import LabelledSpans, Unmatched, read_labelled, read_spans, spans_of
from tests.support.labelled import WRITERS, Said, Writer, json_lines

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


def test_windows_line_ends_are_line_ends() -> None:
    assert list(_read(ONE + "\r\n\r\n" + ONE.replace("a.mp4", "b.mp4") + "\r\n").spans) == ["a.mp4", "b.mp4"]


def test_a_segment_that_is_there_twice_is_one_segment() -> None:
    assert _read(f"{ONE}\n{ONE}").spans == {"a.mp4": (Span(1.5, 3.0),)}


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
        ('{"video": "a", "start": 2, "end": 2}', "0 <= start < end is expected, a millisecond at least, not 2.0 … 2.0"),
        ('{"video": "a", "start": 3, "end": 2}', "0 <= start < end is expected, a millisecond at least, not 3.0 … 2.0"),
        ('{"video": "a", "start": -1, "end": 2}', "start must not be negative, as -1 is"),
        ('{"video": "a", "start": "0:61", "end": 2}', "start must be a number of seconds"),
        ('{"video": "a", "start": {}, "end": 2}', "not {}"),
        ('{"video": "a", "start": NaN, "end": 2}', "not nan"),
        ('{"video": "a", "start": 0, "end": Infinity}', "hh:mm:ss.mmm, not inf"),
        ('{"video": "a", "start": 0, "end": 1' + "0" * 400 + "}", "not 1000"),
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
        read_spans(b"{\x00}\x00", "labels.jsonl")


def test_the_hash_is_that_of_the_files_bytes() -> None:
    assert _read(ONE).sha256 == hashlib.sha256(ONE.encode()).hexdigest()
    assert _read(ONE + "\n").sha256 != _read(ONE).sha256


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_segments_of_every_format_are_read_whether_labelled_or_not(write: Writer) -> None:
    said = [Said("b.wav", 4, 5, None), Said("b.wav", 0, 1.5), Said("a.wav", 1, 2, "no emotion")]
    assert read_spans(write(said), "labels").spans == {"b.wav": (Span(0, 1.5), Span(4, 5)), "a.wav": (Span(1, 2),)}


def test_the_segments_of_a_labelled_set_are_those_with_a_label() -> None:
    said = [Said("b.wav", 4, 5), Said("b.wav", 0, 1), Said("b.wav", 7, 8, None), Said("b.wav", 9, 9.5, "calm")]
    labelled = read_labelled(json_lines(said), "labels.jsonl")
    spans = spans_of(labelled)
    assert spans.spans == {"b.wav": (Span(0, 1), Span(4, 5))}
    assert spans.problems[0].startswith("labels.jsonl:4: label 'calm'")
    assert spans.sha256 == labelled.sha256


# -- whose segments ----------------------------------------------------------------------------------------------------


def test_segments_are_found_by_the_name_of_their_medium_and_media_without_any_have_none() -> None:
    labels = _named("ep1", "s3://b/드라마.mp4")
    uris = [unicodedata.normalize("NFD", "s3://b/드라마.mp4"), "s3://b/ep1.mp4", "s3://b/ep2.mp4"]
    assert labels.fitted(labels.match(iter(uris))) == {uris[0]: (Span(1, 2),), uris[1]: (Span(0, 1),)}


def test_segments_under_two_names_of_one_medium_are_joined_in_order_of_time() -> None:
    labels = LabelledSpans({"ep1.mp4": (Span(2, 3),), "ep1": (Span(0, 1), Span(2, 3))}, (), "")
    assert labels.fitted(labels.match(["s3://b/ep1.mp4"])) == {"s3://b/ep1.mp4": (Span(0, 1), Span(2, 3))}


def test_a_name_that_fits_two_media_gives_segments_to_none_and_is_told() -> None:
    labels, uris = _named("ep1", "ep9"), ["s3://b/ep1.mp4", "s3://b/ep1.wav"]
    assert labels.fitted(labels.match(uris)) == {}
    match = labels.match(uris)
    assert [each.name for each in match.ambiguous] == ["ep1"]
    assert match.unmatched == (Unmatched("ep9", "s3://b/ep1.mp4"),)
