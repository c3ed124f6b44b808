import io
import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from actors.contract import Flag, Reason
from actors.decode import Decoded, MediumFault, decode
from actors.options import ReadOptions
from tests.support.media import Track, beeps, encode, float_wav, mux, picture, tone

# container, codec, rate, largest error of a lossless or lossy sine of amplitude 0.5
FORMATS = [
    ("wav", "pcm_s16le", 44_100, 2e-3),
    ("wav", "pcm_u8", 8_000, 1.2e-2),
    ("flac", "flac", 44_100, 2e-3),
    ("mp3", "libmp3lame", 44_100, 3e-2),  # LAME turns the sound down by 5 %
    ("ogg", "libopus", 48_000, 6e-2),
    ("mp4", "aac", 44_100, 4e-2),
    ("matroska", "aac", 22_050, 2e-2),
    ("webm", "libopus", 48_000, 6e-2),
    ("wv", "wavpack", 44_100, 1.2e-2),  # of 8 bits, like the second
    ("tta", "tta", 44_100, 1.2e-2),
    ("caf", "pcm_s16be", 44_100, 2e-3),
    ("w64", "pcm_s16le", 44_100, 2e-3),
    ("au", "pcm_s16be", 44_100, 2e-3),
    ("3g2", "aac", 44_100, 4e-2),
]


def read(content: bytes, **options: float) -> Decoded:
    return decode(io.BytesIO(content), ReadOptions(**options))


def reason(content: bytes, **options: float) -> Reason:
    with pytest.raises(MediumFault) as caught:
        read(content, **options)
    return caught.value.reason


def starts(signal: np.ndarray) -> list[float]:
    """Seconds at which a sound begins after at least 10 ms of quiet."""
    loud = np.flatnonzero(np.abs(signal) > 0.1)
    return [round(float(first) / 16_000, 2) for first in loud[np.flatnonzero(np.diff(loud, prepend=-1_000) > 160)]]


@pytest.mark.parametrize(("container", "codec", "rate", "error"), FORMATS)
def test_a_sine_comes_out_at_16_khz_with_its_frequency_phase_and_amplitude(container, codec, rate, error):
    decoded = read(encode(tone(rate, 3), rate, container, codec))
    expected = tone(16_000, 3)[0]
    inner = slice(4_000, 40_000)  # a lossy codec needs a moment to start, and pads the end
    assert decoded.signal.dtype == np.float32
    assert decoded.signal.ndim == 1
    assert decoded.duration_s == len(decoded.signal) / 16_000
    assert decoded.duration_s == pytest.approx(3, abs=0.05)
    assert np.abs(decoded.signal[inner] - expected[inner]).max() < error
    assert decoded.flags == ()


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [("ac3", "ac3", 44_100), ("eac3", "eac3", 44_100), ("mpegts", "ac3", 48_000)],
)
def test_a_codec_that_comes_some_milliseconds_late_keeps_frequency_and_duration(container, codec, rate):
    decoded = read(encode(tone(rate, 3), rate, container, codec))
    spectrum = np.abs(np.fft.rfft(decoded.signal[8_000:40_000]))  # two seconds: bins of half a hertz
    assert decoded.duration_s == pytest.approx(3, abs=0.1)
    assert spectrum.argmax() / 2 == pytest.approx(440, abs=0.5)


def test_a_tone_above_8_khz_does_not_come_back_as_another_one():
    decoded = read(encode(tone(44_100, 1, frequency=11_000), 44_100, "wav", "pcm_s16le"))
    assert np.abs(decoded.signal[1_000:-1_000]).max() < 1e-3


def test_stereo_becomes_the_mean_of_its_channels():
    left, right = tone(16_000, 1, amplitude=0.9)[0], tone(16_000, 1, frequency=1_000, amplitude=0.3)[0]
    both = np.stack([left, right])
    mean = (left + right) / 2
    assert np.abs(read(float_wav(both)).signal - mean).max() < 1e-6
    assert np.abs(read(encode(both, 16_000, "flac", "flac", layout="stereo")).signal - mean).max() < 1e-4


def test_surround_sound_is_downmixed_and_cannot_clip():
    channels = np.repeat(tone(48_000, 1, amplitude=1.0), 6, axis=0)
    decoded = read(encode(channels, 48_000, "flac", "flac", layout="5.1"))
    assert 0.9 < np.abs(decoded.signal[1_000:-1_000]).max() <= 1


