"""Segments in memory: how they are cut into shards, and that each is scored as itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from actors.contract import Language, MediumResult, ModelSpec, Reading, Signal
from actors.pool import Pool
from tasks.bench.prepare import Prepared
from tasks.bench.road import Memory


class Ear:
    """Stands in for a pool: keeps what it was given."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, float]] = []

    specs: dict[str, ModelSpec] = {}  # noqa: RUF012 (the pool's is a property)

    def score_signals(self, readings: Sequence[tuple[Reading, Signal, Language]]) -> list[MediumResult]:
        self.heard += [(reading.medium.uri, float(signal[0])) for reading, signal, _ in readings]
        return []


def prepared(folder: Path, number: int, seconds: float) -> Prepared:
    """A medium whose signal is its number."""
    path = folder / f"{number:03}.npy"
    np.save(path, np.full(4, number, dtype=np.float32))
    return Prepared(path.with_suffix(".mp3"), path, seconds, ())


def memory(folder: Path, media: int, seconds: float) -> tuple[Memory, Ear]:
    ear = Ear()
    return Memory(cast(Pool, cast(Any, ear)), [prepared(folder, each, seconds) for each in range(media)], "en"), ear


def test_shards_in_memory_hold_an_hour_each_and_every_medium_once(tmp_path: Path) -> None:
    found, _ = memory(tmp_path, media=14, seconds=600.0)

    shards = found.shards()

    assert [len(shard) for shard in shards] == [6, 6, 2]
    assert tuple(medium for shard in shards for medium in shard) == found.media


def test_a_medium_of_hours_is_a_shard_of_its_own(tmp_path: Path) -> None:
    found, _ = memory(tmp_path, media=2, seconds=10_000.0)

    assert [len(shard) for shard in found.shards()] == [1, 1]


def test_of_a_shard_its_own_signals_are_scored(tmp_path: Path) -> None:
    found, ear = memory(tmp_path, media=8, seconds=600.0)

    found.score(found.shards()[1])

    assert ear.heard == [("s3://memory/006.mp3", 6.0), ("s3://memory/007.mp3", 7.0)]
