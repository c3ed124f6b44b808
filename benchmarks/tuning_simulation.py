"""How often the verdict on a search over decision parameters errs, on evidence whose truth is known: simulated.

    python benchmarks/tuning_simulation.py [--draws 1000] [--seed 5]

Writes benchmarks/tuning-simulation.json, which docs and reports print. Takes about ten minutes on one core. Nothing is
downloaded.

- `null`: posteriors are the true conditional probabilities, emotions are equally frequent: no point is better than
  the default. `adopt` is a false alarm there, and so is a gain that luck is said not to explain (at .05).
- `helpful`: the model leans to neutral so far that taking the lean away gains ten points of the objective. `adopt` is
  right there.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.numerics.grid import Grid
from tasks.numerics.nested import Nested, answers_of, nested, scores_of
from tasks.numerics.search import answers
from tasks.numerics.tallies import Objective
from tasks.numerics.tuning_simulation import Listener, draw_evidence

RESULT = Path(__file__).with_name("tuning-simulation.json")

SOURCES = 12
GAIN = 0.1
CORRELATIONS = (0.0, 0.05, 0.1)
SUPPRESSIONS = tuple(round(0.1 * step, 1) for step in range(1, 11))
FACTORS = (0.8, 1.0, 1.25)
SMALL = Grid({"neutral_suppression": SUPPRESSIONS, "sad": FACTORS, "angry": FACTORS})
TEMPERED = Grid({"audio_temperature": FACTORS, **SMALL.values})
LARGE = Grid({**SMALL.values, **dict.fromkeys(("happy", "fear", "surprise"), FACTORS)})

_POPULATION = 60_000
_LUCK_DRAWS = 60


class Case(NamedTuple):
    """One kind of evidence, searched for one objective."""

    truth: str
    n: int
    correlation: float
    objective: Objective
    grid: Grid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    rows = [_measure(case, place, options.draws, options.seed) for place, case in enumerate(_cases())]
    head = f'{{"draws": {options.draws}, "seed": {options.seed}, "sources": {SOURCES},\n"cases": [\n'
    RESULT.write_text(head + ",\n".join(json.dumps(row) for row in rows) + "\n]}\n", encoding="utf-8")


def _cases() -> Iterator[Case]:
    kinds: tuple[Objective, ...] = ("macro_f1_present", "accuracy", "uar", "cross_entropy")
    for n in (31, 100, 500):
        for correlation in CORRELATIONS if n == 500 else (0.0, 0.1):
            for objective in kinds:
                yield Case("null", n, correlation, objective, TEMPERED if objective == "cross_entropy" else SMALL)
    yield Case("null", 31, 0.1, "macro_f1_present", LARGE)
    yield Case("null", 100, 0.1, "macro_f1_present", LARGE)
    for correlation in CORRELATIONS:
        for objective in kinds[:3]:
            yield Case("helpful", 500, correlation, objective, SMALL)


def _measure(case: Case, place: int, draws: int, seed: int) -> dict[str, object]:
    """How the verdicts fall, and mean gains: apparent, nested, and what luck offers."""
    bias = 0.0 if case.truth == "null" else _bias(case.objective, case.correlation)
    rng = np.random.default_rng([seed, place])
    made = [_searched(rng, case, Listener(bias=bias)) for _ in range(draws)]
    verdicts = [each.judgement.verdict for each in made]
    counts = {each: round(verdicts.count(each) / draws, 4) for each in ("adopt", "keep-default", "undecided")}
    explained = [each.luck.share_as_good is None or each.luck.share_as_good > 0.05 for each in made]
    return {
        "truth": case.truth,
        "n": case.n,
        "correlation": case.correlation,
        "objective": case.objective,
        "points": len(case.grid),
        "bias": round(bias, 3),
        **counts,
        "beyond_luck": round(1 - float(np.mean(explained)), 4),
        "apparent_gain": round(float(np.mean([each.luck.observed for each in made])), 4),
        "nested_gain": round(float(np.mean([each.gains[case.objective].value for each in made])), 4),
        "gain_by_luck": round(float(np.mean([each.luck.mean for each in made])), 4),
    }


def _searched(rng: np.random.Generator, case: Case, listener: Listener) -> Nested:
    evidence = draw_evidence(rng, listener, case.n, SOURCES, correlation=case.correlation)
    tried = answers(evidence, case.grid, threads=1)
    return nested(tried, case.grid, evidence, case.objective, seed=int(rng.integers(2**31)), draws=_LUCK_DRAWS)


def _bias(objective: Objective, correlation: float) -> float:
    """The lean to neutral whose removal gains `GAIN` in the long run, by bisection."""
    low, high = 0.0, 6.0
    while high - low > 0.005:
        middle = (low + high) / 2
        low, high = (middle, high) if _gain(objective, correlation, middle) < GAIN else (low, middle)
    return (low + high) / 2


def _gain(objective: Objective, correlation: float, bias: float) -> float:
    rng = np.random.default_rng(0)
    evidence = draw_evidence(rng, Listener(bias=bias), _POPULATION, _POPULATION // 40, correlation=correlation)
    both = answers(evidence, Grid({"neutral_suppression": (1.0, float(np.exp(-bias)))}), threads=1)
    before, after = (scores_of(evidence.truth, answers_of(both, place))[objective] for place in (0, 1))
    assert before is not None
    assert after is not None
    return after - before


if __name__ == "__main__":
    main()
