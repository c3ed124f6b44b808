"""Surveys for the tests of their page: three configurations of which one is a random head, and hostile names."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from actors.contract import TAXONOMY
from tasks.evaluation.unlabelled import Reference, Scored, Survey, reference_of, survey
from tasks.records.run import Corpus
from tests.support.records import run_record
from tests.support.tables import corpus, scores

HOSTILE = (
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=document.title='owned'>",
    "'></title><svg onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "{{ 7 * 7 }}",
    "safe\u202egpj.exe",
    "가" * 300,
)
NAMES = ("default", "superb", "models/random.yaml")
LABELS = {"models/english": TAXONOMY}


def three(names: Sequence[str] = NAMES, media: int = 20, folder: str = "s3://media/shows") -> Survey:
    """As they are, half changed, and always neutral with next to no information; compared with a run's totals."""
    uris = [f"{folder}/episode {n:03}.mp4" for n in range(media)]
    emotions = {"neutral": 500, "angry": 100, "happy": 200, "sad": 200}
    known = Corpus(media=60, segments=1040, languages={"en": 700, "ko": 340}, emotions=emotions, undecided=40)
    corpora = [
        Scored(names[0], lambda: corpus(uris), LABELS),
        Scored(names[1], lambda: _changed(uris), LABELS),
        Scored(names[2], lambda: _random(uris), {"models/random": ("neutral", "calm", "angry", "sad")}),
    ]
    return survey(corpora, reference_of(run_record(corpus=known)), seed=0)


def hostile() -> Survey:
    """Hostile names wherever a name may stand."""
    uris = [f"s3://media/{name}" for name in HOSTILE]
    model = {"models/english": HOSTILE}
    corpora = [Scored(name, partial(_renamed, uris, seed), model) for seed, name in enumerate(HOSTILE[:3])]
    found = survey(corpora, Reference.of(Scored(HOSTILE[0], lambda: corpus(uris), {})), seed=0)
    return found.model_copy(update={"undefined": {"drift": HOSTILE[1]}})


def _changed(uris: Sequence[str]) -> Iterator[pa.Table]:
    rng = np.random.default_rng(1)
    for table in corpus(uris):
        rows = table.to_pylist()
        for row in rows:
            if rng.random() < 0.5:
                row |= {"emotion": str(rng.choice(["neutral", "happy", "sad"])), "model": "models/other"}
        yield scores(*rows)


def _random(uris: Sequence[str]) -> Iterator[pa.Table]:
    said = {"emotion": "neutral", "label": "calm", "information": 0.01, "model": "models/random", "confidence": 0.26}
    for table in corpus(uris):
        yield scores(*(row | said for row in table.to_pylist()))


def _renamed(uris: Sequence[str], seed: int) -> Iterator[pa.Table]:
    rng = np.random.default_rng(seed)
    for table in corpus(uris):
        for row in (rows := table.to_pylist()):
            row |= {"emotion": str(rng.choice(TAXONOMY)), "model": HOSTILE[3], "label": HOSTILE[2], "language": "<b>"}
        yield scores(*rows)
