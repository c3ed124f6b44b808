"""Re-evaluation records for tests: plausible, as small and as hostile as a test asks."""

from typing import Any

from tasks.evaluation.result_model import Interval
from tasks.records.run import ConfigUsed
from tasks.reevaluation.result import Advice, Against, Label, Labels, Outputs, Reevaluation, Row, Since, Tuned
from tests.support.evaluations import HOSTILE

ID = "20260304T120000-abcdef"


def against(difference: float = 0.0, verdict: Any = "undecided", reach: float = 0.05, **changes: Any) -> Against:
    """A difference from the current configuration."""
    ci = Interval(low=difference - reach, high=difference + reach, method="t")
    values = {"n": 124, "difference": difference, "ci": ci, "p_adjusted": 0.2, "verdict": verdict}
    return Against(**(values | changes))


def row(model: str = "large", **changes: Any) -> Row:
    """A candidate that was measured."""
    values: dict[str, Any] = {
        "model": model,
        "kind": "model",
        "named": True,
        "status": "ok",
        "n": 124,
        "accuracy": 0.61,
        "accuracy_ci": (0.52, 0.69),
        "macro_f1_present": 0.5,
        "uar": 0.51,
    }
    return Row(**(values | changes))


def tuned(verdict: Any = "keep-default", **changes: Any) -> Tuned:
    """What a tuning came to."""
    values: dict[str, Any] = {
        "tuning_id": "20260304T115500-fedcba",
        "verdict": verdict,
        "reason": "No useful gain is left.",
        "reason_ko": "쓸모 있는 이득이 남지 않습니다.",
        "objective": "macro_f1_present",
        "gain": 0.004,
        "gain_ci": (-0.03, 0.04),
    }
    return Tuned(**(values | changes))


def reevaluation(**changes: Any) -> Reevaluation:
    """A re-evaluation that keeps the current configuration; one rival is undecided, one was refused."""
    values: dict[str, Any] = {
        "reevaluation_id": ID,
        "created": "2026-03-04T12:00:00+00:00",
        "code_version": "0.1.0",
        "lock_sha256": "cd" * 32,
        "seed": 0,
        "asked": "0123456789abcdef",
        "labels": labels(),
        "media": "s3://media",
        "config": ConfigUsed(name="superb", hash="ab" * 8),
        "configurations": ("ab" * 8,),
        "current": "current",
        "candidates": (
            row("current", kind="system", since=since()),
            row("large", against=against(0.03, labels_to_decide=900), since=since(same=False)),
            row("en-model", named=False, against=against(-0.12, "worse"), since=None),
            row("broken", status="refused", reason="the head has 5 outputs", n=0, accuracy=None, accuracy_ci=None),
        ),
        "n": 124,
        "sources": 12,
        "evaluation_id": "20260304T115000-aaaaaa",
        "verdict": "124 segments cannot tell the candidates apart.",
        "verdict_ko": "구간 124개로는 후보들의 우열을 가릴 수 없습니다.",
        "evaluation_report": "s3://results/e.html",
        "inferred": 36,
        "cached": 212,
        "tuning": tuned(),
        "recommendation": (Advice(kind="keep", text="Keep the current one.", text_ko="현재 설정을 유지하십시오."),),
        "last": "20260303T120000-000000",
        "seconds": 12.5,
        "settings": {"labels": "s3://labels", "media": "s3://media", "results": "s3://results", "config": "current",
                     "models": ["large", "broken"], "tune": True},
        "outputs": Outputs(report="s3://results/r.html", reevaluation="s3://results/r.json"),
    }  # fmt: skip
    return Reevaluation(**(values | changes))


def labels(**changes: Any) -> Labels:
    """124 labels in two files, twelve of them new."""
    values: dict[str, Any] = {
        "uri": "s3://labels",
        "snapshot": "0011223344556677",
        "snapshot_uri": "s3://results/labels/x/snapshots/0011223344556677.json",
        "files": ("s3://labels/b.jsonl", "s3://labels/a.csv"),
        "said": 124,
        "counts": {"neutral": 80, "sad": 44},
        "since": "20260303T120000-000000",
        "added": 12,
        "changed": 1,
        "withdrawn": 1,
        "added_counts": {"sad": 12},
        "shown": (
            Label(media="a.wav", start_s=1.5, end_s=3.0, rater="anna", emotion="sad", before="neutral"),
            Label(media="a.wav", start_s=65.0, end_s=67.0, rater=None, emotion=None, before="happy"),
            Label(media="b.wav", start_s=0.0, end_s=2.0, rater=None, emotion="sad"),
        ),
    }
    return Labels(**(values | changes))


def since(same: bool = True) -> Since:
    """A candidate then and now."""
    return Since(accuracy_before=0.6, n_before=112, same_answers=same, against=against(0.0 if same else -0.02, n=111))


def hostile_reevaluation() -> Reevaluation:
    """Every name and text from outside is one of `HOSTILE`."""
    name = HOSTILE[0]
    rows = tuple(row(each, status="failed" if i % 2 else "ok", reason=each) for i, each in enumerate(HOSTILE))
    shown = tuple(Label(media=each, start_s=0, end_s=1, rater=each, emotion=None) for each in HOSTILE)
    advice = tuple(Advice(kind="look", text=each, text_ko=each, model=each) for each in HOSTILE)
    return reevaluation(
        reevaluation_id=name,
        labels=labels(uri=name, files=HOSTILE, problems=HOSTILE, shown=shown),
        media=name,
        config=ConfigUsed(name=name, hash="ab" * 8),
        candidates=rows,
        evaluation_id=HOSTILE[1],
        verdict=name,
        verdict_ko=name,
        tuning=tuned(tuning_id=HOSTILE[2], reason=name, reason_ko=name),
        not_promoted=name,
        not_promoted_ko=name,
        recommendation=advice,
        settings={"labels": name, "models": list(HOSTILE)},
        outputs=Outputs(report=name, reevaluation=name),
    )
