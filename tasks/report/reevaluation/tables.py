"""The tables of a re-evaluation's page: labels that came, rivals of the current configuration, then and now."""

from dataclasses import dataclass

from actors.contract import TAXONOMY
from tasks.reevaluation.result import Against, Label, Reevaluation, Row
from tasks.report.evaluation.figures import Emotion, Whisker, emotion, figure, signed, whisker
from tasks.report.evaluation.phrases import phrase
from tasks.report.words import UNDEFINED, Text, clock, number, shortened, visible, words

_LEAST_EDGE = 0.1
MAX_REASON = 600


@dataclass(frozen=True)
class Difference:
    """A difference as shown: signed, with its interval or why there is none."""

    value: str
    interval: str | None = None
    why_no_interval: Text | None = None


@dataclass(frozen=True)
class Rival:
    """One candidate beside the current configuration: measured, or the reason why not (`status`)."""

    name: str
    notes: tuple[Text, ...]
    accuracy: str
    interval: str | None
    difference: Difference | None
    dot: Whisker | None
    verdict: str | None
    more: Text | None
    status: str | None
    reason: str


@dataclass(frozen=True)
class Rivals:
    """All rows, and where the axis of the differences ends."""

    rows: tuple[Rival, ...]
    edge: str


@dataclass(frozen=True)
class Then:
    """One candidate then and now."""

    name: str
    then: str
    now: str
    shared: str
    difference: Difference | None
    said: Text


@dataclass(frozen=True)
class Count:
    """One emotion: its labels, and those of them that are new."""

    emotion: Emotion
    count: str
    new: str


@dataclass(frozen=True)
class Came:
    """A label that came, was changed or went."""

    media: str
    time: str
    rater: str
    before: Emotion | None
    now: Emotion | None


def counts(found: Reevaluation) -> list[Count]:
    """Labels by emotion, in the order of the taxonomy."""
    said, new = found.labels.counts, found.labels.added_counts
    return [Count(emotion(each), number(said[each]), number(new.get(each, 0))) for each in TAXONOMY if each in said]


def came(found: Reevaluation) -> list[Came]:
    """The first of the labels that came, were changed or went; none where all are new."""
    return [_came(each) for each in found.labels.shown] if found.labels.since else []


def rivals(found: Reevaluation) -> Rivals:
    """Every candidate, the current configuration first."""
    rows = sorted(found.candidates, key=lambda each: each.model != found.current)
    edge = _edge(rows)
    return Rivals(tuple(_rival(each, each.model == found.current, edge) for each in rows), f"{edge:.2f}")


def then_and_now(found: Reevaluation) -> list[Then]:
    """Every measured candidate then and now; none without a time before."""
    if found.last is None:
        return []
    return [_then(each) for each in found.candidates if each.status == "ok"]


def difference(each: Against) -> Difference:
    """A difference as a cell."""
    if each.ci is None:
        why = each.undefined.get("ci")
        return Difference(signed(each.difference), why_no_interval=phrase(why) if why else None)
    return Difference(signed(each.difference), f"[{signed(each.ci.low)}, {signed(each.ci.high)}]")


def shown(name: str) -> str:
    """A name from outside, safe to read and of bounded length."""
    return shortened(visible(name), 120)


def _came(each: Label) -> Came:
    time = f"{clock(each.start_s)}–{clock(each.end_s)}"
    before, now = (emotion(name) if name else None for name in (each.before, each.emotion))
    return Came(shown(each.media), time, shown(each.rater or ""), before, now)


def _edge(rows: list[Row]) -> float:
    ends = [abs(end) for each in rows if each.against for end in _ends(each.against)]
    return max([_LEAST_EDGE, *ends])


def _ends(each: Against) -> tuple[float, ...]:
    return (each.difference,) if each.ci is None else (each.ci.low, each.ci.high)


def _rival(row: Row, current: bool, edge: float) -> Rival:
    against = row.against
    ci = against and against.ci and (against.ci.low, against.ci.high)
    along = () if row.named else (words("re_along"),)
    undecided = against is not None and against.verdict == "undecided"
    return Rival(
        name=shown(row.model),
        notes=(words("re_current"),) if current else along,
        accuracy=figure(row.accuracy),
        interval=f"[{row.accuracy_ci[0]:.3f}, {row.accuracy_ci[1]:.3f}]" if row.accuracy_ci else None,
        difference=difference(against) if against else None,
        dot=whisker(against.difference, ci or None, -edge, edge) if against else None,
        verdict=against.verdict if against else None,
        more=words("re_labels_more", n=against.labels_to_decide)
        if against and undecided and against.labels_to_decide
        else None,
        status=None if row.status == "ok" else row.status,
        reason=shortened(visible(row.reason or ""), MAX_REASON),
    )


def _then(row: Row) -> Then:
    since = row.since
    name, now = shown(row.model), figure(row.accuracy)
    if since is None:
        return Then(name, UNDEFINED, now, UNDEFINED, None, words("re_since_new"))
    against = since.against
    if against is None:
        return Then(name, figure(since.accuracy_before), now, UNDEFINED, None, phrase(since.undefined["against"]))
    shared, then = number(against.n), figure(since.accuracy_before)
    if since.same_answers:
        return Then(name, then, now, shared, Difference(signed(0.0)), words("re_since_same"))
    return Then(name, then, now, shared, difference(against), words(f"re_verdict_{against.verdict}"))
