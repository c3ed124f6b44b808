"""The texts of an evaluation: what a candidate that reads makes of them, after all have heard. run.py has the rest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from actors.texts import Cue
from infra.errors import CheckpointError, SeraphError, WeightsAbsentError
from infra.storage import Store
from tasks.evaluation.candidates import Candidate, Reads
from tasks.evaluation.hear import Heard
from tasks.evaluation.read import Read
from tasks.evaluation.read_texts import OpenTexts, read_texts, said_in
from tasks.evaluation.result_model import ModelResult
from tasks.evaluation.run import Opened, content_of, unavailable
from tasks.texts.stage import label_texts


def read_candidate(
    opened: Opened, candidate: Candidate, heard: Heard | ModelResult, open_texts: OpenTexts
) -> Heard | ModelResult:
    """Let one candidate read what is said, where it reads, after all have heard: text never makes audio wait or fail.

    What goes wrong is told beside what a configuration heard; one that only reads becomes a row with its reason.

    Args:
        opened: The evaluation.
        candidate: Who reads.
        heard: What came of `hear_candidate`.
        open_texts: See `OpenTexts`.
    """
    if candidate.reads is None or isinstance(heard, ModelResult):
        return heard
    assert opened.request.media is not None
    access = opened.services.access_for(opened.request.media)
    try:
        said = said_in(opened.segments, _cues(opened, candidate.reads))
        digest = lambda each: content_of(access, each)  # noqa: E731
        files = Store(access)
        return read_texts(candidate, heard, opened.wanted, said, opened.cache, files, access, open_texts, digest)
    except SeraphError as error:
        refused = isinstance(error, CheckpointError) and not isinstance(error, WeightsAbsentError)
        return _unread(opened, candidate, heard, "refused" if refused else "failed", str(error))
    except Exception as error:  # noqa: BLE001 - whatever befalls the texts, what was heard stands
        return _unread(opened, candidate, heard, "failed", f"{type(error).__name__}: {error}")


def _unread(
    opened: Opened, candidate: Candidate, heard: Heard, status: Literal["refused", "failed"], why: str
) -> Heard | ModelResult:
    if not candidate.hears:
        return unavailable(candidate, status, why)
    return replace(heard, read=Read((None,) * len(opened.wanted), problem=why))


def _cues(opened: Opened, reads: Reads) -> Mapping[str, tuple[Cue, ...]]:
    """What the label file of a candidate's own configuration says, by media uri."""
    if reads.labels is None or "labels" not in reads.options.source:
        return {}
    found = label_texts(reads.labels, opened.services)
    return found.fitted({each.medium.uri for each in opened.wanted})
