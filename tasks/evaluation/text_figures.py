"""What an evaluation's record says of texts: the models behind a candidate, what was read, and how right it is."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY, ModelSpec
from tasks.evaluation.answers import Answers, chosen
from tasks.evaluation.read import reason
from tasks.evaluation.result_text import Part, TextRead
from tasks.texts.tables import LabelMap

_MOST_DETAILS = 10


def parts(answers: Answers) -> tuple[Part, ...]:
    """The models behind a candidate: those that hear, then those that read."""
    reads = {} if answers.text is None else answers.text.specs
    found = [_part(spec, answers.maps) for sha, spec in answers.specs.items() if sha not in reads]
    if answers.text is not None:
        found += [_part(spec, answers.text.maps) for spec in answers.text.specs.values()]
    return tuple(found)


def text_read(truth: npt.NDArray[np.int64], answers: Answers) -> TextRead | None:
    """What a candidate read of n segments whose labels are `truth`, (n,); None where it was not asked to."""
    if answers.text is None:
        return None
    rows = answers.text.read.rows
    why = [reason(row) for row in rows]
    answered = np.array([each is None for each in why], dtype=bool)
    heard = answers.text.heard
    return TextRead(
        n=int(answered.sum()),
        sources=_counted(row.source for row, each in zip(rows, why, strict=True) if row and each is None),
        missing=_counted(why),
        has_say=answers.text.has_say,
        accuracy=_accuracy(truth, chosen(answers.text.posterior), answered),
        accuracy_audio=None if heard is None else _accuracy(truth, chosen(heard), answered),
        problem=answers.text.read.problem,
        details=dict(Counter(row.reason for row in rows if row and row.reason).most_common(_MOST_DETAILS)),
    )


def _part(spec: ModelSpec, maps: Mapping[str, LabelMap]) -> Part:
    own = maps.get(spec.weights_sha256, {})
    labels = () if spec.kind == "dimensional" else spec.labels
    label_map = {label: own.get(label, own.get(label.lower())) for label in labels}
    reached = set(label_map.values()) if labels else set(TAXONOMY)
    return Part(
        modality=spec.modality,
        source=spec.source,
        revision=spec.revision,
        weights_sha256=spec.weights_sha256,
        output_kind=spec.kind,
        labels=spec.labels,
        label_map=label_map,
        says=tuple(each for each in TAXONOMY if each in reached),
    )


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(each for each in values if each is not None).items()))


def _accuracy(truth: npt.NDArray[np.int64], said: npt.NDArray[np.int64], rows: npt.NDArray[np.bool_]) -> float | None:
    return float((said == truth)[rows].mean()) if rows.any() else None
