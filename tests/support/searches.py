"""Small grids and small evidence to search them on, and what decision.py says of them, one point after the other."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from actors.contract import TAXONOMY
from tasks.numerics.decision import POOLINGS, Decided, Decision, TextPosterior, decide, decide_posterior
from tasks.numerics.grid import Evidence, Grid, options_of
from tasks.numerics.posterior import label_matrix
from tests.support.records import model_spec

EVERY = np.ones(len(TAXONOMY), dtype=bool)
LABELS = ("neu", "joy", "fun", "ang", "other")
"""Two labels of one emotion, and one that is dropped."""
LABEL_MAP: Mapping[str, str | None] = {"neu": "neutral", "joy": "happy", "fun": "happy", "ang": "angry", "other": None}


def recorded(truth: Any, audio: Any, text: Any = None) -> Evidence:
    """Evidence of recorded posteriors, (n, 7)."""
    audio = np.asarray(audio, dtype=np.float64)
    with np.errstate(divide="ignore"):
        logits = np.log(audio)
    text = None if text is None else np.asarray(text, dtype=np.float64)
    return Evidence(**_common(truth), logits=logits, into=np.eye(len(TAXONOMY)), text=text, recorded=audio)


def heard(truth: Any, logits: Any, text: Any = None, *, multilabel: bool = False) -> Evidence:
    """Evidence of a model with `LABELS`; the text model can say all but disgust."""
    text = None if text is None else np.asarray(text, dtype=np.float64)
    return Evidence(
        **_common(truth),
        logits=np.asarray(logits, dtype=np.float64),
        into=label_matrix(LABELS, LABEL_MAP),
        multilabel=multilabel,
        text=text,
        text_says=None if text is None else said_by_text(),
    )


def said_by_text() -> npt.NDArray[np.bool_]:
    return np.array([emotion != "disgust" for emotion in TAXONOMY])


def decided(evidence: Evidence, point: Mapping[str, float]) -> Decided:
    """What decision.py makes of evidence at one point."""
    says = EVERY if evidence.text_says is None else evidence.text_says
    text = None if evidence.text is None else TextPosterior(evidence.text, says)
    options = {**options_of(point), "pooling": evidence.pooling}
    if evidence.recorded is not None:
        return decide_posterior(evidence.recorded, Decision(**options), text)
    spec = model_spec(labels=LABELS, kind="multilabel" if evidence.multilabel else "categorical")
    return decide(evidence.logits, spec, Decision(**options, label_map=LABEL_MAP), text)


def predictions(made: Decided) -> npt.NDArray[np.int64]:
    return np.array([-1 if each is None else TAXONOMY.index(each) for each in made.emotions], dtype=np.int64)


VALUES: Mapping[str, tuple[float, ...]] = {
    "audio_temperature": (0.5, 1.0, 2.0, 3.0),
    "audio_weight": (0.0, 0.1, 0.5, 0.9, 1.0),
    **dict.fromkeys(TAXONOMY, (0.0, 0.5, 0.8, 1.0, 1.2, 2.0)),
    "neutral_suppression": (0.0, 0.5, 0.9, 1.0, 1.1),
    "confidence_threshold": (0.0, 0.25, 0.5),
    "dominance_margin": (0.0, 0.1, 0.25),
    "neutral_floor": (0.0, 0.1, 0.5),
}


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Up to three parameters with up to three values each, in any order."""
    names = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3, unique=True))
    tried = {name: st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=3) for name in names}
    return Grid({name: tuple(draw(each)) for name, each in tried.items()})


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Up to six segments, recorded or from logits, with text or without; whole numbers, so that ties are frequent."""
    n = draw(st.integers(1, 6))
    truth = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    text = draw(st.none() | _posteriors(n))
    pooling = draw(st.sampled_from(POOLINGS))
    if draw(st.booleans()):
        return replace(recorded(truth, draw(_posteriors(n)), text), pooling=pooling)
    logits = draw(st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=n, max_size=n))
    text = None if text is None else np.where(said_by_text(), text, 0.0)
    made = heard(truth, logits, None if text is None else _shared(text), multilabel=draw(st.booleans()))
    return replace(made, pooling=pooling)


def _posteriors(n: int) -> st.SearchStrategy[npt.NDArray[np.float64]]:
    """Rows of tenths or so; a row of nothing becomes NaN."""
    row = st.lists(st.integers(0, 3), min_size=7, max_size=7)
    return st.lists(row, min_size=n, max_size=n).map(lambda rows: _shared(np.array(rows, dtype=np.float64)))


def _shared(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    total = np.nansum(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, total, out=np.full_like(rows, np.nan), where=total > 0))


def _common(truth: Any) -> dict[str, Any]:
    n = len(truth)
    return {
        "truth": np.asarray(truth, dtype=np.int64),
        "source": np.zeros(n, dtype=np.int64),
        "start_s": np.arange(n) * 1.0,
    }
