"""What a reader must know before the figures of an evaluation: banners, and how far the labelled set carries.

The verdict itself comes with the record; the words are in words.*.yaml.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from tasks.evaluation.result import Evaluation
from tasks.numerics.sources import FEW_SOURCES
from tasks.report.evaluation.figures import Name, emotion, listed, shown_name
from tasks.report.evaluation.phrases import phrase
from tasks.report.findings import Finding
from tasks.report.words import Text, shortened, visible, words

SMALL = 300
"""Below this many segments, an accuracy is off by more than 5 points either way."""
RARE = 5
"""An emotion with fewer segments is rare: its recall rests on next to nothing."""
MAX_OPEN = 8
"""Open pairs listed under what would settle them."""

_BANNERS = (
    ("demo_model", "ev_warn_demo", True),
    ("near_uniform", "ev_warn_near_uniform", True),
    ("constant", "ev_warn_constant", True),
    ("one_class", "ev_warn_one_class", False),
    ("incomplete", "ev_warn_incomplete", False),
    ("mapped_from_dimensions", "ev_warn_mapped", False),
    ("non_commercial", "ev_warn_non_commercial", False),
)


def banners(evaluation: Evaluation) -> list[Finding]:
    """What stands above the tables, the gravest first."""
    found = [
        Finding(words(key, models=models), grave)
        for flag, key, grave in _BANNERS
        if (models := _with(evaluation, flag))
    ]
    if problems := evaluation.dataset.problem_count:
        found.append(Finding(words("ev_warn_problems", n=problems)))
    return sorted(found, key=lambda each: not each.grave)


def cautions(evaluation: Evaluation) -> list[Text]:
    """How far the set carries: its size, and what the evaluation itself notes (sources, gaps, who is missing)."""
    dataset = evaluation.dataset
    said = []
    if not dataset.n:
        said.append(words("ev_no_segments"))
    elif dataset.n < SMALL:
        said.append(words("ev_small", n=dataset.n, points=f"{98 / dataset.n**0.5:.0f}"))
    return said + in_both(evaluation.notes, evaluation.notes_ko)


def in_both(notes: Sequence[str], notes_ko: Sequence[str]) -> list[Text]:
    """A record's own notes in both languages; where one has no Korean, its English stands for both."""
    korean = [*notes_ko, *notes[len(notes_ko) :]]
    return [Text(visible(en), visible(ko)) for en, ko in zip(notes, korean, strict=False)]


def settling(evaluation: Evaluation, names: Mapping[str, Name]) -> list[Text]:
    """What would settle what this set leaves open, the nearest first."""
    said = _open_pairs(evaluation, names)
    dataset = evaluation.dataset
    if 0 < dataset.sources < FEW_SOURCES:
        said.append(words("ev_settle_sources"))
    rare = [emotion(name).name for name, count in dataset.counts.items() if 0 < count < RARE]
    if rare:
        said.append(words("ev_settle_classes", names=listed(rare)))
    if evaluation.raters is None and dataset.n:
        said.append(words("ev_settle_raters"))
    return said


def _open_pairs(evaluation: Evaluation, names: Mapping[str, Name]) -> list[Text]:
    pairs = [each for each in evaluation.comparisons if each.verdict == "undecided"]
    known = [(each.labels_to_decide, each) for each in pairs if each.labels_to_decide is not None]
    known.sort(key=lambda each: each[0])
    said = [
        words("ev_settle_pair", n=labels, a=names[pair.a].text, b=names[pair.b].text)
        for labels, pair in known[:MAX_OPEN]
    ]
    if len(known) > MAX_OPEN:
        said.append(words("ev_settle_more", n=len(known) - MAX_OPEN))
    reasons = Counter(each.undefined.get("labels_to_decide", "") for each in pairs if each.labels_to_decide is None)
    return said + [words("ev_settle_why", n=n, why=phrase(why)) for why, n in reasons.items() if why]


def _with(evaluation: Evaluation, flag: str) -> Text | None:
    found = [each.model for each in evaluation.models if flag in each.flags]
    return _names(found) if found else None


def _names(models: list[str]) -> Text:
    names = listed([shown_name(each) for each in models])
    return Text(shortened(names.en, 400), shortened(names.ko, 400))
