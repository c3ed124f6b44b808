"""datasets/demo/transcripts.py: the sidecars beside the media say what labels.jsonl says, and are no media."""

import json
import re
from pathlib import Path

from tasks.config.scoring import MEDIA_SUFFIXES
from tasks.plan import list_media
from tests.support.demo import demo_module
from tests.support.seraph import DEMO
from tests.support.stores import info

transcripts = demo_module("transcripts")
MEDIA = DEMO / "media"
ROWS = [json.loads(line) for line in (DEMO / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
VIDEOS = sorted({row["video"] for row in ROWS})
_CUE = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d{3}) --> (\d\d):(\d\d):(\d\d)[.,](\d{3})\n(.+)\n")


def sidecar(video: str) -> Path:
    medium = MEDIA / video
    (found,) = (path for path in medium.parent.glob(medium.stem + ".*") if path.suffix in (".srt", ".vtt"))
    return found


def cues(path: Path) -> list[tuple[float, float, str]]:
    found = _CUE.findall(path.read_text(encoding="utf-8"))
    times = [[int(part) for part in cue[:8]] for cue in found]
    seconds = [[(1000 * (60 * (60 * h + m) + s) + ms) / 1000 for h, m, s, ms in (t[:4], t[4:])] for t in times]
    return [(start, end, cue[8]) for (start, end), cue in zip(seconds, found, strict=True)]


def test_every_medium_has_one_sidecar_that_says_what_its_labels_say_and_when() -> None:
    for video in VIDEOS:
        spoken = [(row["start"], row["end"], row["text"]) for row in ROWS if row["video"] == video]
        assert cues(sidecar(video)) == spoken, video


def test_episodes_have_a_cue_for_each_line() -> None:
    episodes = [video for video in VIDEOS if "/episodes/" in video]
    assert [len(cues(sidecar(video))) for video in episodes] == [18] * 4


def test_webvtt_begins_with_its_name_and_subrip_with_the_number_of_its_first_cue() -> None:
    for video in VIDEOS:
        path = sidecar(video)
        text = path.read_text(encoding="utf-8")
        assert text.startswith("WEBVTT\n\n00:" if path.suffix == ".vtt" else "1\n00:")
        assert ("," in text.split("-->")[1][:15]) == (path.suffix == ".srt")


def test_a_scoring_run_counts_the_sidecars_as_other_files() -> None:
    files = [path for path in MEDIA.rglob("*") if path.is_file()]
    listing = list_media([info(f"s3://media/{path.relative_to(MEDIA)}") for path in files], MEDIA_SUFFIXES)
    assert sorted(uri.removeprefix("s3://media/") for uri in listing.media.index) == VIDEOS
    assert listing.other == {"srt": 57, "vtt": 3}


def test_building_again_gives_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_bytes((DEMO / "labels.jsonl").read_bytes())
    for video in VIDEOS:
        (tmp_path / "media" / video).parent.mkdir(parents=True, exist_ok=True)
    stale = tmp_path / "media" / "en" / "utterances" / "gone.srt"
    stale.write_text("of a medium that there is no more")
    written = transcripts.build(tmp_path)
    assert len(written) == len(VIDEOS) == 60
    assert not stale.exists()
    for path in written:
        assert path.read_bytes() == (DEMO / path.relative_to(tmp_path)).read_bytes()


def test_times_carry_over_into_seconds_minutes_and_hours(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    line = {"video": "a.wav", "start": 59.9996, "end": 3661.25, "text": "We know."}
    (tmp_path / "labels.jsonl").write_text(json.dumps(line) + "\n")
    (path,) = transcripts.build(tmp_path)
    assert path.name == "a.srt"
    assert path.read_text() == "1\n00:01:00,000 --> 01:01:01,250\nWe know.\n"
