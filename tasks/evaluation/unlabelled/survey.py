"""A survey of scored corpora without labels: fold, compare, light. The order of the steps; the steps are beside it."""

from collections.abc import Sequence

from infra.errors import InputError
from tasks.evaluation.unlabelled.figures import figures, model_figures, reference_figures
from tasks.evaluation.unlabelled.fold import Tallied, fold
from tasks.evaluation.unlabelled.lights import lights
from tasks.evaluation.unlabelled.record import Configuration, Survey
from tasks.evaluation.unlabelled.scored import Reference, Scored
from tasks.evaluation.unlabelled.shifts import TOTALS_ONLY, shifts
from tasks.evaluation.unlabelled.together import consensus_figures, disagreements, join, pair_figures
from tasks.report.words import words


def survey(corpora: Sequence[Scored], reference: Reference | None = None, *, seed: int) -> Survey:
    """Say what can be said of scored corpora without labels.

    Args:
        corpora: Each a configuration's current table over the same media, with a name of its own.
        reference: What the class shares are compared with.
        seed: Of the simulated bands.

    Raises:
        InputError: There is no corpus, or two have the same name.
    """
    _check(corpora)
    several = len(corpora) > 1
    tallied = [fold(each.tables(), keep_answers=several) for each in corpora]
    configurations = tuple(_configuration(*each, reference, seed) for each in zip(corpora, tallied, strict=True))
    joined = join([each.answers for each in tallied]) if several else None
    pairs = pair_figures(joined, [each.name for each in corpora]) if joined else ()
    against = None if reference is None else reference_figures(reference)
    standing = words("un_standing")
    return Survey(
        standing=standing.en,
        standing_ko=standing.ko,
        lights=lights(configurations, against, pairs),
        configurations=configurations,
        reference=against,
        pairs=pairs,
        consensus=consensus_figures(joined) if joined else None,
        disagreements=disagreements(joined, corpora) if joined else (),
        seed=seed,
        undefined=_undefined(reference, several=several),
    )


def _check(corpora: Sequence[Scored]) -> None:
    names = [each.name for each in corpora]
    if not names:
        raise InputError("nothing to survey: name at least one configuration")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two configurations are called {twice[0]!r}: give each a name of its own")


def _configuration(scored: Scored, tallied: Tallied, reference: Reference | None, seed: int) -> Configuration:
    return Configuration(
        name=scored.name,
        figures=figures(tallied.whole, len(tallied.whole.media)),
        models=model_figures(tallied, scored.labels),
        drift=() if reference is None or not tallied.whole.segments else shifts(reference, tallied, seed=seed),
    )


def _undefined(reference: Reference | None, *, several: bool) -> dict[str, str]:
    reasons = {}
    if reference is None:
        reasons["drift"] = "no reference was named"
    elif reference.media is None:
        reasons["drift_by_language"] = TOTALS_ONLY
    if not several:
        reasons["pairs"] = reasons["consensus"] = "there is only one configuration"
    return reasons
