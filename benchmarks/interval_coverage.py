"""How often the intervals for small labelled sets cover, and how often the tests raise false alarms: simulated.

    python benchmarks/interval_coverage.py [--draws 2000] [--seed 4]

Writes benchmarks/interval-coverage.json, which docs and reports print, and tasks/numerics/coverage_table.py, the same
figures beside the code that looks them up. Takes about five minutes on one core. Nothing is downloaded.

A set's truth, its sources' effects and three models (poor, middling, good) are drawn anew each time. Covered is what
the statistic would be over endless segments, over the labels that the drawn set has.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.numerics.coverage import Condition
from tasks.numerics.differences import accuracy_differences, macro_differences
from tasks.numerics.intervals import Interval, macro_intervals, wilson, wilson_grouped
from tasks.numerics.macro import Codes, Statistic, confusion, present, value_of
from tasks.numerics.significance import mcnemar, sign_flip
from tasks.numerics.simulation import (
    LabelledSet,
    Population,
    draw,
    equal_sizes,
    falling_sizes,
    lopsided_sizes,
    models,
)
from tasks.numerics.sources import Sources, group

RESULT = Path(__file__).with_name("interval-coverage.json")
TABLE = Path(__file__).parents[1] / "tasks" / "numerics" / "coverage_table.py"

CORRELATIONS = (0.0, 0.05, 0.1)


class Design(NamedTuple):
    """One kind of set: sizes of its sources."""

    n: int
    sources: int
    sizes: Callable[[int, int], Codes] = equal_sizes


DESIGNS = (
    Design(31, 5),
    Design(31, 10),
    Design(31, 31),
    Design(31, 10, lopsided_sizes),
    Design(100, 10),
    Design(100, 100),
    Design(300, 5),
    Design(300, 10),
    Design(300, 30),
    Design(300, 300),
    Design(300, 15, falling_sizes),
    Design(300, 21, lopsided_sizes),
    Design(2000, 10),
    Design(2000, 50),
    Design(2000, 2000),
)


class Measured(NamedTuple):
    """One interval of one drawn set."""

    statistic: str
    covered: bool
    width: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    conditions, alarms = [], []
    for design, correlation in _cases():
        rng = np.random.default_rng([options.seed, design.n, design.sources, round(1000 * correlation)])
        conditions += _simulate(rng, design, correlation, options.draws)
        alarms.append(_false_alarms(rng, design, correlation, options.draws))
    _write(conditions, alarms, options.draws, options.seed)


def _cases() -> Iterator[tuple[Design, float]]:
    """Every design at every correlation; with one segment a source there is nothing to correlate."""
    for design in DESIGNS:
        for correlation in CORRELATIONS if design.sources < design.n else (0.0,):
            yield design, correlation


def _simulate(rng: np.random.Generator, design: Design, correlation: float, draws: int) -> list[Condition]:
    sizes = design.sizes(design.n, design.sources)
    effective = group(np.repeat(np.arange(len(sizes)), sizes)).effective
    known = models()
    by_model = [
        _coverages(rng, of, None if of is known["middling"] else known["middling"], sizes, correlation, draws)
        for of in known.values()
    ]
    return [
        Condition(
            statistic=statistic,
            n=design.n,
            sources=design.sources,
            effective=round(effective, 2),
            correlation=correlation,
            lowest=min(each[statistic][0] for each in by_model if statistic in each),
            highest=max(each[statistic][0] for each in by_model if statistic in each),
            width=round(float(np.mean([each[statistic][1] for each in by_model if statistic in each])), 3),
        )
        for statistic in by_model[0]
    ]


def _coverages(
    rng: np.random.Generator, of: Population, other: Population | None, sizes: Codes, correlation: float, draws: int
) -> dict[str, tuple[float, float]]:
    """Coverage and mean width by statistic, of one model and of its difference from another."""
    sources = group(np.repeat(np.arange(len(sizes)), sizes))
    measured: dict[str, list[Measured]] = {}
    for _ in range(draws):
        drawn = draw(rng, (of,) if other is None else (of, other), sizes, correlation=correlation)
        of_two = () if other is None else _of_two(drawn, of, other, sources)
        for each in (*_of_one(drawn, of, sources), *of_two):
            measured.setdefault(each.statistic, []).append(each)
    return {
        statistic: (round(float(np.mean([e.covered for e in rows])), 4), float(np.mean([e.width for e in rows])))
        for statistic, rows in measured.items()
    }


def _of_one(drawn: LabelledSet, of: Population, sources: Sources) -> Iterator[Measured]:
    prediction = drawn.predictions[0]
    right = prediction == drawn.truth
    labels = present(confusion(drawn.truth, drawn.truth))
    macro = macro_intervals(drawn.truth, prediction, sources)
    yield _measure("accuracy", wilson(int(right.sum()), len(right)), of.accuracy)
    yield _measure("accuracy_grouped", wilson_grouped(right, sources), of.accuracy)
    yield _measure("macro_f1_present", macro.macro_f1_present, value_of("macro_f1_present", of.joint, labels))
    yield _measure("uar", macro.uar, value_of("uar", of.joint, labels))


def _of_two(drawn: LabelledSet, of: Population, other: Population, sources: Sources) -> Iterator[Measured]:
    right = np.array([each == drawn.truth for each in drawn.predictions])
    labels = present(confusion(drawn.truth, drawn.truth))
    (accuracy,) = accuracy_differences(right, sources)
    named = {str(index): each for index, each in enumerate(drawn.predictions)}
    (macro,) = macro_differences(drawn.truth, named, sources)
    yield _measure("difference", accuracy.interval(), other.accuracy - of.accuracy)
    yield _measure(
        "macro_f1_present_difference", macro.macro_f1_present.interval(), _gap("macro_f1_present", of, other, labels)
    )
    yield _measure("uar_difference", macro.uar.interval(), _gap("uar", of, other, labels))


def _gap(statistic: Statistic, of: Population, other: Population, labels: npt.NDArray[np.bool_]) -> float:
    return value_of(statistic, other.joint, labels) - value_of(statistic, of.joint, labels)


def _measure(statistic: str, interval: Interval, target: float) -> Measured:
    low, high = interval.low, interval.high
    assert low is not None
    assert high is not None
    return Measured(statistic, low - 1e-9 <= target <= high + 1e-9, high - low)


def _false_alarms(rng: np.random.Generator, design: Design, correlation: float, draws: int) -> dict[str, float]:
    """How often two models of the same accuracy are told apart at .05."""
    same = models()["middling"]
    sizes = design.sizes(design.n, design.sources)
    exact, flip = 0, 0
    for _ in range(draws):
        drawn = draw(rng, (same, same), sizes, correlation=correlation)
        first, second = (each == drawn.truth for each in drawn.predictions)
        change = second.astype(np.int64) - first.astype(np.int64)
        exact += int(mcnemar((change < 0).sum(), (change > 0).sum()) <= 0.05)
        flip += int(sign_flip(np.bincount(drawn.source, weights=change).astype(np.int64)) <= 0.05)
    case = {"n": design.n, "sources": design.sources, "correlation": correlation}
    effective = round(group(drawn.source).effective, 2)
    return case | {"effective": effective, "mcnemar": round(exact / draws, 4), "sign_flip": round(flip / draws, 4)}


def _write(conditions: list[Condition], alarms: list[dict[str, float]], draws: int, seed: int) -> None:
    rows = [asdict(each) for each in conditions]
    head = f'{{"draws": {draws}, "seed": {seed}, "level": 0.95,\n'
    RESULT.write_text(
        f'{head}"coverage": {_line_by_line(rows)},\n"false_alarms_at_05": {_line_by_line(alarms)}}}\n', encoding="utf-8"
    )
    lines = "".join(f"    {tuple(row.values())!r},\n".replace("'", '"') for row in rows)
    TABLE.write_text(
        '"""Written by benchmarks/interval_coverage.py; not to be edited. See coverage.py."""\n\n'
        f"DRAWS = {draws}\nROWS: tuple[tuple[str, int, int, float, float, float, float, float], ...] = (\n{lines})\n",
        encoding="utf-8",
    )


def _line_by_line(rows: Sequence[Mapping[str, object]]) -> str:
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"


if __name__ == "__main__":
    main()
