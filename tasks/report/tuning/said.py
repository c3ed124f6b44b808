"""What a tuning says in sentences: the verdict, warnings, how much of the gain is real, and how much luck gives."""

from tasks.numerics.sources import FEW_SOURCES
from tasks.report.evaluation.findings import in_both
from tasks.report.evaluation.phrases import phrase
from tasks.report.findings import Finding
from tasks.report.tuning.terms import (
    amount,
    gained,
    has_one_source,
    is_nothing,
    signed_amount,
    signed_number,
    title,
    why,
)
from tasks.report.words import Text, named, percent, shortened, visible, words
from tasks.tuning.result import Calibration, Gain, Tuning

_WARNINGS = {
    "audio_near_uniform": ("tu_warn_audio_near_uniform", True),
    "audio_constant": ("tu_warn_audio_constant", True),
    "audio_one_class": ("tu_warn_audio_one_class", False),
    "single_source": ("tu_warn_single_source", True),
    "demo_model": ("tu_warn_demo_model", True),
}
_SAID_ELSEWHERE = {"few_sources"}
_NEAR_ONE = 0.005
"""A temperature that is written as 1.00."""


def headline(tuning: Tuning) -> Text:
    """The verdict as a command."""
    return words(f"tu_head_{tuning.verdict}")


def reason(tuning: Tuning) -> Text:
    """Why, and about how many more labels would decide where nothing is decided."""
    said = Text(visible(tuning.reason), visible(tuning.reason_ko))
    if tuning.verdict != "undecided":
        return said
    if tuning.labels_to_decide:
        return said.joined(words("tu_more_labels", n=tuning.labels_to_decide))
    unknown = why(tuning, "labels_to_decide")
    return said.joined(words("tu_no_more_labels", why=unknown)) if unknown else said


def warnings(tuning: Tuning) -> list[Finding]:
    """What stands above everything else, the gravest first."""
    found = [] if tuning.dataset.n else [Finding(words("tu_warn_nothing"), grave=True)]
    found += _flagged(tuning)
    if 1 < tuning.sources < FEW_SOURCES:
        found.append(Finding(words("tu_warn_few_sources", n=tuning.sources, least=FEW_SOURCES)))
    if not tuning.exhaustive:
        found.append(Finding(words("tu_warn_not_exhaustive")))
    if tuning.dataset.problem_count:
        found.append(Finding(words("ev_warn_problems", n=tuning.dataset.problem_count)))
    return sorted(found, key=lambda each: not each.grave)


def notes(tuning: Tuning) -> list[Text]:
    """What the tuning notes about itself."""
    return in_both(tuning.notes, tuning.notes_ko)


def reality(tuning: Tuning) -> list[Text]:
    """What the search seems to gain, what it gains on held-out segments, and the difference."""
    seeming = gained(tuning.default, tuning.apparent, tuning.objective)
    if seeming is None:
        return [words("tu_nothing_searched")]
    said = [_seeming(tuning, seeming)]
    if gain := tuning.gains.get(tuning.objective):
        expected = words("tu_expected_one_source" if has_one_source(tuning) else "tu_expected")
        said.append(_real(gain, tuning.objective).joined(expected))
    if tuning.optimism is not None and tuning.optimism > 0 and not is_nothing(tuning.optimism):
        said.append(words("tu_optimism_said", optimism=amount(tuning.optimism, tuning.objective)))
    return said


def luck(tuning: Tuning) -> list[Text]:
    """How much the best combination would seem to gain by luck, beside what it does gain."""
    found = tuning.luck
    if found.mean is None or found.high is None:
        return [words("tu_luck_none", why=phrase(found.reason) if found.reason else words("tu_calibration_unknown"))]
    mean, high = (amount(each, tuning.objective) for each in (found.mean, found.high))
    said = [words("tu_luck_said", distinct=found.distinct, mean=mean, high=high)]
    if found.observed is not None:
        key = "tu_luck_usual" if found.observed <= found.high else "tu_luck_rare"
        observed = amount(found.observed, tuning.objective)
        said.append(words(key, observed=observed, share=percent(found.share_as_good)))
    return said


def calibration(found: Calibration) -> list[Text]:
    """Whether the probabilities are too sure of themselves, and what the temperature does on held-out folds."""
    if found.temperature is None:
        unknown = phrase(found.reason) if found.reason else words("tu_calibration_unknown")
        return [words("tu_calibration_none", why=unknown)]
    said = [words(f"tu_calibration_{_leaning(found.temperature)}", t=f"{found.temperature:.3f}")]
    if found.before is not None and found.after is not None:
        key = "tu_calibration_better" if found.after < found.before else "tu_calibration_worse"
        said.append(words(key, before=f"{found.before:.3f}", after=f"{found.after:.3f}"))
    return said


def _flagged(tuning: Tuning) -> list[Finding]:
    known = dict.fromkeys(_WARNINGS[each] for each in tuning.flags if each in _WARNINGS)
    if has_one_source(tuning):
        known[_WARNINGS["single_source"]] = None
    found = [Finding(words(key), grave) for key, grave in known]
    others = [each for each in tuning.flags if each not in _WARNINGS and each not in _SAID_ELSEWHERE]
    return found + [Finding(words("tu_warn_other", name=named("flag", shortened(each, 80)))) for each in others]


def _seeming(tuning: Tuning, seeming: float) -> Text:
    objective = title(tuning.objective)
    if is_nothing(seeming):
        return words("tu_apparent_same", n=tuning.points, objective=objective)
    return words(
        "tu_apparent_said", n=tuning.points, objective=objective, difference=_better(seeming, tuning.objective)
    )


def _real(gain: Gain, objective: str) -> Text:
    interval: Text | str = ""
    if gain.ci:
        high = signed_amount(gain.ci.high, objective)
        interval = words("tu_interval", low=signed_number(gain.ci.low, objective), high=high)
    if is_nothing(gain.value):
        return words("tu_nested_same", interval=interval)
    return words("tu_nested_said", difference=_better(gain.value, objective), interval=interval)


def _better(gain: float, objective: str) -> Text:
    return words("tu_better" if gain > 0 else "tu_worse", amount=amount(abs(gain), objective))


def _leaning(temperature: float) -> str:
    if abs(temperature - 1) < _NEAR_ONE:
        return "same"
    return "sure" if temperature > 1 else "timid"
