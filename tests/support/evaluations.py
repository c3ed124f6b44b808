"""Evaluation records for tests: seeded candidates on seeded labels, as small, as large and as hostile as a test asks.

The figures are plausible and agree with each other where a page shows them side by side; they are not the engine's.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from actors.contract import TAXONOMY
from tasks.evaluation.result import (
    Agreement,
    Comparison,
    Dataset,
    Evaluation,
    Outputs,
    Rank,
    Raters,
    RouteCell,
    Router,
    Segment,
    SetProblem,
)
from tasks.evaluation.result_model import Bin, ClassFigures, Group, Interval, ModelResult, Pair

HOSTILE = (
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=document.title='owned'>",
    "'></title><svg onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "{{ 7 * 7 }}",
    "safe\u202egpj.exe",
    "가" * 300,
    "한국어 모델 ♥",
)
SHARES = np.array([0.6, 0.08, 0.07, 0.11, 0.07, 0.07, 0.0])
_BINS = ((4, 0.3, 0.5), (15, 0.6, 0.55), (12, 0.9, 0.7))
_GROUPS = (("language", "en"), ("source", "episode 1.wav"), ("length", "< 3 s"))
Ints = npt.NDArray[np.int64]


def evaluation(names: Sequence[str] = ("superb", "korean", "large"), n: int = 31, **changes: Any) -> Evaluation:
    """An evaluation of candidates on n segments of three media; the first candidate is the best."""
    rng = np.random.default_rng(7)
    truth = rng.choice(7, size=n, p=SHARES).astype(np.int64)
    said = [_answers(truth, 0.8 - 0.6 * i / max(1, len(names)), rng) for i in range(len(names))]
    results = [_result(name, truth, each) for name, each in zip(names, said, strict=True)]
    values: dict[str, Any] = {
        "evaluation_id": "20260102T030405-abcdef",
        "created": "2026-01-02T03:04:05+00:00",
        "code_version": "0.1.0",
        "lock_sha256": "cd" * 32,
        "seed": 17,
        "dataset": dataset(truth),
        "models": (*results, *_baselines(truth)),
        "comparisons": tuple(_comparisons(names, truth, said)),
        "ranking": (Rank(rank=1, models=tuple(names)),) if names else (),
        "verdict": "31 segments cannot tell the candidates apart.",
        "verdict_ko": "구간 31개로는 후보들의 우열을 가릴 수 없습니다.",
        "worst": tuple(segment(i, truth[i], dict(zip(names, [s[i] for s in said], strict=True))) for i in range(n))[
            :50
        ],
        "agreement": tuple(_agreements(names, said)),
        "inferred": n * len(names),
        "seconds": 12.5,
        "settings": {"precision": "fp32", "decision": {"audio_temperature": 1.0}},
        "outputs": Outputs(
            report="s3://results/r.html", evaluation="s3://results/e.json", predictions="s3://results/p"
        ),
    }
    return Evaluation(**(values | changes))


def empty_evaluation() -> Evaluation:
    """No segment could be used, and the one candidate could not be measured."""
    why = {"uar": "there are no labelled segments"}
    none = ModelResult(model="superb", kind="model", status="ok", undefined=why)
    labels = dataset(np.array([], dtype=np.int64))
    return evaluation((), n=0, models=(none,), dataset=labels, undefined={"ranking": "nothing was measured"})


def hostile_evaluation() -> Evaluation:
    """Every name and text from outside is one of `HOSTILE`."""
    base, name = evaluation(HOSTILE), HOSTILE[0]
    undefined = dict.fromkeys(HOSTILE, name)
    problems = tuple(SetProblem(file=each, line=None, kind=each, text=each) for each in HOSTILE)
    worst = tuple(
        each.model_copy(update={"media": bad, "uri": bad, "text": bad, "speaker": bad, "language": bad})
        for each, bad in zip(base.worst, HOSTILE, strict=False)
    )
    return base.model_copy(
        update={
            "evaluation_id": name,
            "verdict": name,
            "verdict_ko": name,
            "notes": HOSTILE,
            "models": (*(_spoilt(each, undefined) for each in base.models), *failed_models(HOSTILE[1])),
            "dataset": base.dataset.model_copy(
                update={"files": HOSTILE, "problems": problems, "problem_count": len(problems), "languages": {name: 1}}
            ),
            "worst": worst,
            "router": (router(name, HOSTILE),),
            "raters": Raters(raters=2, segments=9, alpha=None, ceiling=None, undefined=undefined),
            "settings": undefined,
            "outputs": Outputs(report=name, evaluation=name, predictions=name),
            "undefined": undefined,
        }
    )


def failed_models(reason: str = "the head has 5 outputs, 8 labels were declared") -> tuple[ModelResult, ...]:
    """A candidate that was refused, and one that failed."""
    return (
        ModelResult(model="broken", kind="model", status="refused", reason=reason),
        ModelResult(model="absent", kind="model", status="failed", reason=None),
    )


def dataset(truth: Ints, **changes: Any) -> Dataset:
    """The labelled set behind `truth`."""
    values: dict[str, Any] = {
        "files": ("labels/simpson.jsonl",),
        "n": len(truth),
        "labelled": len(truth),
        "unlabelled": 4,
        "sha256": "ab" * 32,
        "counts": {name: int((truth == i).sum()) for i, name in enumerate(TAXONOMY)},
        "languages": {"en": len(truth)} if len(truth) else {},
        "sources": min(3, len(truth)),
        "speakers": min(2, len(truth)),
        "seconds": 3.1 * len(truth),
        "problems": (SetProblem(file="labels/simpson.jsonl", line=12, kind="overlap", text="overlaps line 11"),),
        "problem_count": 1,
    }
    return Dataset(**(values | changes))


def segment(index: int, truth: int, said: dict[str, int]) -> Segment:
    """The segment at `index`: 2.5 s in one of three episodes."""
    return Segment(
        media=f"episode {index % 3}.wav",
        uri=f"s3://media/episode {index % 3}.wav",
        start_s=4.2 * index,
        end_s=4.2 * index + 2.5,
        truth=TAXONOMY[truth],
        p_truth=0.02 * index,
        predictions={name: TAXONOMY[each] if each < 7 else None for name, each in said.items()},
        speaker="Homer",
        language="en",
        text="I never said that, and you know it.",
    )


def router(system: str, models: Sequence[str]) -> Router:
    """English and Korean segments under each of `models`; the first is English's own."""
    cells = [
        RouteCell(language=language, model=model, own=i == j, n=20, accuracy=0.7 - 0.2 * abs(i - j), uar=None)
        for i, language in enumerate(("en", "ko"))
        for j, model in enumerate(models)
    ]
    return Router(
        system=system,
        cells=tuple(cells),
        n=40,
        misrouted=3,
        quarantined=1,
        accuracy=0.65,
        accuracy_oracle=0.7,
        cost=0.05,
    )


