"""actors/transcripts.py: subtitle files as people have them, and which words fall to which segment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.contract import Span
from actors.texts import Cue, TextFault
from actors.transcripts import MAX_BYTES, divide, read_cues, sidecar_uris

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n01:00:03,250 --> 01:00:04,000\nGood\nbye!\n"
VTT = (
    "WEBVTT\n\nNOTE made by hand\n\n00:01.000 --> 00:02.500 line:0\nHello there.\n\n"
    "1:00:03.250 --> 1:00:04.000\nGood\nbye!\n"
)
EXPECTED = (Cue(1.0, 2.5, "Hello there."), Cue(3603.25, 3604.0, "Good bye!"))


# -- names -------------------------------------------------------------------------------------------------------------


def test_the_subtitles_of_a_language_come_before_those_of_any() -> None:
    assert sidecar_uris("s3://b/shows/x.y.mp4", "ko") == (
        "s3://b/shows/x.y.ko.srt",
        "s3://b/shows/x.y.ko.vtt",
        "s3://b/shows/x.y.srt",
        "s3://b/shows/x.y.vtt",
    )


def test_a_medium_without_suffix_or_language_has_plain_names() -> None:
    assert sidecar_uris("s3://b.ucket/take", "") == ("s3://b.ucket/take.srt", "s3://b.ucket/take.vtt")


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [SRT, VTT], ids=["srt", "vtt"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_both_formats_and_all_ends_of_lines_give_the_same_cues(text: str, newline: str) -> None:
    assert read_cues(text.replace("\n", newline).encode(), "x") == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp949"])
def test_korean_subtitles_are_read_in_every_encoding_they_come_in(encoding: str) -> None:
    data = "1\n00:00:01,000 --> 00:00:02,000\n안녕하세요, 선생님!\n".encode(encoding)
    assert read_cues(data, "x.srt") == (Cue(1.0, 2.0, "안녕하세요, 선생님!"),)


@pytest.mark.parametrize(
    "mark", ["<i>{}</i>", '<font color="red">{}</font>', "{{\\an8}}{}", "<v Ann>{}</v>", "[sighs] {} ♪"]
)
def test_what_is_no_speech_is_stripped(mark: str) -> None:
    data = f"00:01.000 --> 00:02.000\n{mark.format('Fish &amp; chips<br/>now')}\n".encode()
    assert read_cues(data, "x.vtt")[0].text == "Fish & chips now"


def test_a_tag_inside_a_word_does_not_break_it() -> None:
    assert read_cues(b"00:01.0 --> 00:02.0\nun<i>believ</i>able\n", "x")[0].text == "unbelievable"


def test_cues_without_an_empty_line_between_them_do_not_keep_the_next_ones_number() -> None:
    data = b"1\n00:00:01,000 --> 00:00:02,000\nOne.\n2\n00:00:02,000 --> 00:00:03,000\nTwo 2\n3\n"
    assert [cue.text for cue in read_cues(data, "x")] == ["One.", "Two 2 3"], "only what a line of times follows"


def test_cues_without_words_or_that_end_before_they_begin_are_left_out() -> None:
    data = b"00:01.0 --> 00:02.0\n[music]\n\n00:05.0 --> 00:04.0\nBackwards\n\n00:06.0 --> 00:07.0\nKept\n"
    assert read_cues(data, "x") == (Cue(6.0, 7.0, "Kept"),)


def test_a_line_that_automatic_captions_show_twice_is_said_once() -> None:
    data = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\n \nhello<00:00:01.000><c> world</c>\n\n"
        "00:02.000 --> 00:02.010\nhello world\n \n\n00:02.010 --> 00:04.000\nhello world\nhow are you\n\n"
        "00:09.000 --> 00:10.000\nhow are you\n"
    )
    assert [(cue.start_s, cue.text) for cue in read_cues(data.encode(), "x.vtt")] == [
        (0.0, "hello world"),
        (2.01, "how are you"),
        (9.0, "how are you"),
    ]


def test_subtitles_that_say_a_word_twice_in_a_row_keep_both() -> None:
    data = b"1\n00:00:01,000 --> 00:00:02,000\nNo.\n\n2\n00:00:02,000 --> 00:00:03,000\nNo.\n"
    assert [cue.text for cue in read_cues(data, "x.srt")] == ["No.", "No."]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"These are only some words.", r"x\.srt has no line of times"),
        (b"\xff\xfe\x00", r"x\.srt is no text in UTF-16"),
        (b"00:01.0 --> 00:02.0\nd\xe9j\xe0 vu\xff\n", r"x\.srt is no text in UTF-8 or CP949: save it as UTF-8"),
        (bytes(MAX_BYTES + 1), r"20,000,001 bytes"),
    ],
    ids=["no subtitles", "half of UTF-16", "another encoding", "too large"],
)
def test_what_cannot_be_read_is_named_with_what_was_expected(data: bytes, words: str) -> None:
    with pytest.raises(TextFault, match=words):
        read_cues(data, "x.srt")


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_an_empty_file_has_no_cues(data: bytes) -> None:
    assert read_cues(data, "x.srt") == ()


@given(st.binary(max_size=300))
def test_no_bytes_at_all_raise_anything_but_a_fault(data: bytes) -> None:
    try:
        cues = read_cues(b"00:01.0 --> 00:02.0\n" + data, "x")
    except TextFault:
        return
    assert all(cue.start_s <= cue.end_s and cue.text.strip() == cue.text != "" for cue in cues)


# -- dividing ----------------------------------------------------------------------------------------------------------


def test_the_words_of_a_cue_over_a_border_are_shared_by_time() -> None:
    # Eight letters in four seconds: each word of two letters takes one.
    assert divide([Cue(0, 4, "aa bb cc dd")], [Span(0, 2), Span(2, 4)]) == ["aa bb", "cc dd"]
    assert divide([Cue(0, 4, "aa bb cc dd")], [Span(0, 1.4), Span(1.4, 4)]) == ["aa", "bb cc dd"]


def test_a_cue_longer_than_the_speech_keeps_all_its_words() -> None:
    assert divide([Cue(0, 4, "aa bb cc dd")], [Span(1.2, 2.2)]) == ["aa bb cc dd"]


def test_a_word_in_a_pause_goes_to_the_nearest_segment_that_its_cue_overlaps() -> None:
    said = divide([Cue(0, 10, "aaaa bbbb cccc dddd eeee")], [Span(0, 1), Span(8, 12), Span(10.5, 11)])
    assert said == ["aaaa bbbb", "cccc dddd eeee", None]


def test_overlapping_cues_are_not_mixed_word_by_word() -> None:
    cues = [Cue(1, 3, "No, never!"), Cue(0, 4, "Will you come?")]
    assert divide(cues, [Span(0, 4)]) == ["Will you come? No, never!"]


def test_segments_that_overlap_each_have_the_words_they_hold() -> None:
    assert divide([Cue(0, 2, "aa bb")], [Span(0, 2), Span(1, 3)]) == ["aa bb", "bb"]


def test_where_nobody_speaks_there_is_no_text() -> None:
    assert divide([Cue(0, 1, "aa")], [Span(1, 2), Span(5, 6)]) == [None, None]
    assert divide([], [Span(0, 1)]) == [None]
    assert divide([Cue(0, 1, "aa")], []) == []


def test_a_cue_that_lasts_no_time_is_still_said() -> None:
    assert divide([Cue(1.5, 1.5, "oh")], [Span(1, 2)]) == ["oh"]


_TIMES = st.floats(0, 60, allow_nan=False)
_CUES = st.builds(
    lambda start_s, length_s, words: Cue(start_s, start_s + length_s, " ".join(words)),
    _TIMES,
    st.floats(0, 8),
    st.lists(st.text("abcdefg", min_size=1, max_size=6), min_size=1, max_size=6),
)


@given(st.lists(_CUES, max_size=8), st.lists(_TIMES, min_size=2, max_size=9, unique=True))
def test_every_word_of_a_cue_that_meets_speech_is_said_exactly_once(cues: list[Cue], borders: list[float]) -> None:
    ends = sorted(borders)
    spans = [Span(start_s, end_s) for start_s, end_s in zip(ends[::2], ends[1::2], strict=False)]
    met = [
        cue
        for cue in cues
        if any(s.start_s < max(cue.end_s, cue.start_s + 0.001) and s.end_s > cue.start_s for s in spans)
    ]
    said = " ".join(text for text in divide(cues, spans) if text)
    assert sorted(said.split()) == sorted(word for cue in met for word in cue.text.split())
