"""Texts as the workers answer them, made by hand for the tests of what comes after."""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.contract import ModelSpec
from actors.texts import SegmentText, TextAnswer, TextWork
from tests.support.records import model_spec

READER = model_spec(
    source="models/text", weights_sha256="ee" * 32, labels=("joy", "anger", "gloop"), modality="text", sampling_rate=0
)
TEXT_MAP: Mapping[str, str | None] = {"joy": "happy", "anger": "angry", "gloop": None}
TEXT_MAPS = {READER.weights_sha256: TEXT_MAP}


def said(
    name: str, text: str | None = "hello", logits: Sequence[float] | None = (0.0, 9.0, 0.0), **changes: Any
) -> SegmentText:
    """One segment's text, read by `READER` as anger; or none."""
    if text is None:
        return SegmentText(name, "en", **changes)
    values: dict[str, Any] = {
        "source": "sidecar",
        "model": READER.source,
        "weights_sha256": READER.weights_sha256,
        "logits": None if logits is None else tuple(logits),
    }
    return SegmentText(name, "en", text, **(values | changes))


def answer(
    work: TextWork, *rows: SegmentText, specs: Mapping[str, ModelSpec] | None = None, **changes: Any
) -> TextAnswer:
    """What came of a medium: by default every segment says hello."""
    rows = rows or tuple(said(each.segment_id) for each in work.asked)
    return TextAnswer(work.medium, rows, {READER.weights_sha256: READER} if specs is None else specs, **changes)
