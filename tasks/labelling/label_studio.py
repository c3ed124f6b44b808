"""Segments as tasks of Label Studio, with what the model says as a prediction, and the interface they are made for.

The formats are described at https://labelstud.io/guide/predictions and https://labelstud.io/tags. What comes back is
read by tasks/labels/label_studio.py. A region is marked as speech, and the emotion is a choice for each region: without
a prediction the annotator then still sees where to listen.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

from actors.contract import TAXONOMY
from tasks.labelling.segment import ToLabel
from tasks.labels.label_studio import MEDIA_URI
from tasks.report.words import words

Per = Literal["segment", "medium"]

REGION = "segment"
"""Name of the control that marks regions. Its only label is no emotion, and so never taken for one."""

SPEECH = "Speech"
CHOICE = "emotion"
"""Name of the control that says which emotion a region has."""

_AUDIO = "audio"
_SHORT = 8
"""Characters of a decision's name that tell it from others."""


def tasks_of(
    segments: Iterable[ToLabel], audio: Callable[[str], str], *, per: Per = "segment", blind: bool = False
) -> Iterator[dict[str, Any]]:
    """One task a segment, or one a medium with all its segments as regions.

    Args:
        segments: What to label; for tasks by medium those of one medium in a row, and none that was picked.
        audio: The address at which Label Studio finds a medium, by its uri.
        per: What a task is. A task for each segment can be skipped by itself, and remembers why it was picked.
        blind: Leave out what the model says: annotators who see it tend to agree with it.
    """
    if per == "segment":
        for segment in segments:
            yield _task(segment.uri, [segment], audio, _about(segment, blind=blind), blind=blind)
        return
    for uri, together in groupby(segments, key=lambda segment: segment.uri):
        yield _task(uri, list(together), audio, {}, blind=blind)


def interface() -> str:
    """The labelling interface that the tasks are made for, as Label Studio's XML. Korean words show on hovering."""
    choices = "\n".join(
        f'    <Choice value={quoteattr(emotion)} hint={quoteattr(words(f"emotion_{emotion}").ko)} hotkey="{number}"/>'
        for number, emotion in enumerate(TAXONOMY, start=1)
    )
    return f"""<View>
  <Audio name="{_AUDIO}" value="${_AUDIO}"/>
  <Labels name="{REGION}" toName="{_AUDIO}">
    <Label value="{SPEECH}"/>
  </Labels>
  <Choices name="{CHOICE}" toName="{_AUDIO}" perRegion="true" choice="single" required="true" showInline="true">
{choices}
  </Choices>
</View>
"""


def _task(
    uri: str, segments: list[ToLabel], audio: Callable[[str], str], about: dict[str, Any], *, blind: bool
) -> dict[str, Any]:
    data = {_AUDIO: audio(uri), MEDIA_URI: uri} | about
    return {"data": data, "predictions": [_prediction(segments, blind=blind)]}


def _about(segment: ToLabel, *, blind: bool) -> dict[str, Any]:
    """What the task says of its segment. The interface shows none of it: the reason tells what models say."""
    about: dict[str, Any] = {"segment_id": segment.segment_id, "start_s": segment.start_s, "end_s": segment.end_s}
    about |= {"language": segment.language}
    if segment.text:
        about |= {"text": segment.text}
    if segment.why is not None:
        about |= {"pick": segment.why.pick, "draw": segment.why.draw}
    if not blind:
        about |= {"predicted_emotion": segment.emotion, "confidence": segment.confidence}
    if segment.why is not None and not blind:
        about |= {"reason": segment.why.reason.en, "reason_ko": segment.why.reason.ko}
    return about


def _prediction(segments: list[ToLabel], *, blind: bool) -> dict[str, Any]:
    results = [result for segment in segments for result in _results(segment, blind=blind)]
    if blind:
        return {"model_version": "segments", "result": results}
    prediction = {"model_version": _version(segments), "result": results}
    known = [segment.confidence for segment in segments if segment.confidence is not None]
    return prediction | ({"score": round(sum(known) / len(known), 6)} if known else {})


def _version(segments: list[ToLabel]) -> str:
    """Which models, and under which decision: one medium may have been heard by several."""
    models = sorted({segment.model for segment in segments})
    return f"{', '.join(models)} ({segments[0].decision[:_SHORT]})"


def _results(segment: ToLabel, *, blind: bool) -> Iterator[dict[str, Any]]:
    """The region, and the choice, which belongs to it by its id."""
    span = {"start": segment.start_s, "end": segment.end_s, "channel": 0}
    common = {"id": segment.segment_id, "to_name": _AUDIO}
    yield common | {"from_name": REGION, "type": "labels", "value": span | {"labels": [SPEECH]}}
    if segment.emotion is not None and not blind:
        choice = {"from_name": CHOICE, "type": "choices", "value": span | {"choices": [segment.emotion]}}
        yield common | choice | {"score": segment.confidence}
