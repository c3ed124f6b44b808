"""The candidates of a re-evaluation against the current configuration, and against themselves at the last time.

Both comparisons are of the same segments, by source. Figures of different labels are never subtracted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.evaluation.figures import record_interval
from tasks.evaluation.result import Comparison, Evaluation
from tasks.evaluation.result_model import Interval, ModelResult
from tasks.numerics.comparison import ALPHA, Pair, compare
from tasks.numerics.significance import holm
from tasks.reevaluation.result import Against, Reevaluation, Row, Since

_TURNED = {"better": "worse", "worse": "better"}


@dataclass(frozen=True, eq=False)
class Before:
    """The last re-evaluation, and every answer of its evaluation; None where those are gone."""

    record: Reevaluation
    predictions: pd.DataFrame | None


def rows(evaluation: Evaluation, predictions: pd.DataFrame, current: str, named: Sequence[str], before: Before | None
) -> tuple[Row, ...]:  # fmt: skip
    """A row for each candidate but the baselines, as the evaluation has them.

    Args:
        evaluation: On the labels of now.
        predictions: Its answers (`tasks.evaluation.archive.PREDICTIONS`).
        current: The candidate that the others are held against.
        named: Those that were asked for.
        before: The last time, if there was one.
    """
    models = [each for each in evaluation.models if each.kind != "baseline"]
    against = against_current(evaluation.comparisons, current)
    since = since_last([each.model for each in models], predictions, before) if before else {}
    return tuple(_row(each, each.model in named, against.get(each.model), since.get(each.model)) for each in models)


def against_current(comparisons: Sequence[Comparison], current: str) -> dict[str, Against]:
    """Each candidate less the current configuration, by name."""
    found = {each.b: _against(each) for each in comparisons if each.a == current}
    return found | {each.a: _turned(_against(each)) for each in comparisons if each.b == current}


def since_last(models: Sequence[str], predictions: pd.DataFrame, before: Before) -> dict[str, Since]:
    """Each candidate now less the same at the last time, on the segments of both and by the labels of now."""
    then = {name: row for name in models if (row := before.record.row(name)) is not None}
    shared = {name: _shared(name, predictions, before.predictions) for name in then}
    pairs = {name: pair for name, frame in shared.items() if (pair := _pair(frame)) is not None}
    adjusted = dict(zip(pairs, holm([each.sign_flip for each in pairs.values()]).tolist(), strict=True))
    return {name: _since(row, shared[name], pairs.get(name), adjusted.get(name)) for name, row in then.items()}


def _row(model: ModelResult, named: bool, against: Against | None, since: Since | None) -> Row:
    return Row(
        model=model.model,
        kind=model.kind,
        named=named,
        status=model.status,
        reason=model.reason,
        n=model.n,
        accuracy=model.accuracy,
        accuracy_ci=model.accuracy_ci_grouped or model.accuracy_ci,
        macro_f1_present=model.macro_f1_present,
        uar=model.uar,
        flags=model.flags,
        against=against,
        since=since,
    )


def _against(pair: Comparison) -> Against:
    return Against(
        n=pair.n,
        difference=pair.difference,
        ci=pair.ci,
        p_adjusted=pair.p_adjusted,
        verdict=pair.verdict,
        labels_to_decide=pair.labels_to_decide,
        undefined=pair.undefined,
    )


def _turned(each: Against) -> Against:
    """The same, seen from the other side."""
    ci = each.ci and each.ci.model_copy(update={"low": -each.ci.high, "high": -each.ci.low})
    return each.model_copy(
        update={"difference": -each.difference, "ci": ci, "verdict": _TURNED.get(each.verdict, each.verdict)}
    )


def _shared(name: str, now: pd.DataFrame, then: pd.DataFrame | None) -> pd.DataFrame | None:
    """The segments that a candidate answered both times: `source`, `now`, `then`; None where the answers are gone."""
    if then is None:
        return None
    columns = ["segment_key", "emotion"]
    earlier = then.loc[then["candidate"] == name, columns].rename(columns={"emotion": "then"})
    own = now.loc[now["candidate"] == name, [*columns, "truth", "media"]].rename(columns={"emotion": "now"})
    return own.merge(earlier, on="segment_key", how="inner").sort_values("segment_key")


def _pair(frame: pd.DataFrame | None) -> Pair | None:
    if frame is None or frame.empty:
        return None
    right: Mapping[str, np.ndarray] = {
        when: (frame[when] == frame["truth"]).to_numpy(dtype=np.bool_) for when in ("then", "now")
    }
    return compare(right, pd.factorize(frame["media"])[0])[0]


def _since(row: Row, frame: pd.DataFrame | None, pair: Pair | None, adjusted: float | None) -> Since:
    if frame is None or pair is None or adjusted is None:
        why = "its answers of then are no longer stored" if frame is None else "no segment was answered both times"
        return Since(accuracy_before=row.accuracy, n_before=row.n, undefined={"against": why})
    same = bool((frame["now"].fillna("") == frame["then"].fillna("")).all())
    return Since(
        accuracy_before=row.accuracy, n_before=row.n, same_answers=same, against=_numeric(pair, adjusted, len(frame))
    )


def _numeric(pair: Pair, adjusted: float, n: int) -> Against:
    interval: Interval | None = record_interval(pair.interval)
    told = pair.verdict in ("better", "worse") and adjusted <= ALPHA
    verdict = pair.verdict if told or pair.verdict == "tied" else "undecided"
    undefined = {} if interval else {"ci": pair.interval.note or "it cannot be told"}
    return Against(
        n=n,
        difference=pair.difference,
        ci=interval,
        p_adjusted=adjusted,
        verdict=verdict,
        labels_to_decide=pair.labels_to_decide,
        undefined=undefined,
    )