@pytest.mark.parametrize("channels", [3, 5, 8, 9, 12])
def test_any_number_of_channels_is_mixed(channels):
    decoded = read(float_wav(np.repeat(tone(16_000, 1), channels, axis=0)))
    assert np.abs(decoded.signal).max() == pytest.approx(0.5, abs=0.01)


def test_a_layout_and_rate_that_change_in_the_middle_are_followed():
    content = encode(tone(44_100, 2), 44_100, "adts", "aac")
    content += encode(np.repeat(tone(48_000, 2), 2, axis=0), 48_000, "adts", "aac", layout="stereo")
    decoded = read(content)
    assert decoded.duration_s == pytest.approx(4, abs=0.2)  # ADTS keeps the encoder's padding
    for middle in (16_000, 48_000):
        spectrum = np.abs(np.fft.rfft(decoded.signal[middle - 8_000 : middle + 8_000]))
        assert np.argmax(spectrum) == 440


def test_what_is_not_finite_is_silent_and_the_rest_stays():
    signal = tone(16_000, 1)
    broken = signal.copy()
    broken[0, [100, 200, 300]] = np.nan, np.inf, -np.inf
    decoded = read(float_wav(broken))
    signal[0, [100, 200, 300]] = 0
    assert np.abs(decoded.signal - signal[0]).max() < 1e-6


def test_a_signal_never_leaves_one():
    assert np.abs(read(float_wav(tone(16_000, 1, amplitude=1e30))).signal).max() == 1


@pytest.mark.parametrize(
    ("container", "codec", "video"),
    [
        ("mp4", "aac", "mpeg4"),
        ("matroska", "aac", "mpeg4"),
        ("webm", "libopus", "libvpx"),
        ("mpegts", "aac", "mpeg2video"),
    ],
)
def test_times_are_those_of_a_player_when_sound_starts_after_the_picture(container, codec, video):
    rate = 48_000
    track = Track(codec, rate, beeps(rate, 2), [(1.0, 0.0, 2.0)])
    decoded = read(mux(container, [track], video_s=4, video=video))
    assert starts(decoded.signal) == pytest.approx([1.25, 2.25], abs=0.03)


@pytest.mark.parametrize("late_s", [0.06, 1.0])
def test_late_sound_is_late_from_its_first_sample_on(late_s):
    decoded = read(mux("matroska", [Track("flac", 48_000, tone(48_000, 2), [(late_s, 0.0, 2.0)])], video_s=3))
    heard = np.flatnonzero(np.abs(decoded.signal) > 0.01)
    assert heard[0] / 16_000 == pytest.approx(late_s, abs=0.005)
    assert heard[-1] / 16_000 == pytest.approx(late_s + 2, abs=0.005)
    assert np.diff(heard).max() < 20


@pytest.mark.parametrize("gap_s", [1.5, 20.0])
@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_gap_between_timestamps_is_silent_and_keeps_its_length(container, gap_s):
    track = Track("aac", 48_000, beeps(48_000, 4), [(0.0, 0.0, 2.0), (2.0 + gap_s, 2.0, 4.0)])
    decoded = read(mux(container, [track], video_s=4 + gap_s))
    assert starts(decoded.signal) == pytest.approx([0.25, 1.25, 2.25 + gap_s, 3.25 + gap_s], abs=0.03)


def test_a_transport_stream_whose_clock_leaps_is_no_pause():
    track = Track("aac", 48_000, beeps(48_000, 4), [(0.0, 0.0, 2.0), (3_602.0, 2.0, 4.0)])
    assert read(mux("mpegts", [track])).duration_s == pytest.approx(4, abs=0.1)


def test_a_clock_that_goes_back_drops_nothing_and_later_gaps_keep_their_length():
    first = mux("mpegts", [Track("aac", 48_000, beeps(48_000, 2))])
    second = mux("mpegts", [Track("aac", 48_000, beeps(48_000, 2), [(0.0, 0.0, 1.0), (2.5, 1.0, 2.0)])])
    assert starts(read(first + second).signal) == pytest.approx([0.25, 1.25, 2.25, 4.75], abs=0.1)


def test_a_gap_that_would_be_longer_than_the_limit_costs_no_memory():
    track = Track("aac", 48_000, beeps(48_000, 2), [(0.0, 0.0, 1.0), (90_000.0, 1.0, 2.0)])
    content = mux("matroska", [track], options={"live": "1"})
    assert reason(content) is Reason.TOO_LONG


def test_of_several_tracks_the_default_one_is_heard_and_the_medium_is_flagged():
    quiet, loud = (Track("aac", 48_000, tone(48_000, 1, amplitude=a), default=a > 0.5) for a in (0.1, 0.8))
    decoded = read(mux("matroska", [quiet, loud]))
    assert np.abs(decoded.signal).max() > 0.7
    assert decoded.flags == (Flag.SEVERAL_TRACKS,)


