"""The text worker, as a plain class: for one medium and its segments, the texts, and what text models make of them.

Ray is put around it in actors/text_pool.py. It never raises for a fault of a medium; a checkpoint that cannot be loaded
ends the text branch, and no more than that.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from actors.contract import ModelSpec, TextEmotionModel
from actors.options import Route
from actors.text_sources import LabelSource, Search, SidecarSource, Source, Transcribes, WhisperSource
from actors.texts import SegmentText, SourceName, TextAnswer, TextFlag, TextSetup, TextWork
from actors.usage import Clock
from actors.weights import detector_here, model_here
from actors.workers import Worker
from infra.storage import Store

LoadText = Callable[[Route], TextEmotionModel]


class TextReader:
    """Finds texts and reads them.

    Args:
        sources: Asked in this order; of each segment the first that has a text counts.
        models: Language to text model.
        load: Loads one; each is loaded at its first text, and kept.
    """

    def __init__(self, sources: Sequence[Source], models: Mapping[str, Route], load: LoadText) -> None:
        self._sources, self._models, self._load = sources, models, load
        self._held: dict[Route, TextEmotionModel] = {}

    def read(self, work: TextWork, cpu_s: dict[str, float] | None = None) -> TextAnswer:
        """One row for each segment that is asked for, in order.

        Args:
            work: The medium and its segments.
            cpu_s: Where CPU seconds by step are counted.

        Raises:
            CheckpointError: A text model, or Whisper, cannot be loaded.
        """
        clock = Clock(cpu_s)
        texts = Search(work.asked)
        for source in self._sources:
            texts.ask(source, work)
        clock.lap("text")
        rows = {each.segment_id: texts.row(each) for each in work.asked}
        specs: dict[str, ModelSpec] = {}
        for language in sorted({each.language for each in work.asked}):
            spoken = [row for row in rows.values() if row.language == language and row.text]
            for row in self._scored(spoken, language, specs):
                rows[row.segment_id] = row
        clock.lap("read_text")
        return TextAnswer(work.medium, tuple(rows.values()), specs, texts.transient, clock.seconds)

    def _scored(self, rows: Sequence[SegmentText], language: str, specs: dict[str, ModelSpec]) -> list[SegmentText]:
        """Rows with text in one language, with what its model says of them."""
        if language not in self._models:
            return [_with(row, flags=(*row.flags, TextFlag.NO_TEXT_MODEL)) for row in rows]
        if not rows:
            return []
        model = self._hold(self._models[language])
        specs[model.spec.weights_sha256] = model.spec
        logits = model.logits([row.text or "" for row in rows])
        return [_answered(row, each, model.spec) for row, each in zip(rows, logits, strict=True)]

    def _hold(self, route: Route) -> TextEmotionModel:
        if route not in self._held:
            self._held[route] = self._load(route)
        return self._held[route]


class TextWorker(Worker):
    """A `TextReader` as one process has it: on a real store, with real models, Whisper loaded where it transcribes.

    Args:
        setup: Sources and models.
        threads: CPU threads of the models.
    """

    def __init__(self, setup: TextSetup, threads: int) -> None:
        super().__init__()
        self._setup, self._threads = setup, threads
        self._reader = TextReader(self._sources(), setup.models, self._load)

    def ready(self) -> None:
        """Set the threads; nothing is loaded yet."""
        import torch

        torch.set_num_threads(self._threads)

    def read(self, work: TextWork) -> TextAnswer:
        """The texts of one medium; see `TextReader.read`."""
        return self._reader.read(work, self._cpu_s)

    def _sources(self) -> list[Source]:
        store = Store(self._setup.media)
        made: dict[SourceName, Callable[[], Source]] = {
            "sidecar": lambda: SidecarSource(store),
            "labels": LabelSource,
            "whisper": lambda: WhisperSource(store, self._load_whisper, self._setup.reading),
        }
        return [made[name]() for name in self._setup.sources]

    def _load_whisper(self) -> Transcribes:
        from actors.transcribe import load_transcriber

        return load_transcriber(detector_here(self._setup.whisper, self._setup.store))

    def _load(self, route: Route) -> TextEmotionModel:
        from actors.checkpoints import load_text

        return load_text(
            model_here(route.model, self._setup.store), revision=route.revision, dtype=self._setup.precision
        )


def _answered(
    row: SegmentText, logits: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]", spec: ModelSpec
) -> SegmentText:
    said = {"model": spec.source, "weights_sha256": spec.weights_sha256}
    if np.isfinite(logits).all():
        return _with(row, **said, logits=tuple(map(float, logits)))
    return _with(row, **said, flags=(*row.flags, TextFlag.TEXT_FAILED), reason=f"{spec.source} answered no number")


def _with(row: SegmentText, **changes: object) -> SegmentText:
    return SegmentText(**{**vars(row), **changes})
