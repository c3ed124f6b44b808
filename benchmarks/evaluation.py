"""How long 100,000 recorded segments and five candidates take to evaluate, step by step, and how much memory.

    python benchmarks/evaluation.py [--segments 100000] [--media 2000] [--seed 4]

Writes benchmarks/evaluation-2-cores.json. Labels and scores are drawn; nothing is downloaded, no service starts.
The budget is 30 s and 2 GB on two cores for all that `seraph evaluate --recorded` does but the page.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from actors.contract import TAXONOMY
from infra.shelf import FolderShelf
from tasks.evaluation.answers import Answers, from_recorded
from tasks.evaluation.archive import Archive, predictions_table
from tasks.evaluation.assess import agreement, comparisons, raters, worst
from tasks.evaluation.figures import baselines, figures
from tasks.evaluation.gather import Segments, gather
from tasks.evaluation.record import Findings, drawn_up
from tasks.evaluation.request import EvaluateRequest
from tasks.evaluation.verdict import verdict
from tasks.labels import read_labelled
from tasks.numerics.decision import Decision
from tasks.tables import to_parquet

RESULT = Path(__file__).with_name("evaluation-2-cores.json")
BUDGET_S, BUDGET_MB = 30.0, 2000.0
SHARES = (0.55, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05)
FUSED = (0.35, 0.65)


def main() -> None:
    arguments = _arguments()
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labels.jsonl"
        _write(labels, arguments.segments, arguments.media, np.random.default_rng(arguments.seed))
        before_mb = _peak_mb()
        counts = _measure(labels, FolderShelf(Path(folder) / "results"), seconds)
    result = {
        "segments": arguments.segments,
        "media": arguments.media,
        **counts,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "seconds_in_all": round(sum(seconds.values()), 2),
        "peak_mb": round(_peak_mb()),
        "peak_mb_before": round(before_mb),
        "budget": {"seconds": BUDGET_S, "peak_mb": BUDGET_MB},
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


def _measure(labels: Path, shelf: FolderShelf, seconds: dict[str, float]) -> dict[str, int]:
    """The steps of `evaluate_recorded`, one by one; and then its record as a whole, which must not be dearer."""

    @contextmanager
    def lap(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - started

    with lap("read"):
        labelled = read_labelled(labels.read_bytes(), "labels.jsonl")
    with lap("gather"):
        segments = gather([labelled])
    with lap("answers"):
        answers = _answers(segments)
    with lap("figures"):
        models = [figures(segments, each, 0) for each in answers] + baselines(segments)
    with lap("pairs"):
        pairs, ranks = comparisons(segments, answers)
    with lap("verdict"):
        verdict(segments, answers, models, pairs, ranks)
    with lap("agreement"):
        agreement(answers)
        raters(segments)
    with lap("worst"):
        worst(segments, answers)
    with lap("predictions"):
        predictions = to_parquet(predictions_table(segments, answers))
    request = EvaluateRequest(labels=(str(labels),), recorded=True)
    evaluation = drawn_up(Findings(request, segments, answers, {}, "20260101T000000-bench0", time.perf_counter()))
    with lap("record"):
        record = evaluation.model_dump_json(indent=1)
    with lap("store"):
        Archive(shelf).save(evaluation, "", predictions_table(segments, answers[:1]))
    return {
        "candidates": len(answers),
        "predictions_bytes": len(predictions),
        "record_bytes": len(record),
    }


def _answers(segments: Segments) -> list[Answers]:
    recorded, plain = segments.recorded, Decision()
    fused = [from_recorded(recorded, "fused", weight, plain) for weight in FUSED]
    return [from_recorded(recorded, kind, 0.5, plain) for kind in ("audio", "text", "combined")] + fused


def _write(path: Path, n: int, media: int, rng: np.random.Generator) -> None:
    truth = rng.choice(len(TAXONOMY), size=n, p=SHARES)
    ends = np.zeros(media)
    with path.open("w") as file:
        for row, code in enumerate(truth.tolist()):
            at = row % media
            start, ends[at] = ends[at], ends[at] + rng.uniform(1.0, 6.0)
            line = {
                "video": f"season {at % 20:02d}/episode {at:05d}.mp4",
                "start": round(start, 3),
                "end": round(ends[at], 3),
                "text": "what is said in this segment",
                "speaker": f"speaker {rng.integers(300)}",
                "language": ("en", "ko")[at % 2],
                **{f"{kind}_scores": _scores(code, rng) for kind in ("audio", "text", "combined")},
                "label": TAXONOMY[code],
            }
            file.write(json.dumps(line) + "\n")


def _scores(truth: int, rng: np.random.Generator) -> dict[str, float]:
    mass = rng.dirichlet(np.where(np.arange(len(TAXONOMY)) == truth, 1.5, 0.6))
    return dict(zip(TAXONOMY, np.round(mass, 6).tolist(), strict=True))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=100_000)
    parser.add_argument("--media", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
