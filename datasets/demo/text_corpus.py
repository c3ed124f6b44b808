"""Sentences whose words tell the emotion, made from the templates and words of text_templates.json.

Owns the sampling, and that what is held out comes from templates which training never sees; the words that fill them
are shared. What the demo's speakers say is another matter (sentences.json): those words tell no emotion.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from emotions import EMOTIONS

Part = Literal["training", "held_out"]

_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE_START = re.compile(r"(^|[.!?] )([a-z])")
_PUNCTUATION = re.compile(r"[.,!?]")
_FRAMED, _SPOKEN = 0.5, 0.25  # shares: of sentences in a frame that all emotions share; of neutral ones from the voices
_BESIDE = 0.4  # share that stands beside a neutral sentence, so that such words alone make nothing neutral
_BARE, _LOWER = 0.25, 0.25  # shares that are written as transcripts may be: without punctuation, in lower case


def training(language: str, each: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """So many texts of one or two sentences for each emotion, in random order: pairs of text and emotion."""
    drawn = [(_worn(_beside(language, emotion, rng), rng), emotion) for emotion in EMOTIONS for _ in range(each)]
    return [drawn[index] for index in rng.permutation(len(drawn))]


def held_out(language: str, each: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """So many different sentences of each emotion, from the templates that are held out."""
    return [(text, emotion) for emotion in EMOTIONS for text in _different(language, emotion, each, rng)]


def templates(language: str, emotion: str, part: Part) -> tuple[list[str], list[str]]:
    """The frames that all emotions share, as far as this one has words for them, and its own templates."""
    words = _words(language, emotion)
    frames = [frame for frame in _texts(language)["frames"][part] if words.keys() >= set(_SLOT.findall(frame))]
    return frames, words[part]


def _different(language: str, emotion: str, count: int, rng: np.random.Generator) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[_drawn(language, emotion, "held_out", rng)] = None
    return list(found)


def _beside(language: str, emotion: str, rng: np.random.Generator) -> str:
    text = _drawn(language, emotion, "training", rng)
    if rng.random() >= _BESIDE:
        return text
    pair = [text, _drawn(language, "neutral", "training", rng)]
    return " ".join(pair if rng.random() < 0.5 else reversed(pair))


def _drawn(language: str, emotion: str, part: Part, rng: np.random.Generator) -> str:
    frames, own = templates(language, emotion, part)
    if emotion == "neutral" and part == "training" and rng.random() < _SPOKEN:
        return str(rng.choice(_spoken(language)))
    template = str(rng.choice(frames if rng.random() < _FRAMED else own))
    return _filled(template, _words(language, emotion), rng)


def _filled(template: str, words: dict[str, list[str]], rng: np.random.Generator) -> str:
    """The template with a word in each slot, sentences beginning with a capital."""
    text = _SLOT.sub(lambda slot: str(rng.choice(words[slot[1]])), template)
    return _SENTENCE_START.sub(lambda start: start[1] + start[2].upper(), text)


def _worn(text: str, rng: np.random.Generator) -> str:
    if rng.random() < _BARE:
        text = _PUNCTUATION.sub("", text)
    return text.lower() if rng.random() < _LOWER else text


@cache
def _texts(language: str) -> dict[str, dict[str, dict[str, list[str]]]]:
    return json.loads((Path(__file__).parent / "text_templates.json").read_text(encoding="utf-8"))[language]


def _words(language: str, emotion: str) -> dict[str, list[str]]:
    return _texts(language)["emotions"][emotion]


@cache
def _spoken(language: str) -> list[str]:
    """What the training voices say: no labelled sentence among them."""
    texts = json.loads((Path(__file__).parent / "sentences.json").read_text(encoding="utf-8"))
    return texts[language]["training"]
