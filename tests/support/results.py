"""Media, segments and results as the actors hand them over, made by hand for the tests of what comes after."""

from collections.abc import Sequence
from typing import Any

from actors.contract import (
    Flag,
    Language,
    Medium,
    MediumResult,
    ModelSpec,
    Reason,
    Rejection,
    SegmentLogits,
    Span,
    Stage,
    segment_id,
)
from tests.support.records import model_spec

ENGLISH = model_spec()
KOREAN = model_spec(source="models/korean", revision=None, weights_sha256="cd" * 32, labels=("슬픔", "기쁨"), demo=True)
SPECS = {spec.weights_sha256: spec for spec in (ENGLISH, KOREAN)}
LABEL_MAP = {"neu": "neutral", "hap": "happy", "ang": "angry", "sad": "sad", "슬픔": "sad", "기쁨": "happy"}


def medium(uri: str = "s3://media/a.wav", etag: str = "e1", size: int = 1000) -> Medium:
    """One object."""
    return Medium(uri, etag, size)


def segment(
    of: Medium,
    number: int,
    logits: Sequence[float] = (0.0, 1.0, 2.0, 3.0),
    *,
    spec: ModelSpec = ENGLISH,
    language: str = "en",
    flags: tuple[Flag, ...] = (),
) -> SegmentLogits:
    """The `number`-th segment of a medium: four seconds from second 5 · number on."""
    span = Span(5.0 * number, 5.0 * number + 4.0)
    heard = Language(language, 0.75, 0.5, language)
    name = segment_id(of.uri, of.etag, span)
    return SegmentLogits(
        name, span, heard, spec.source, spec.weights_sha256, spec.precision, tuple(map(float, logits)), flags
    )


def scored(of: Medium, *rows: SegmentLogits, rejections: Sequence[Rejection] = (), **changes: Any) -> MediumResult:
    """A medium with these rows, by default two, every segment accounted for."""
    rows = rows or (segment(of, 0), segment(of, 1, (3.0, 0.0, 0.0, 0.0)))
    planned = (*(row.segment_id for row in rows), *(each.segment_id for each in rejections if each.segment_id))
    values: dict[str, Any] = {"routes": {"en": "route-en"}, "seconds": {"fetch": 0.5, "score": 1.0}}
    return MediumResult(of, 20.0, planned, rows, tuple(rejections), **(values | changes))


def silent(of: Medium) -> MediumResult:
    """A medium without speech."""
    return MediumResult(of, 20.0, (), (), ())


def rejected(of: Medium, reason: Reason = Reason.UNDECODABLE) -> MediumResult:
    """A medium that could not be read."""
    return MediumResult(of, 0.0, (), (), (fault(of, reason),))


def fault(of: Medium, reason: Reason = Reason.UNDECODABLE, number: int | None = None) -> Rejection:
    """A fault of a medium, or of its `number`-th segment."""
    if number is None:
        return Rejection(of, Stage.READ, reason, f"{reason} in {of.uri}")
    return Rejection(of, Stage.SCORE, reason, f"{reason} in {of.uri}", segment(of, number).segment_id)
