"""What the demo is worth: emotion and language accuracy of the saved checkpoints on the saved media.

Nothing is synthesised here: the media files are decoded, the checkpoints loaded, and labels.jsonl is the truth. What
reads instead of listening is measured in measure_words.py.
"""

import json
from collections import defaultdict
from functools import cache
from pathlib import Path

import emotion_models
import language_model
import numpy as np
import torch
from emotions import EMOTIONS, LANGUAGES
from figures import figures
from measure_words import recorded_figures, text_figures
from mediafiles import SAMPLING_RATE, read
from silero_vad import get_speech_timestamps, load_silero_vad

Row = dict[str, object]


def measure(folder: Path) -> dict[str, object]:
    """Measure everything under `folder`; the figures are those of measured.json."""
    rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    signals = {str(row["video"]): read(folder / "media" / str(row["video"])) for row in rows}
    spoken = {language: [row for row in rows if row["language"] == language] for language in LANGUAGES}
    heard = {language: _heard(folder, language, spoken[language], signals) for language in LANGUAGES}
    return {
        "media": len(signals),
        "media_seconds": round(sum(signal.size for signal in signals.values()) / SAMPLING_RATE, 1),
        "segments": len(rows),
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"),
        "emotion": {language: _emotion(spoken[language], heard[language]) for language in LANGUAGES},
        "language": _language(folder, rows, signals),
        "speech_detection": _speech(rows, signals),
        "text": {language: text_figures(folder, language, spoken[language], heard[language]) for language in LANGUAGES},
        "recorded_biased": recorded_figures(folder / "recorded-biased.jsonl"),
    }


def _heard(folder: Path, language: str, rows: list[Row], signals: dict[str, np.ndarray]) -> np.ndarray:
    """The emotion model's posterior of each row, in the order of `EMOTIONS`, shape (n, 7)."""
    model, words = emotion_models.load(folder / "checkpoints" / f"{language}-emotion")
    labels = [emotion_models.LABELS[language][word] for word in words]
    posterior = np.zeros((len(rows), len(EMOTIONS)))
    for index, row in enumerate(rows):
        signal = emotion_models.normalised(_cut(signals, row))
        with torch.no_grad():
            logits = model(torch.from_numpy(signal)[None], torch.ones(1, signal.size, dtype=torch.long))
        posterior[index, [EMOTIONS.index(label) for label in labels]] = logits[0].double().softmax(0).numpy()
    return posterior


def _emotion(rows: list[Row], heard: np.ndarray) -> dict[str, object]:
    """Accuracy and unweighted average recall: over the utterances, over the segments of episodes, and over both."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row, posterior in zip(rows, heard, strict=True):
        pair = (str(row["label"]), EMOTIONS[int(posterior.argmax())])
        pairs["utterances" if "/utterances/" in str(row["video"]) else "episodes"].append(pair)
        pairs["all"].append(pair)
    return {part: figures(found) for part, found in pairs.items()}


def _language(folder: Path, rows: list[Row], signals: dict[str, np.ndarray]) -> dict[str, object]:
    """Share of media, and of labelled segments, whose most probable language is right, and how sure that was."""
    detect = cache(lambda: language_model.load(folder / "checkpoints" / "whisper-demo.pt"))()
    truth = {str(row["video"]): str(row["language"]) for row in rows}
    media = [(truth[video], language_model.probabilities(detect, signal)) for video, signal in signals.items()]
    segments = [(str(row["language"]), language_model.probabilities(detect, _cut(signals, row))) for row in rows]
    return {"media": _language_figures(media), "segments": _language_figures(segments)}


def _language_figures(found: list[tuple[str, dict[str, float]]]) -> dict[str, object]:
    right = sum(max(probabilities, key=probabilities.__getitem__) == truth for truth, probabilities in found)
    sure = [probabilities[truth] for truth, probabilities in found]
    return {"n": len(found), "right": right, "accuracy": round(right / len(found), 3),
            "probability_mean": round(float(np.mean(sure)), 3), "probability_min": round(min(sure), 3)}  # fmt: skip


def _speech(rows: list[Row], signals: dict[str, np.ndarray]) -> dict[str, object]:
    """What silero-vad hears: in utterances any speech of 0.5 s, in episodes that no found segment spans two lines."""
    detector = load_silero_vad()
    spans = defaultdict(list)
    for row in rows:
        spans[str(row["video"])].append((float(str(row["start"])), float(str(row["end"]))))
    heard, merged, shares = [], 0, []
    for video, labelled in spans.items():
        stamps = get_speech_timestamps(torch.from_numpy(signals[video]), detector, sampling_rate=SAMPLING_RATE)
        found = [(stamp["start"] / SAMPLING_RATE, stamp["end"] / SAMPLING_RATE) for stamp in stamps]
        if len(labelled) == 1:
            heard.append(max((end - start for start, end in found), default=0.0) >= 0.5)
        else:
            merged += sum(sum(_overlap(one, line) > 0.1 for line in labelled) > 1 for one in found)
            shares += [sum(_overlap(one, line) for one in found) / (line[1] - line[0]) for line in labelled]
    return {"utterances_with_speech": round(float(np.mean(heard)), 3), "episode_segments_merged": merged,
            "episode_line_share_mean": round(float(np.mean(shares)), 3),
            "episode_line_share_min": round(min(shares), 3)}  # fmt: skip


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(min(one[1], other[1]) - max(one[0], other[0]), 0.0)


def _cut(signals: dict[str, np.ndarray], row: Row) -> np.ndarray:
    start, end = (round(float(str(row[key])) * SAMPLING_RATE) for key in ("start", "end"))
    return signals[str(row["video"])][start:end]