def _answers(truth: Ints, skill: float, rng: np.random.Generator) -> Ints:
    """Right with probability `skill`, else anything, now and then undecided (7)."""
    return np.where(rng.random(len(truth)) < skill, truth, rng.integers(0, 8, len(truth))).astype(np.int64)


def _result(name: str, truth: Ints, said: Ints) -> ModelResult:
    confusion = np.zeros((7, 8), dtype=np.int64)
    np.add.at(confusion, (truth, said), 1)
    hits, n = int((truth == said).sum()), len(truth)
    classes = [_class(confusion, i) for i in range(7)]
    recalls = [each.recall for each in classes if each.recall is not None]
    f1 = [each.f1 or 0.0 for each in classes]
    uar = sum(recalls) / len(recalls)
    wide = _wilson(hits / n, n / 1.5)
    simulated: Any = {
        "method": "Wilson at the effective n, by source",
        "coverage": 0.953,
        "conditions": "worst case of 400 simulated sets of 31 segments, 3 sources",
    }
    return ModelResult(
        model=name, kind="model", status="ok", source=f"models/{name}", revision="0123456789abcdef",
        weights_sha256="ab" * 32, family="wav2vec2_stock", labels=("neu", "hap", "ang", "sad"),
        label_map={"neu": "neutral", "hap": "happy", "calm": None}, languages=("en",), licence="apache-2.0",
        precision="fp32", n=n, undecided=int((said == 7).sum()), accuracy=hits / n,
        accuracy_ci=_wilson(hits / n, n), accuracy_ci_grouped=wide, uar=uar, uar_ci=(uar * 0.7, min(1.0, uar * 1.3)),
        macro_f1=sum(f1) / 7, macro_f1_ci=(sum(f1) / 7 * 0.7, min(1.0, sum(f1) / 7 * 1.3)),
        macro_f1_present=sum(f1) / len(recalls), brier=0.61, cross_entropy=1.304, ece=0.142, ece_null=(0.1, 0.27),
        neutral_rate=float((said == 0).mean()), non_neutral_accuracy=0.4, coverage=0.871, says=TAXONOMY[:4],
        mean_posterior=dict(zip(TAXONOMY, np.bincount(said, minlength=8)[:7] / n, strict=True)), dropped_mass=0.03,
        intervals={
            "accuracy_grouped": Interval(low=wide[0], high=wide[1], **simulated),
            "uar": Interval(low=uar * 0.7, high=min(1.0, uar * 1.3), method="Wilson at the effective n"),
        },
        classes=tuple(classes), confusion=tuple(tuple(int(each) for each in row) for row in confusion),
        reliability=tuple(Bin(n=k, confidence=c, accuracy=a) for k, c, a in _BINS),
        groups=tuple(_group(by, key, n) for by, key in _GROUPS),
    )  # fmt: skip


