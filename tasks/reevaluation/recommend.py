"""What to do after a re-evaluation, the most important first. Pure; the words are tasks/report's.

First what is broken, then what is proven on held-out labels, then who is better beyond its interval, then what more
labels would tell. Otherwise all stays as it is.
"""

from collections.abc import Sequence

from tasks.reevaluation.result import Advice, AdviceKind, Row, Tuned
from tasks.report.words import Text, shortened, visible, words

_SAYS_NOTHING = ("near_uniform", "constant")


def recommend(current: Row, others: Sequence[Row], tuned: Tuned, promoted: str | None) -> tuple[Advice, ...]:
    """What to do.

    Args:
        current: The configuration that is current.
        others: The candidates that were asked for besides.
        tuned: What its tuning came to.
        promoted: Hash of the configuration that was made current already, or None.
    """
    broken = _broken(current)
    if broken:
        return (broken, *_better(others))
    found = [*_of_tuning(tuned, promoted), *_better(others)]
    found = found or [*_more_labels(others, tuned)]
    return tuple(found) or (_advice("keep", words("re_do_keep")),)


def _broken(current: Row) -> Advice | None:
    """The current configuration could not be measured, or says nothing."""
    if current.status != "ok":
        reason = shortened(visible(current.reason or ""), 400)
        return _advice("repair", words("re_do_repair", why=reason), model=current.model)
    said = [flag for flag in _SAYS_NOTHING if flag in current.flags]
    return _advice("repair", words(f"re_do_repair_{said[0]}"), model=current.model) if said else None


def _of_tuning(tuned: Tuned, promoted: str | None) -> list[Advice]:
    if tuned.verdict != "adopt" or tuned.tuning_id is None:
        return []
    if promoted:
        return [_advice("promoted", words("re_do_promoted", id=tuned.tuning_id), tuning_id=tuned.tuning_id)]
    if not tuned.usable:
        why = words(f"re_unusable_{tuned.unusable_why}")
        return [_advice("look", words("re_do_tuning", id=tuned.tuning_id, why=why), tuning_id=tuned.tuning_id)]
    return [_advice("promote", words("re_do_promote", id=tuned.tuning_id), tuning_id=tuned.tuning_id)]


def _better(others: Sequence[Row]) -> list[Advice]:
    """Candidates that are better than the current configuration, the best first."""
    better = [(each.against.difference, each) for each in others if each.against and each.against.verdict == "better"]
    better.sort(key=lambda each: -each[0])
    return [_look(each, difference) for difference, each in better]


def _look(row: Row, difference: float) -> Advice:
    points = f"{100 * difference:.1f}"
    return _advice("look", words("re_do_look", model=_shown(row.model), points=points), model=row.model)


def _more_labels(others: Sequence[Row], tuned: Tuned) -> list[Advice]:
    """The question that the fewest labels would decide, if any is open that could change what is current."""
    wanted = [
        (each.against.labels_to_decide, each.model)
        for each in others
        if each.against
        and each.against.verdict == "undecided"
        and each.against.difference > 0
        and each.against.labels_to_decide
    ]
    open_questions: list[tuple[int, str | None]] = [*wanted]
    if tuned.verdict == "undecided" and tuned.labels_to_decide and (tuned.gain or 0) > 0:
        open_questions.append((tuned.labels_to_decide, None))
    if not open_questions:
        return []
    n, model = min(open_questions, key=lambda each: each[0])
    if model is None:
        return [_advice("label-more", words("re_do_label_tuning", n=n), labels=n, tuning_id=tuned.tuning_id)]
    return [_advice("label-more", words("re_do_label_model", n=n, model=_shown(model)), labels=n, model=model)]


def _shown(model: str) -> str:
    return shortened(visible(model), 60)


def _advice(
    kind: AdviceKind, said: Text, *, tuning_id: str | None = None, model: str | None = None, labels: int | None = None
) -> Advice:
    return Advice(kind=kind, text=said.en, text_ko=said.ko, tuning_id=tuning_id, model=model, labels=labels)
