"""The data checks: what must hold of a shard before its commit, and what a finished run should be warned of.

Alone imports Great Expectations. A shard is checked over its own table; a run over a summary of one row, so that a
million segments cost no more than ten.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from actors.contract import TAXONOMY, MediumResult
from tasks.config.scoring import Warnings
from tasks.tables import POSTERIOR, SCORES

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

Floats = npt.NDArray[np.float64]

_SUM_TOLERANCE, _TIE = 1e-4, 1e-6
_DECIDED = (*POSTERIOR, "emotion", "confidence", "entropy")
_WITH_TEXTS = ("text", "emotion_audio", "emotion_text")


@dataclass(frozen=True)
class Checked:
    """What the checks of one table said.

    Attributes:
        failed: One line per failed expectation: the check, the column, and how many rows against how many.
        results: Great Expectations' own results, as JSON values.
    """

    failed: tuple[str, ...]
    results: tuple[dict[str, Any], ...]


def prepare() -> None:
    """Import what the checks need, and make a first one: some seconds that no shard should wait for."""
    check_summary({"neutral_rate": 0.0}, Warnings())


def check_shard(
    scores: pa.Table, quarantine: pa.Table, results: Sequence[MediumResult], languages: Sequence[str]
) -> Checked:
    """Check a shard before its commit.

    Args:
        scores: Its decided rows.
        quarantine: Its faults.
        results: What came of each planned medium: what has to be accounted for.
        languages: The routed languages.
    """
    checks = [
        check_scores(scores, languages),
        _check("segments", _segments_frame(scores, quarantine, results), _segment_expectations()),
        _check("media", _media_frame(scores, quarantine, results), _media_expectations()),
    ]
    return Checked(
        tuple(line for each in checks for line in each.failed), tuple(r for each in checks for r in each.results)
    )


def check_scores(scores: pa.Table, languages: Sequence[str]) -> Checked:
    """Check decided rows alone, such as a decision makes later of stored logits, and of texts beside them.

    Args:
        scores: The rows.
        languages: Those that a row may have.
    """
    return _check("scores", _rows_frame(scores), _row_expectations(languages))


def check_summary(shares: dict[str, float], limits: Warnings) -> Checked:
    """Check a run's shares (`neutral_rate`, …) against the warning thresholds; an undefined share is left out."""
    import great_expectations.expectations as gxe

    expectations = [
        gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=getattr(limits, name)) for name in shares
    ]
    if not shares:
        return Checked((), ())
    checked = _check("summary", pd.DataFrame([shares]), expectations)
    exceeded = [each["expectation_config"]["kwargs"]["column"] for each in checked.results if not each["success"]]
    lines = (f"{name} is {shares[name]:.0%}, over its limit of {getattr(limits, name):.0%}" for name in exceeded)
    return replace(checked, failed=tuple(lines))


def _rows_frame(scores: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = scores.drop_columns(["flags"]).to_pandas()
    posterior = frame[list(POSTERIOR)].to_numpy(dtype=np.float64)
    decided = frame["emotion"].notna().to_numpy()
    frame["flags"] = [",".join(flags) for flags in scores["flags"].to_pylist()]
    frame["posterior_sum"] = np.where(decided, posterior.sum(axis=1), np.nan)
    # A row is either decided throughout or null throughout.
    frame["nulls"] = frame[list(_DECIDED)].isna().sum(axis=1)
    frame["nulls_expected"] = np.where(decided, 0, len(_DECIDED))
    frame["lead_lost"] = _lead_lost(frame["emotion"], posterior)
    # A row whose words were read has them; one whose were not is decided by audio alone.
    read = frame["emotion_text"].notna()
    frame["read_nothing"] = (read & frame["text"].isna()).astype(int)
    others = frame["emotion_audio"].notna() & ~read & (frame["emotion"] != frame["emotion_audio"])
    frame["fused_unread"] = others.astype(int)
    return frame


def _lead_lost(emotions: pd.Series, posterior: Floats) -> Floats:
    """By how much another emotion is more probable than the chosen one, (n,); NaN where none of the seven is chosen."""
    place = emotions.map({emotion: index for index, emotion in enumerate(TAXONOMY)})
    known = place.notna().to_numpy()
    lost = np.full(len(emotions), np.nan)
    chosen = posterior[known, place[known].astype(int)]
    lost[known] = posterior[known].max(axis=1) - chosen
    return lost


def _row_expectations(languages: Sequence[str]) -> "list[Expectation]":
    import great_expectations.expectations as gxe

    required = [name for name in SCORES.names if name not in (*_DECIDED, *_WITH_TEXTS)]
    derived = ["posterior_sum", "nulls", "nulls_expected", "lead_lost", "read_nothing", "fused_unread"]
    between = gxe.ExpectColumnValuesToBeBetween
    return [
        gxe.ExpectTableColumnsToMatchSet(column_set=[*SCORES.names, *derived], exact_match=True),
        *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in required),
        gxe.ExpectColumnValuesToBeUnique(column="segment_id"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="end_s", column_B="start_s"),
        between(column="start_s", min_value=0),
        *(between(column=name, min_value=0, max_value=1) for name in (*POSTERIOR, "confidence", "dropped_mass")),
        *(between(column=name, min_value=0, max_value=1) for name in ("language_confidence", "language_margin")),
        between(column="entropy", min_value=-_SUM_TOLERANCE, max_value=float(np.log(len(TAXONOMY))) + _SUM_TOLERANCE),
        between(column="information", min_value=0),
        between(column="posterior_sum", min_value=1 - _SUM_TOLERANCE, max_value=1 + _SUM_TOLERANCE),
        gxe.ExpectColumnPairValuesToBeEqual(column_A="nulls", column_B="nulls_expected"),
        # Stored in single precision, where two may tie; the choice was made in double.
        between(column="lead_lost", min_value=0, max_value=_TIE),
        *(
            gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(TAXONOMY))
            for name in ("emotion", "emotion_audio", "emotion_text")
        ),
        *(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=[0]) for name in ("read_nothing", "fused_unread")),
        gxe.ExpectColumnValuesToBeInSet(column="language", value_set=list(languages)),
        gxe.ExpectColumnValuesToBeInSet(column="precision", value_set=["fp32", "bf16", "fp16"]),
    ]