def _class(confusion: Ints, i: int) -> ClassFigures:
    support, predicted, hits = int(confusion[i].sum()), int(confusion[:, i].sum()), int(confusion[i, i])
    return ClassFigures(
        emotion=TAXONOMY[i],
        support=support,
        predicted=predicted,
        precision=hits / predicted if predicted else None,
        recall=hits / support if support else None,
        f1=2 * hits / (support + predicted) if support + predicted else None,
    )


def _group(by: Any, key: str, n: int) -> Group:
    return Group(
        by=by, key=key, n=n, accuracy=0.6, uar=0.5, macro_f1_present=0.45, neutral_rate=0.5, cross_entropy=None
    )


def _wilson(p: float, n: float) -> Pair:
    z2 = 1.96**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = 1.96 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return middle - half, middle + half


def _baselines(truth: Ints) -> list[ModelResult]:
    if not len(truth):
        return []
    shares = np.bincount(truth, minlength=7) / len(truth)
    pairs = (("majority", float(shares.max())), ("label_prior", float((shares**2).sum())))
    return [
        ModelResult(model=name, kind="baseline", status="ok", n=len(truth), accuracy=value, macro_f1=value / 6)
        for name, value in pairs
    ]


def _comparisons(models: Sequence[str], truth: Ints, said: Sequence[Ints]) -> list[Comparison]:
    right = [each == truth for each in said]
    return [
        _comparison(models[a], models[b], right[a], right[b])
        for a in range(len(models))
        for b in range(a + 1, len(models))
    ]


def _comparison(a: str, b: str, right_a: npt.NDArray[np.bool_], right_b: npt.NDArray[np.bool_]) -> Comparison:
    difference = float(right_b.mean() - right_a.mean())
    ends = Interval(low=max(-1.0, difference - 0.2), high=difference + 0.2, method="sign_flip", coverage=0.95)
    return Comparison(
        a=a, b=b, n=len(right_a), difference=difference, ci=ends, only_a=int((right_a & ~right_b).sum()),
        only_b=int((~right_a & right_b).sum()), p_sign_flip=0.21, p_mcnemar=0.0001, p_adjusted=0.42, p_b_better=0.12,
        verdict="worse" if difference < -0.3 else "undecided",
        labels_to_decide=round(1 / max(0.05, abs(difference)) ** 2),
    )  # fmt: skip


def _agreements(models: Sequence[str], said: Sequence[Ints]) -> list[Agreement]:
    return [
        Agreement(a=models[a], b=models[b], share=float((said[a] == said[b]).mean()), kappa=0.31)
        for a in range(len(models))
        for b in range(a + 1, len(models))
    ]


def _spoilt(model: ModelResult, undefined: dict[str, str]) -> ModelResult:
    bad = HOSTILE[0]
    return model.model_copy(
        update={
            "source": bad, "family": bad, "licence": bad, "precision": bad, "languages": HOSTILE, "flags": HOSTILE,
            "label_map": {bad: "sad", HOSTILE[1]: None}, "unscored_reasons": {bad: 2}, "undefined": undefined,
            "uar": None, "revision": bad, "groups": tuple(_group("speaker", each, 3) for each in HOSTILE),
            "intervals": {bad: Interval(low=0.1, high=0.2, method=bad, conditions=bad, note=bad)},
        }
    )  # fmt: skip
