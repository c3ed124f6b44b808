"""Sidecar transcripts beside the media: what labels.jsonl says is spoken, and when, as SubRip or WebVTT.

Owns the files' names and their text. One medium has one of them; which has which is listed here.
"""

import json
from collections import defaultdict
from pathlib import Path

# The other media have x.srt. One name carries its language, as players write it.
_WEBVTT = {
    "en/episodes/en-episode-2.webm": ".vtt",
    "ko/episodes/ko-episode-2.m4a": ".ko.vtt",
    "ko/utterances/ko-003.mp3": ".vtt",
}


def build(folder: Path) -> list[Path]:
    """Write one sidecar for each medium that `folder`/labels.jsonl names, in place of those that are there."""
    for path in sorted((folder / "media").rglob("*.srt")) + sorted((folder / "media").rglob("*.vtt")):
        path.unlink()
    cues: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        cues[row["video"]].append((row["start"], row["end"], row["text"]))
    return [_write(folder / "media" / video, _WEBVTT.get(video, ".srt"), spoken) for video, spoken in cues.items()]


def _write(medium: Path, suffix: str, spoken: list[tuple[float, float, str]]) -> Path:
    path = medium.with_suffix(suffix)
    blocks = [f"{_time(start)} --> {_time(end)}\n{text}\n" for start, end, text in spoken]
    if suffix == ".srt":
        blocks = [f"{number}\n{block.replace('.', ',', 2)}" for number, block in enumerate(blocks, start=1)]
    else:
        blocks = ["WEBVTT\n", *blocks]
    path.write_text("\n".join(blocks), encoding="utf-8", newline="\n")
    return path


def _time(seconds: float) -> str:
    """Seconds as 00:00:00.000; SubRip has a comma for the point."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}.{milliseconds:03d}"