def test_of_several_tracks_without_a_default_one_the_first_is_heard():
    tracks = [Track("aac", 48_000, tone(48_000, 1, amplitude=a), default=False) for a in (0.1, 0.8)]
    assert np.abs(read(mux("matroska", tracks)).signal).max() < 0.2


# --- what has no signal ------------------------------------------------------------------------------------------


def test_no_bytes_are_an_empty_medium():
    assert reason(b"") is Reason.EMPTY


@pytest.mark.parametrize(
    "content",
    [
        b"a",
        b"just some text, line after line\n" * 100,
        b"<!DOCTYPE html><html><head><title>404</title></head><body>Not found</body></html>",
        b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nHello\n",
        b"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n",
        b"[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start\n",
        b'{"a": 1}' * 1_000,
        bytes(100_000),
        b"\xff" * 100_000,
    ],
)
def test_text_subtitles_and_filler_are_not_media(content):
    assert reason(content) is Reason.NOT_MEDIA


@pytest.mark.parametrize("size", [100, 5_000, 300_000])
def test_random_bytes_are_not_media(size):
    for seed in range(10):
        assert reason(np.random.default_rng(seed).bytes(size)) is Reason.NOT_MEDIA


@pytest.mark.parametrize(("codec", "pixels"), [("png", "rgb24"), ("mjpeg", "yuvj420p")])
def test_a_picture_is_not_media(codec, pixels):
    assert reason(picture(codec, pixels)) is Reason.NOT_MEDIA


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "avi"])
def test_a_film_without_sound_has_no_audio_track(container):
    video = "mpeg2video" if container == "mpegts" else "mpeg4"
    assert reason(mux(container, [], video_s=1, video=video)) is Reason.NO_AUDIO_TRACK


def test_a_track_of_which_not_one_frame_decodes_is_undecodable():
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 16_000)).astype(np.float32)
    assert reason(float_wav(noise, tag=0x55)) is Reason.UNDECODABLE  # says MP3


