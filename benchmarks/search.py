"""How fast a grid of decision parameters is searched, against a plain Python loop, and in how much memory.

    python benchmarks/search.py [--repetitions 3] [--seed 5]

Writes benchmarks/search-2-cores.json. Scores and labels are drawn; nothing is downloaded, no service is started. The
budget is 5 s and 500 MB for a million points on 31 segments on two cores, and a hundred times the configurations per
second of the plain loop, which must choose the same point. Compiling, once a process, is told apart.
`ratio_of_one_core` compares seconds of one core, which other work on the machine disturbs less.
"""

import argparse
import json
import math
import os
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from actors.contract import TAXONOMY
from tasks.numerics.decision import Decision, TextPosterior, decide_posterior
from tasks.numerics.grid import DEFAULTS, Evidence, Grid, options_of
from tasks.numerics.search import Best, coordinate_search, search

RESULT = Path(__file__).with_name("search-2-cores.json")
BUDGET_S, BUDGET_MB, BUDGET_RATIO = 5.0, 500.0, 100.0
SEGMENTS = 31
SHARES = (0.64, 0.08, 0.08, 0.08, 0.06, 0.06, 0.0)

Row = Sequence[float]
Labelled = tuple[list[int], list[list[float]], list[list[float]]]


def main() -> None:
    arguments = _arguments()
    evidence = _evidence(SEGMENTS, np.random.default_rng(arguments.seed))
    before_mb = _peak_mb()
    compiling = _seconds(lambda: search(evidence, Grid({})))
    of_one_core = _core_seconds(lambda: search(evidence, _million(), threads=1))
    million = {"threads_1": _fastest(lambda: search(evidence, _million(), threads=1), arguments)}
    million["threads_2"] = _fastest(lambda: search(evidence, _million(), threads=2), arguments)
    million["cross_entropy"] = _fastest(lambda: search(evidence, _million(), "cross_entropy"), arguments)
    million["temperature_varies_fastest"] = _fastest(lambda: search(evidence, _tempered_million()), arguments)
    loops = _loops(evidence)
    rate = len(_million()) / million["threads_2"]
    result = {
        "segments": SEGMENTS,
        "points": len(_million()),
        "seconds": {name: round(value, 2) for name, value in million.items()},
        "seconds_compiling_once": round(compiling, 2),
        "points_per_second": round(rate),
        "ratio_to_plain_loop": round(rate / loops["plain_loop_points_per_second"]),
        "ratio_of_one_core": round(len(_million()) / of_one_core / loops["plain_loop_points_per_core_second"]),
        **{name: round(value) for name, value in loops.items()},
        "coordinate_search_seconds": round(_coordinates(evidence, arguments), 2),
        "peak_mb": round(_peak_mb()),
        "peak_mb_before": round(before_mb),
        "budget": {"seconds": BUDGET_S, "peak_mb": BUDGET_MB, "ratio_to_plain_loop": BUDGET_RATIO},
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


def plain_search(labelled: Labelled, grid: Grid) -> tuple[int, float]:
    """Index and macro F1 over present labels of the best point: nothing but Python, one segment after the other."""
    truth, audio, text = labelled
    best, tied = -1.0, list[tuple[tuple[float, ...], int]]()
    for index, point in enumerate(grid.points()):
        chosen = [_plain_decision(a, t, point) for a, t in zip(audio, text, strict=True)]
        value = _plain_f1(truth, chosen)
        if value > best:
            best, tied = value, []
        if value == best:
            rank = (*_plain_others(truth, chosen), -round(_plain_distance(point), 12), -index)
            tied.append((rank, index))
    return max(tied)[1], best


def _plain_decision(audio: Row, text: Row, point: dict[str, float]) -> int:
    """Index of the chosen emotion of one recorded segment, -1 where undecided; without temperature."""
    share = point["audio_weight"]
    p = _shared([share * a + (1 - share) * t for a, t in zip(audio, text, strict=True)])
    p = _shared([each * point[emotion] for each, emotion in zip(p, TAXONOMY, strict=True)])
    if point["neutral_suppression"] != 1.0:
        second, best = sorted(p[1:])[-2:]
        if best >= point["confidence_threshold"] and best - second >= point["dominance_margin"]:
            p[0] *= point["neutral_suppression"]
        p = _shared(p)
    floor = point["neutral_floor"]
    p[0] = max(p[0], floor / (1 - floor) * (sum(p) - p[0]))
    p = _shared(p)
    return -1 if math.isnan(p[0]) else p.index(max(p))


def _shared(p: list[float]) -> list[float]:
    total = 0.0
    for each in p:
        total += each
    return [each / total for each in p] if total > 0 else [math.nan] * len(p)


def _plain_f1(truth: list[int], chosen: list[int]) -> float:
    """Macro F1 over the labels present."""
    f1 = []
    for emotion in sorted(set(truth)):
        hits = sum(t == c == emotion for t, c in zip(truth, chosen, strict=True))
        f1.append(2 * hits / (truth.count(emotion) + chosen.count(emotion)))
    return round(sum(f1) / len(f1), 12)


def _plain_others(truth: list[int], chosen: list[int]) -> tuple[float, float]:
    """Accuracy and UAR: what decides among equals. Macro F1 over the seven is equal too."""
    right = [t for t, c in zip(truth, chosen, strict=True) if t == c]
    recall = [right.count(emotion) / truth.count(emotion) for emotion in sorted(set(truth))]
    return round(len(right) / len(truth), 12), round(sum(recall) / len(recall), 12)


def _plain_distance(point: dict[str, float]) -> float:
    away = 0.0
    for name, value in point.items():
        factor = name in TAXONOMY or name in ("neutral_suppression", "audio_temperature")
        away += abs(math.log2(value / DEFAULTS[name])) if factor else abs(value - DEFAULTS[name])
    return away


def _numpy_search(evidence: Evidence, grid: Grid) -> None:
    """The decision layer called once a point: what one would write first."""
    assert evidence.text is not None
    assert evidence.recorded is not None
    text = TextPosterior(evidence.text, np.ones(len(TAXONOMY), dtype=bool))
    for point in grid.points():
        decide_posterior(evidence.recorded, Decision(**options_of(point)), text)


def _loops(evidence: Evidence) -> dict[str, float]:
    """Configurations per second of the loops, on a grid that they can bear; all choose the same point."""
    grid = Grid({name: each[::3] for name, each in _million().values.items()})
    assert evidence.text is not None
    assert evidence.recorded is not None
    labelled = (evidence.truth.tolist(), evidence.recorded.tolist(), evidence.text.tolist())
    index, value = 0, 0.0

    def plain() -> None:
        nonlocal index, value
        index, value = plain_search(labelled, grid)

    plain_core_s = _core_seconds(plain)
    plain_s = _seconds(plain)
    found = search(evidence, grid)
    if (found.index, found.value) != (index, value):
        raise SystemExit(f"the plain loop chooses point {index} ({value}), the search {found.index} ({found.value})")
    return {
        "plain_loop_points": len(grid),
        "plain_loop_points_per_second": len(grid) / plain_s,
        "plain_loop_points_per_core_second": len(grid) / plain_core_s,
        "numpy_point_by_point_per_second": 1000 / _seconds(lambda: _numpy_search(evidence, _first(grid, 1000))),
    }


def _first(grid: Grid, points: int) -> Grid:
    """About the first so many points: as many values of the last parameters as it takes, one of the others."""
    kept = {}
    for name, each in reversed(list(grid.values.items())):
        kept[name] = each[: max(1, min(len(each), points))]
        points = -(-points // len(kept[name]))
    return Grid(dict(reversed(list(kept.items()))))


def _million() -> Grid:
    tenths = tuple(np.round(np.linspace(0.5, 1.4, 10), 2).tolist())
    return Grid(
        {
            "audio_weight": tuple(np.round(np.linspace(0.1, 1.0, 10), 2).tolist()),
            **dict.fromkeys(("neutral", "sad", "angry"), tenths),
            "neutral_suppression": (0.6, 0.7, 0.8, 0.9, 1.0),
            "confidence_threshold": (0.0, 0.1, 0.2, 0.3, 0.4),
            "neutral_floor": (0.0, 0.1, 0.2, 0.3),
        }
    )


def _tempered_million() -> Grid:
    """Ten thousand pairs of temperature and fusion, and never the same twice in a row."""
    hundred = np.linspace(0.01, 1, 100)
    return Grid(
        {
            "sad": tuple((0.5 + hundred).tolist()),
            "audio_weight": tuple(hundred.tolist()),
            "audio_temperature": tuple((0.5 + 2 * hundred).tolist()),
        }
    )


def _coordinates(evidence: Evidence, arguments: argparse.Namespace) -> float:
    parameters = {emotion: tuple(np.round(np.linspace(0.05, 3, 60), 3).tolist()) for emotion in TAXONOMY}
    rng = np.random.default_rng(arguments.seed)
    return _seconds(lambda: coordinate_search(evidence, parameters, rng=rng))


def _evidence(n: int, rng: np.random.Generator) -> Evidence:
    """Audio that is a random head's, text that knows something."""
    truth = rng.choice(len(TAXONOMY), size=n, p=SHARES)
    audio = np.round(rng.dirichlet(25 * np.array((2, 1, 1, 1, 1, 1, 1)), size=n), 6)
    text = np.array([rng.dirichlet(np.where(np.arange(len(TAXONOMY)) == each, 2.0, 0.5)) for each in truth])
    return Evidence(
        truth=truth,
        logits=np.log(audio),
        into=np.eye(len(TAXONOMY)),
        source=np.zeros(n, dtype=np.int64),
        start_s=np.arange(n, dtype=np.float64),
        text=np.round(text, 6),
        recorded=audio,
    )


def _fastest(work: Callable[[], Best], arguments: argparse.Namespace) -> float:
    return min(_seconds(work) for _ in range(arguments.repetitions))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _core_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
