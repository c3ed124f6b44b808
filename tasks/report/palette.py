"""One colour for each emotion, the same in every chart, timeline and legend.

Okabe & Ito (2008), "Color Universal Design": told apart with each common kind of colour blindness. Neutral is grey, so
that what is not neutral stands out.
"""

from actors.contract import TAXONOMY

EMOTIONS = {
    "neutral": "#9a9ea6",
    "happy": "#e69f00",
    "sad": "#0072b2",
    "angry": "#d55e00",
    "fear": "#cc79a7",
    "surprise": "#56b4e9",
    "disgust": "#009e73",
}
UNDECIDED = "#d8dade"
CATEGORIES = (*TAXONOMY, "undecided")
"""The names of a `Summary`'s categories, in order."""
COLOURS = tuple({**EMOTIONS, "undecided": UNDECIDED}[name] for name in CATEGORIES)
LANGUAGES = ("#3b6fb6", "#b5762a", "#6a8f3c", "#8e5ea2", "#4d9a9a", "#a0525d")
"""For charts by language, in sorted order; from the seventh language on they repeat."""