def test_an_mp4_whose_index_is_cut_off_is_undecodable():
    content = encode(tone(48_000, 3), 48_000, "mp4", "aac")
    assert reason(content[: len(content) // 2]) is Reason.UNDECODABLE


def test_a_wav_with_a_header_and_nothing_else_is_undecodable():
    assert reason(float_wav(np.empty((1, 0), dtype=np.float32))) is Reason.UNDECODABLE


@pytest.mark.parametrize(("container", "codec"), [("wav", "pcm_s16le"), ("mp4", "aac"), ("matroska", "aac")])
def test_a_medium_whose_header_states_more_than_the_limit_is_too_long(container, codec):
    content = encode(tone(48_000, 3), 48_000, container, codec)
    assert reason(content, max_duration_s=2.0) is Reason.TOO_LONG
    assert read(content, max_duration_s=4.0).duration_s == pytest.approx(3, abs=0.05)


def test_a_medium_that_states_no_length_is_too_long_once_it_has_gone_on_for_so_long():
    assert reason(encode(tone(48_000, 3), 48_000, "adts", "aac"), max_duration_s=2.0) is Reason.TOO_LONG


def test_a_fault_tells_the_limit_and_survives_pickling():
    with pytest.raises(MediumFault) as caught:
        read(float_wav(tone(16_000, 3)), max_duration_s=2.0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.reason, again.detail) == (caught.value.reason, caught.value.detail)
    assert "2.0 s" in str(again)
    assert "3.0 s" in str(again)


def test_a_file_that_cannot_be_read_is_no_fault_of_the_medium():
    class Failing(io.BytesIO):
        def read(self, size=-1, /):
            if self.tell() > 1_000:
                raise OSError("the disk is gone")
            return super().read(min(size, 512))

    with pytest.raises(OSError, match="the disk is gone"):
        decode(Failing(float_wav(tone(16_000, 3))), ReadOptions())


# --- what is damaged ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("matroska", "aac"), ("webm", "libopus"), ("mp3", "libmp3lame"), ("ogg", "libopus"), ("flac", "flac"),
        ("wav", "pcm_s16le"), ("avi", "libmp3lame"), ("flv", "aac"), ("adts", "aac"),
    ],
)  # fmt: skip
def test_what_there_is_of_a_file_cut_in_half_is_decoded_and_flagged(container, codec):
    rate = 44_100 if container == "flv" else 48_000
    content = encode(tone(rate, 10), rate, container, codec)
    decoded = read(content[: len(content) // 2])
    assert decoded.flags == (Flag.TRUNCATED,)
    assert 3.5 < decoded.duration_s < 6


def test_an_ogg_that_ends_between_two_pages_before_its_last_is_flagged():
    content = encode(tone(48_000, 5), 48_000, "ogg", "libopus")
    assert read(content[: content.rfind(b"OggS")]).flags == (Flag.TRUNCATED,)


def test_an_mp4_with_its_index_in_front_is_decoded_as_far_as_it_goes():
    content = mux("mp4", [Track("aac", 48_000, tone(48_000, 10))], options={"movflags": "faststart"})
    decoded = read(content[: len(content) // 2])
    assert decoded.flags == (Flag.TRUNCATED,)
    assert 3.5 < decoded.duration_s < 6


@pytest.mark.parametrize(("container", "video"), [("matroska", "mpeg4"), ("mp4", "mpeg4"), ("flv", "flv")])
def test_a_film_whose_sound_ends_before_its_picture_is_not_truncated(container, video):
    track = Track("aac", 44_100, tone(44_100, 2))
    assert read(mux(container, [track], video_s=6, video=video)).flags == ()


def test_a_film_cut_in_half_is_truncated():
    content = mux("matroska", [Track("aac", 48_000, tone(48_000, 6))], video_s=6)
    assert read(content[: len(content) // 2]).flags == (Flag.TRUNCATED,)


def test_a_wav_header_that_states_too_much_is_flagged():
    decoded = read(float_wav(tone(16_000, 2), data_size=1 << 30))
    assert decoded.flags == (Flag.TRUNCATED,)
    assert decoded.duration_s == 2


@pytest.mark.parametrize("unknown", [0xFFFF_FFFF, 0x7FFF_F000])
def test_a_wav_header_that_states_no_length_is_believed(unknown):
    decoded = read(float_wav(tone(16_000, 2), data_size=unknown, riff_size=unknown))
    assert decoded.flags == ()
    assert decoded.duration_s == 2


def test_a_damaged_stretch_is_skipped_and_flagged_and_what_follows_keeps_its_time():
    content = bytearray(encode(beeps(48_000, 6), 48_000, "matroska", "aac"))
    middle = len(content) // 2
    content[middle - 2_000 : middle + 2_000] = np.random.default_rng(0).bytes(4_000)
    decoded = read(bytes(content))
    assert Flag.TRUNCATED in decoded.flags
    assert decoded.duration_s == pytest.approx(6, abs=0.1)
    found = starts(decoded.signal)
    assert found[0] == pytest.approx(0.25, abs=0.03)
    assert found[-1] == pytest.approx(5.25, abs=0.03)


# --- what is hostile ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "playlist",
    [
        "ffconcat version 1.0\nfile {path}\n",
        "ffconcat version 1.0\nfile {name}\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/{name}\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
)
def test_a_playlist_opens_no_other_file(playlist, tmp_path: Path, monkeypatch):
    (tmp_path / "secret.wav").write_bytes(float_wav(tone(16_000, 2)))
    monkeypatch.chdir(tmp_path)
    content = playlist.format(path=tmp_path / "secret.wav", name="secret.wav").encode()
    assert reason(content) is Reason.NOT_MEDIA


def test_the_name_of_a_file_does_not_matter(tmp_path: Path):
    sound, text = tmp_path / "picture.png", tmp_path / "sound.flac"
    sound.write_bytes(float_wav(tone(16_000, 1)))
    text.write_bytes(b"just some text, line after line\n" * 100)
    with sound.open("rb") as file:
        assert decode(file, ReadOptions()).duration_s == 1
    with text.open("rb") as file, pytest.raises(MediumFault) as caught:
        decode(file, ReadOptions())
    assert caught.value.reason is Reason.NOT_MEDIA


def test_metadata_in_another_encoding_do_no_harm():
    title = b"LIST" + (16).to_bytes(4, "little") + b"INFOINAM" + (4).to_bytes(4, "little") + b"\xff\xfe\xe9\x00"
    content = float_wav(tone(16_000, 1)).replace(b"data", title + b"data", 1)
    assert read(content).duration_s == 1


def test_damaged_media_leave_nothing_on_the_terminal(capfd, caplog):
    caplog.set_level(logging.DEBUG)
    content = bytearray(encode(tone(48_000, 3), 48_000, "matroska", "aac"))
    content[5_000:9_000] = bytes(4_000)
    read(bytes(content))
    reason(b"just some text\n" * 100)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
