"""The labelled demo corpus: which utterances and episodes there are, their media files, and labels.jsonl."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import mediafiles as files
import numpy as np
from cast import HELD_OUT, held_out_sentences
from emotions import EMOTIONS, LANGUAGES
from mediafiles import Format
from prosody import Speaker, perform
from speech import Espeak

# 28 formats a language: one for each of seven emotions by four speakers. Stereo is dear: one in all.
_UTTERANCE_FORMATS = (
    *[files.MP4] * 4, *[files.MP3] * 4, *[files.MKV] * 3, *[files.WEBM] * 3, *[files.M4A] * 3, *[files.FLAC] * 3,
    *[files.WAV_TELEPHONE] * 3, *[files.OGG] * 2, *[files.OPUS] * 2,
)  # fmt: skip
_LAST_FORMAT = {"en": files.WAV_STEREO, "ko": files.WAV_MONO}
_EPISODE_FORMATS = {"en": (files.MP4, files.WEBM), "ko": (files.MKV, files.M4A)}
_LINES_PER_EPISODE, _SPEAKERS_PER_EPISODE = 18, 3
_SHORTEST_PAUSE, _LONGEST_PAUSE, _MARGIN = 1.2, 3.8, 0.2  # seconds
_ROOM_NOISE = 2e-4  # standard deviation; full scale is 1


@dataclass(frozen=True)
class Line:
    """Who says what with which emotion; times in seconds within the medium, once it is spoken."""

    text: str
    speaker: Speaker
    emotion: str


def build(folder: Path, espeak: Espeak, seed: int) -> None:
    """Write media/ and labels.jsonl under `folder`, in place of what is there."""
    shutil.rmtree(folder / "media", ignore_errors=True)
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for language in LANGUAGES:
        rows += _utterances(folder / "media", language, espeak, rng)
        rows += _episodes(folder / "media", language, espeak, rng)
    lines = [json.dumps({"index": index, **row}, ensure_ascii=False) for index, row in enumerate(rows)]
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _utterances(media: Path, language: str, espeak: Espeak, rng: np.random.Generator) -> list[dict[str, object]]:
    pairs = [(speaker, emotion) for speaker in HELD_OUT[language] for emotion in EMOTIONS]
    texts = rng.permutation(held_out_sentences(language))
    formats = (*_UTTERANCE_FORMATS, _LAST_FORMAT[language])
    order = rng.permutation(len(formats))
    rows = []
    for number, index in enumerate(rng.permutation(len(pairs))):
        line, form = Line(str(texts[number]), *pairs[index]), formats[order[number]]
        path = f"{language}/utterances/{language}-{number + 1:03d}.{form.suffix}"
        rows += _write(media, path, language, [line], form, espeak, rng)
    return rows


def _episodes(media: Path, language: str, espeak: Espeak, rng: np.random.Generator) -> list[dict[str, object]]:
    rows = []
    for number, form in enumerate(_EPISODE_FORMATS[language]):
        speakers = rng.permutation(len(HELD_OUT[language]))[:_SPEAKERS_PER_EPISODE]
        texts = rng.permutation(held_out_sentences(language))[:_LINES_PER_EPISODE]
        extra = rng.choice(EMOTIONS, _LINES_PER_EPISODE - 2 * len(EMOTIONS), replace=False)
        emotions = rng.permutation([*EMOTIONS, *EMOTIONS, *extra])
        lines = [Line(str(text), HELD_OUT[language][rng.choice(speakers)], str(emotion))
                 for text, emotion in zip(texts, emotions, strict=True)]  # fmt: skip
        path = f"{language}/episodes/{language}-episode-{number + 1}.{form.suffix}"
        rows += _write(media, path, language, lines, form, espeak, rng)
    return rows


def _write(media: Path, path: str, language: str, lines: list[Line], form: Format, espeak: Espeak,
           rng: np.random.Generator) -> list[dict[str, object]]:  # fmt: skip
    """Speak the lines one after another into one medium.

    Returns:
        One labelled row a line. A medium of one line is labelled whole, so that its row needs no segmenter.
    """
    rate, pieces, rows = espeak.sampling_rate, [np.zeros(round(_MARGIN * espeak.sampling_rate), np.float32)], []
    for line in lines:
        start = sum(piece.size for piece in pieces)
        pieces.append(perform(espeak, line.speaker, line.text, line.emotion, rng))
        pause = _MARGIN if line is lines[-1] else rng.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        end = start + pieces[-1].size
        pieces.append(np.zeros(round(pause * rate), np.float32))
        span = (0, end + pieces[-1].size) if len(lines) == 1 else (start, end)
        rows.append({
            "video": path, "start": round(span[0] / rate, 3), "end": int(1000 * span[1] / rate) / 1000,
            "text": line.text, "speaker": line.speaker.name, "label": line.emotion, "language": language,
        })  # fmt: skip
    signal = np.concatenate(pieces)
    signal += _ROOM_NOISE * rng.normal(size=signal.size).astype(np.float32)
    (media / path).parent.mkdir(parents=True, exist_ok=True)
    files.write(media / path, signal, rate, form)
    return rows
