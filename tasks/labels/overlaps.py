"""Which segments of a medium overlap. Each may be meant so (two speakers); all of them are used."""

import numpy as np
import numpy.typing as npt

from tasks.labels.problems import Problem, ProblemKind


def overlaps(
    media: npt.NDArray[np.object_],
    start_s: npt.NDArray[np.float64],
    end_s: npt.NDArray[np.float64],
    line: npt.NDArray[np.int64],
) -> list[Problem]:
    """The segments that begin before an earlier one of their medium ends, each with the one that ends last.

    Args:
        media: Names, (n,).
        start_s: Seconds, (n,).
        end_s: Seconds, (n,).
        line: Where they stand, (n,).

    Returns:
        One problem for each later segment, named by its line. Times are compared in milliseconds.
    """
    starts, ends = np.round(start_s * 1000).astype(np.int64), np.round(end_s * 1000).astype(np.int64)
    names = {name: code for code, name in enumerate(dict.fromkeys(media.tolist()))}
    codes = np.array([names[name] for name in media.tolist()], dtype=np.int64)
    order = np.lexsort((ends, starts, codes))
    latest = _latest_before(codes[order], ends[order])
    late, other = order[1:], order[latest]
    found = np.flatnonzero((codes[late] == codes[other]) & (starts[late] < ends[other]))
    return [
        Problem(int(line[a]), ProblemKind.OVERLAP, f"overlaps the segment on line {line[b]}: both are used")
        for a, b in zip(late[found], other[found], strict=True)
    ]


def _latest_before(codes: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each row but the first, the row before it that ends last in its medium; in order of medium and start."""
    # Media apart by more than any time: the running maximum then begins anew with each.
    shifted = ends + codes * (int(ends.max(initial=0)) + 1)
    at = np.where(shifted == np.maximum.accumulate(shifted), np.arange(len(ends)), 0)
    return np.maximum.accumulate(at)[:-1]
