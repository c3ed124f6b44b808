"""The tuning of the current configuration's decision on what it was just heard to say, and its promotion.

Gains are over the parameters that are current, not over the plain argmax: a configuration that was tuned before is not
to be told again to do what it does. Owns when what was found may be used as it is.
"""

from datetime import datetime

from actors.contract import TAXONOMY
from infra.errors import InputError, SeraphError
from tasks.config.scoring import CURRENT, DecisionOptions, ScoreConfig
from tasks.evaluation.result import Evaluation
from tasks.numerics.grid import DEFAULTS
from tasks.promotion.current import Promotions, choose
from tasks.promotion.proposals import propose
from tasks.reevaluation.open import Opened
from tasks.reevaluation.result import Tuned
from tasks.report.words import Text, words
from tasks.tuning.request import TuneRequest
from tasks.tuning.result import Tuning
from tasks.tuning.run import tune

WHO = "seraph reevaluate"
"""Who promotes, in the history of promotions, where nobody was asked."""

_SAYS_NOTHING = ("audio_near_uniform", "audio_constant")


def tuned_on(opened: Opened, evaluation: Evaluation) -> Tuned:
    """Tune, if that was asked for and there is anything to tune on; otherwise why not."""
    config, name = opened.chosen.config, opened.request.config
    if not opened.request.tune:
        return _none(words("re_tuning_off"))
    if evaluation.model(name).status != "ok":
        return _none(words("re_tuning_unmeasured"))
    request = TuneRequest(
        evaluation=evaluation.evaluation_id, candidate=name, near=parameters(config.decision), seed=opened.request.seed
    )
    try:
        tuning = tune(request, _no_files, opened.shelf)
    except InputError as error:
        return _none(words("re_tuning_failed", why=str(error)))
    return _tuned(tuning, config)


def parameters(decision: DecisionOptions) -> dict[str, float]:
    """A configuration's decision as a point of the grid."""
    values = {name: float(getattr(decision, name)) for name in DEFAULTS if name not in TAXONOMY}
    return values | {emotion: float(decision.emotion_weights.get(emotion, 1.0)) for emotion in TAXONOMY}


def promote(opened: Opened, tuned: Tuned, now: datetime) -> tuple[str | None, Text | None]:
    """Make the tuning current where that was asked for: the hash of what is current then, or why it was not done.

    Args:
        opened: The re-evaluation.
        tuned: What its tuning came to.
        now: The moment, with its time zone.
    """
    if not opened.request.promote:
        return None, None
    if tuned.tuning_id is None or tuned.verdict != "adopt":
        return None, words("re_not_promoted_verdict")
    if not tuned.usable:
        return None, words(f"re_unusable_{tuned.unusable_why}")
    try:
        if choose(CURRENT, lambda: opened.shelf).used.hash != opened.config_hash:
            return None, words("re_not_promoted_meanwhile")
        proposal = propose(tuned.tuning_id, opened.shelf)
        grounds = proposal.grounds(WHO, f"on the labels of snapshot {opened.snapshot.content}")
        return Promotions(opened.shelf).promote(proposal.config, grounds, now).hash, None
    except InputError as error:
        return None, words("re_not_promoted_error", why=str(error))


def _tuned(tuning: Tuning, config: ScoreConfig) -> Tuned:
    gain = tuning.gains.get(tuning.objective)
    why = _unusable(tuning, config)
    return Tuned(
        tuning_id=tuning.tuning_id,
        verdict=tuning.verdict,
        reason=tuning.reason,
        reason_ko=tuning.reason_ko,
        objective=tuning.objective,
        gain=gain.value if gain else None,
        gain_ci=(gain.ci.low, gain.ci.high) if gain and gain.ci else None,
        labels_to_decide=tuning.labels_to_decide,
        usable=why is None,
        unusable_why=why,
        report=tuning.outputs.report if tuning.outputs else None,
    )


def _unusable(tuning: Tuning, config: ScoreConfig) -> str | None:
    """Why what was found may not simply replace what is current."""
    if any(flag in tuning.flags for flag in _SAYS_NOTHING):
        return "noise"
    if config.decisions:
        return "languages"  # the gain is over the common parameters, which those languages do not use
    if config.text is not None and tuning.fusion is None:
        return "text"  # tuned on the audio alone, its audio_weight would switch the texts off
    return None


def _none(why: Text) -> Tuned:
    return Tuned(reason=why.en, reason_ko=why.ko)


def _no_files(source: str) -> bytes:
    raise SeraphError(f"a stored evaluation is tuned without label files, and {source} was asked for")