def _segments_frame(scores: pa.Table, quarantine: pa.Table, results: Sequence[MediumResult]) -> pd.DataFrame:
    """One row per segment that was planned or has come out: how often it was planned, and how often it came out."""
    planned = Counter(name for result in results for name in result.planned)
    found = Counter(scores["segment_id"].to_pylist())
    found.update(name for name in quarantine["segment_id"].to_pylist() if name is not None)
    names = sorted(set(planned) | set(found))
    return pd.DataFrame(
        {"segment_id": names, "planned": [planned[name] for name in names], "found": [found[name] for name in names]}
    )


def _segment_expectations() -> "list[Expectation]":
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnValuesToBeInSet(column="planned", value_set=[1]),
        gxe.ExpectColumnValuesToBeInSet(column="found", value_set=[1]),
    ]


def _media_frame(scores: pa.Table, quarantine: pa.Table, results: Sequence[MediumResult]) -> pd.DataFrame:
    """One row per planned medium: every one is scored, silent or quarantined, and a silent one has no rows."""
    rows = Counter(scores["media_uri"].to_pylist())
    faults = Counter(quarantine["media_uri"].to_pylist())
    frame = pd.DataFrame(
        {
            "media_uri": [result.medium.uri for result in results],
            "planned_segments": [len(result.planned) for result in results],
            "rows": [rows[result.medium.uri] for result in results],
            "faults": [faults[result.medium.uri] for result in results],
        }
    )
    whole = (frame["faults"] == 1) & (frame["rows"] == 0) & (frame["planned_segments"] == 0)
    frame["accounted"] = (whole | (frame["rows"] + frame["faults"] == frame["planned_segments"])).astype(int)
    return frame


def _media_expectations() -> "list[Expectation]":
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnValuesToBeUnique(column="media_uri"),
        gxe.ExpectColumnValuesToBeInSet(column="accounted", value_set=[1]),
    ]


def _check(name: str, frame: pd.DataFrame, expectations: "Sequence[Expectation]") -> Checked:
    """Run expectations over a frame with an in-memory context: nothing is written, nothing leaves the machine."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # In memory throughout: by default even an ephemeral context makes a folder for pages that nobody asked for.
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    context = gx.get_context(project_config=DataContextConfig(store_backend_defaults=stores, analytics_enabled=False))
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name).get_batch(batch_parameters={"dataframe": frame})
    outcome = batch.validate(gx.ExpectationSuite(name=name, expectations=list(expectations)))
    results = [result.to_json_dict() for result in outcome.results]
    return Checked(tuple(_line(name, each) for each in results if not each["success"]), tuple(results))


def _line(name: str, result: dict[str, Any]) -> str:
    arguments = result["expectation_config"]["kwargs"]
    columns = ", ".join(str(arguments[key]) for key in ("column", "column_A", "column_B") if key in arguments)
    details = result["result"]
    if "unexpected_count" in details:
        found = f"{details['unexpected_count']} of {details['element_count']} rows, for example "
        found += ", ".join(str(value) for value in details.get("partial_unexpected_list", [])[:3])
    else:
        found = str(details.get("details") or result.get("exception_info") or details)
    return f"{name}: {result['expectation_config']['type']}({columns}): {found}"
