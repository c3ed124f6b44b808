"""Who speaks, and what: speakers and sentences, those of the labelled corpus kept apart from those of training."""

import json
from functools import cache
from pathlib import Path

from emotions import LANGUAGES
from prosody import Speaker

# Speakers of the labelled corpus: their voices and sentences are heard in no training. The voice must be able to carry
# the recipes: not "aunty", say, whose pitch range is upside down.
HELD_OUT = {
    "en": (
        Speaker("en-maya", "en-us+f3"),
        Speaker("en-ruth", "en-gb-x-rp+f5", rate=0.95),
        Speaker("en-otto", "en-us+m4", pitch=3),
        Speaker("en-ivan", "en-gb-x-rp+m7", pitch=-2, rate=1.05),
    ),
    "ko": (
        Speaker("ko-bora", "ko+f5", rate=1.1),
        Speaker("ko-jisu", "ko+belinda", pitch=-3),
        Speaker("ko-minho", "ko+m6", rate=1.05),
        Speaker("ko-taeo", "ko+Lee", pitch=2, rate=1.15),
    ),
}

TRAINING_VARIANTS = (
    "f1 f2 f4 Annie Andrea steph linda grandma m1 m2 m3 m5 Alex Andy Michael Reed rob adam edward victor"
).split()
_BASES = {"en": ("en-us", "en", "en-us-nyc", "en-gb-x-rp"), "ko": ("ko",)}
_OTHER_BASES = {"zh": "cmn", "es": "es", "vi": "vi"}


@cache
def _sentences() -> dict[str, dict[str, list[str]]]:
    return json.loads((Path(__file__).parent / "sentences.json").read_text(encoding="utf-8"))


def training_sentences(language: str) -> list[str]:
    """Sentences to train on, in any language of sentences.json."""
    texts = _sentences()
    return texts[language]["training"] if language in LANGUAGES else texts["other"][language]


def held_out_sentences(language: str) -> list[str]:
    """Sentences of the labelled corpus, in English or Korean."""
    return _sentences()[language]["held_out"]


def other_languages() -> list[str]:
    """Languages that the detector should know for neither English nor Korean."""
    return sorted(_sentences()["other"])


def training_voices(language: str) -> list[str]:
    """espeak-ng names of all training voices of a language, accents included."""
    bases = _BASES.get(language, (_OTHER_BASES.get(language, language),))
    return [f"{base}+{variant}" for base in bases for variant in TRAINING_VARIANTS]
