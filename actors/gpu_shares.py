"""What of a GPU a scoring worker asks of Ray, and what a language detector does: none may take another's place. Pure.

Ray puts a fraction of a GPU wherever there is room: on the fullest GPU of a node, and on the emptier node. Detectors
that asked for as much as lies beside one scorer would so come to lie on one GPU together, and that GPU's scorer would
have no place. Therefore all detectors of a cluster together fit beside the scorers of one GPU: wherever Ray puts them,
every scorer still has its place, and every detector its own.

A share is a claim and no limit: whoever has a place computes as fast as the GPU lets it, and the dispatcher gives less
work to a scorer that others slow down. Whisper `base` takes about 85 GFLOP for a window of 30 s. On media of five
minutes that are heard at 1,000 × real time these are ten windows a second for each GPU: ten cores, or a hundredth of an
H200.
"""

import math

_HEARING = 0.05
"""Of a GPU, for all detectors together, where no share is configured."""

_UNIT = 10_000
"""Ray counts resources in ten-thousandths."""

_MANY_LISTENERS = 250
"""As many as may come to be: a cluster that grows to five hundred GPUs keeps the shares that it began with."""

LISTENERS_PER_SCORER = 0.5
"""A detector on a GPU takes some 10 ms for a medium. That is enough for two scorers even where media last 20 s."""


def listeners_beside(scorers: int) -> int:
    """How many detectors on GPUs keep so many scorers busy."""
    return max(1, math.ceil(scorers * LISTENERS_PER_SCORER))


def scorer_share(num_gpus: float | None, *, gpus: float, hears: bool) -> float:
    """What a scorer asks for: as configured, else nearly the whole of a GPU where there are any."""
    if num_gpus is not None:
        return num_gpus
    if gpus < 1:
        return 0.0
    return 1.0 - _HEARING if hears else 1.0


def listener_share(scorer: float, *, most: int, listeners: int | None = None) -> float:
    """What a detector may ask for beside scorers with such a share; 0 where they leave nothing of a GPU.

    Args:
        scorer: Share of each of them.
        most: How many of them there may be.
        listeners: How many detectors there will be; None: in proportion.
    """
    if not 0 < scorer < 1:
        return 0.0
    left = round(_UNIT * (1 - _to_a_gpu(scorer) * scorer))
    return (left // (listeners or max(_MANY_LISTENERS, listeners_beside(most)))) / _UNIT


def places(gpus: float, scorer: float) -> int:
    """How many scorers find a place: none can have parts of two GPUs."""
    return int(gpus) * _to_a_gpu(scorer) if scorer < 1 else int(gpus / scorer)


def _to_a_gpu(scorer: float) -> int:
    return int(1 / scorer + 1e-9)
