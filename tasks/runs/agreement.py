"""How often two runs give the same emotion to the same segment, read from the scores that are still there."""

import pyarrow as pa
import pyarrow.compute as pc

from infra.errors import StoreError
from infra.location import Location
from infra.shelf import Shelf
from tasks.records.run import RunRecord
from tasks.runs.comparison import Agreement
from tasks.tables import from_parquet

_MOST_SHARDS = 500
"""Shards of each run that are read at most, in the order of their names: about as many hours of audio."""


def agree(shelf: Shelf, first: RunRecord, second: RunRecord) -> Agreement | None:
    """Compare the scores of two runs, segment by segment, over whatever both have scored.

    Returns:
        None where both runs made the same table, or the scores of one are not there any more.
    """
    if first.outputs.scores == second.outputs.scores and _weights(first) == _weights(second):
        return None
    try:
        one, other = _emotions(shelf, first), _emotions(shelf, second)
    except StoreError:
        return None
    both = one.join(other, keys="segment_id", join_type="inner", right_suffix="_second")
    if not one.num_rows or not other.num_rows:
        return None
    left, right = (pc.fill_null(both[name], "undecided") for name in ("emotion", "emotion_second"))
    if not both.num_rows:
        return Agreement(segments=0, same=None, kappa=None)
    same = float(pc.mean(pc.cast(pc.equal(left, right), pa.float64())).as_py())
    return Agreement(segments=both.num_rows, same=same, kappa=_kappa(left, right, same))


def _emotions(shelf: Shelf, run: RunRecord) -> pa.Table:
    """segment_id and emotion of the rows that this run's models made, under its decision."""
    folder = _below(run.outputs.scores, run.results_uri)
    names = sorted(name for name in shelf.names(folder) if name.endswith(".parquet"))[:_MOST_SHARDS]
    tables = [from_parquet(shelf.get(name)).select(["segment_id", "weights_sha256", "emotion"]) for name in names]
    schema = pa.schema([("segment_id", pa.string()), ("weights_sha256", pa.string()), ("emotion", pa.string())])
    rows = pa.concat_tables([schema.empty_table(), *(each.cast(schema) for each in tables)])
    rows = rows.filter(pc.is_in(rows["weights_sha256"], value_set=pa.array(sorted(_weights(run)), pa.string())))
    # A medium that was tried again stands in two shards: its segments count once.
    return (
        rows.select(["segment_id", "emotion"])
        .group_by("segment_id")
        .aggregate([("emotion", "min")])
        .rename_columns(["segment_id", "emotion"])
    )


def _below(uri: str, results: str) -> str:
    return Location.parse(uri).uri.removeprefix(Location.parse(results).uri.rstrip("/")).strip("/")


def _weights(run: RunRecord) -> set[str]:
    return {spec.weights_sha256 for spec in run.models.values()}


def _kappa(left: pa.ChunkedArray, right: pa.ChunkedArray, same: float) -> float | None:
    """Cohen's kappa: (observed - chance)/(1 - chance), chance from how often each side says what."""
    shares = []
    for side in (left, right):
        counted = pc.value_counts(side).to_pylist()
        shares.append({each["values"]: each["counts"] / len(side) for each in counted})
    chance = sum(share * shares[1].get(name, 0.0) for name, share in shares[0].items())
    return (same - chance) / (1 - chance) if chance < 1 else None
