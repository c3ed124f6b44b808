"""What a candidate's text models answered, and its audio alone beside it: what a fusing decision is made of.

Owns the step from what was read to posteriors. What is decided of both together is answers.py's part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actors.contract import TAXONOMY, ModelSpec
from actors.texts import SegmentText
from tasks.evaluation.candidates import Candidate
from tasks.evaluation.read import Read
from tasks.numerics.alarms import Tally
from tasks.numerics.decision import Decision, Floats, decide, own_posterior
from tasks.tables import POSTERIOR, model_specs, scores_table
from tasks.texts.tables import LabelMap, Texts

_UNSAID = SegmentText("", "")


@dataclass(frozen=True, eq=False)
class TextAnswers:
    """What was read of n segments.

    Attributes:
        read: The texts and the raw outputs.
        posterior: Of the text alone over the taxonomy, float64 (n, 7); NaN rows where there is none.
        heard: Of the audio alone, under the candidate's own decision, (n, 7); None where it only reads.
        specs: The text models, by weights_sha256. maps: label to emotion, likewise.
        has_say: Whether what is read counts in the candidate's answers.
    """

    read: Read
    posterior: Floats
    heard: Floats | None
    specs: Mapping[str, ModelSpec]
    maps: Mapping[str, LabelMap]
    has_say: bool

    @property
    def alarms(self) -> tuple[str, ...]:
        """What makes the text models' answers suspicious, as flags."""
        found: dict[str, None] = {}
        for sha, spec in self.specs.items():
            rows = [
                row.logits for row in self.read.rows if row is not None and row.weights_sha256 == sha and row.logits
            ]
            if rows and spec.kind != "dimensional":
                own, labels = own_posterior(np.array(rows, dtype=np.float32), spec)
                found |= dict.fromkeys(f"text_{alarm}" for alarm in Tally.of(own, labels).alarms())
        return tuple(found)


def texts_of(candidate: Candidate, read: Read, scored: npt.NDArray[np.int64]) -> Texts | None:
    """The texts of the segments that were heard, in their order, as a decision takes them; None where there are none.

    Args:
        candidate: Whose decision it is.
        read: What it read.
        scored: Indices of the segments that were heard.
    """
    if candidate.decisions.text is None or read.problem is not None:
        return None
    rows = [read.rows[index] or _UNSAID for index in scored.tolist()]
    return Texts.of(rows, read.specs, candidate.decisions.text.label_maps)


def text_answers(candidate: Candidate, read: Read, rows: pa.Table, scored: npt.NDArray[np.int64]) -> TextAnswers:
    """What a candidate read, apart from what it heard.

    Args:
        candidate: Who read.
        read: What it read of n segments.
        rows: LOGITS rows of the segments that were heard. scored: their indices.
    """
    reads = candidate.reads
    maps = reads.identity.label_maps if reads and reads.identity else {}
    used = {
        sha: spec for sha, spec in read.specs.items() if any(row and row.weights_sha256 == sha for row in read.rows)
    }
    texts = Texts.of([row or _UNSAID for row in read.rows], read.specs, maps)
    heard = None
    if candidate.hears:
        heard = np.full((len(read.rows), len(TAXONOMY)), np.nan)
        heard[scored] = posteriors(scores_table(rows, candidate.decisions, "evaluation"))
    return TextAnswers(
        read,
        texts.posterior(candidate.decisions.of("").max_dropped_mass).posterior,
        heard,
        used,
        {sha: maps[sha] for sha in used},
        not candidate.hears or any(_listens(candidate, language) for language in candidate.identities),
    )


def plain_audio(candidate: Candidate, rows: pa.Table) -> Floats:
    """Posterior by the audio alone under the plain decision, (rows, 7): what parameters are tried on.

    Args:
        candidate: Whose label maps count, and its map of dimensions.
        rows: LOGITS rows.
    """
    specs = model_specs(rows)
    found = np.full((rows.num_rows, len(TAXONOMY)), np.nan)
    groups = list(zip(rows["weights_sha256"].to_pylist(), rows["language"].to_pylist(), strict=True))
    logits: Sequence[Sequence[float]] = rows["logits"].to_pylist()
    for sha, language in sorted(set(groups)):
        own = [row for row, group in enumerate(groups) if group == (sha, language)]
        outputs = np.array([logits[row] for row in own], dtype=np.float32)
        found[own] = decide(outputs, specs[sha], _plain(candidate.decisions.of(language))).posterior
    return found


def posteriors(scores: pa.Table) -> Floats:
    """Posteriors of a `scores` table, float64 (rows, 7); NaN rows where undecided."""
    columns = [scores[name].to_numpy(zero_copy_only=False) for name in POSTERIOR]
    return np.asarray(np.stack(columns, axis=1), dtype=np.float64).reshape(-1, len(TAXONOMY))


def _plain(decision: Decision) -> Decision:
    """The same without what is tuned."""
    return Decision(
        label_map=decision.label_map, dimension_map=decision.dimension_map, max_dropped_mass=decision.max_dropped_mass
    )


def _listens(candidate: Candidate, language: str) -> bool:
    """Whether a language's decision gives what is read a say."""
    return candidate.decisions.of(language).audio_weight < 1
