"""Run-time suspicion that a model says nothing, from its own posteriors, without labels: warning lights, not accuracy.

Owns what is suspicious, and from how many segments on. All of it looks at the model's own labels, before any label map:
a map adds labels up, and so makes noise look like a preference. A dimensional model has no posterior of its own, and
gets no alarm from here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from tasks.numerics.metrics import Floats

NEAR_UNIFORM: Final = "near_uniform"
ONE_CLASS: Final = "one_class"
CONSTANT: Final = "constant"

SPREAD = 1.0
"""Standard deviation of logits that say next to nothing: between what random heads show and what trained ones do.

Measured: 100 random heads each, over untrained encoders on 12 random signals of 1 to 3 s, and over the demo models'
encoders on their 28 utterances; information in nats, a mean over the segments:

| head, in which initialisation | encoder | logits, root mean square | information, mean | largest, 4 / 7 / 8 labels |
| --- | --- | --- | --- | --- |
| stock, torch's Linear | large, 1024 wide | .29 | .037 | .199 / .106 / .103 |
| stock, normal of .02 | large | .18 | .014 | .060 / .038 / .042 |
| dense-tanh-out ("soxan"), torch's Linear | large | .24 | .025 | .084 / .078 / .061 |
| soxan, normal of .02 | large | .28 | .034 | .109 / .085 / .078 |
| the same four | base, 768 wide | .13 to .26 | .007 to .030 | .097 / .127 / .112 |
| the same four | trained, of the demo models | .02 to .24 | .000 to .026 | .050 / .045 / .046 |

The recorded scores of a head known to be random: .001 over its own eight labels, .04 over the seven that a map made of
them. Trained: the two demo models 1.13 to 1.29 over seven (deviation 1.6 to 1.7), on either language's media; recorded
scores of a text model 0.97 to 1.12. At `SPREAD` the bound is .27, .34 and .36 for 4, 7 and 8 labels: at least 1.3 times
the worst random head seen, and about a third of the trained ones. A random head's information varies by head rather
than by segment, so more segments do not average it out: the margin must hold the unluckiest.
"""

ONE_CLASS_SHARE = 0.99
CONSTANT_RANGE = 1e-4
"""Posteriors that nowhere differ by more are the same ones: batching alone may move them by so much."""


@dataclass(frozen=True)
class Tally:
    """What a model said over n segments, to be added to what it said over others.

    Attributes:
        n: Number of segments.
        information_sum: Sum over them of `information`, in nats.
        labels: How often each of the model's own labels was the most probable; all labels, in the model's order.
        low, high: Least and greatest posterior of each label; 1 and 0 without a segment.
    """

    n: int
    information_sum: float
    labels: Mapping[str, int]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, posterior_own: Floats, labels: Sequence[str]) -> "Tally":
        """Count n segments.

        Args:
            posterior_own: Posterior over the model's own labels, shape (n, len(labels)), after the kind's own rule.
            labels: The model's own labels, in the order of its outputs.

        Raises:
            ValueError: The shape is another, or a row is no posterior.
        """
        rows = _renormalised(posterior_own)
        if rows.shape[1] != len(labels):
            raise ValueError(f"{rows.shape[1]} columns of posteriors, but {len(labels)} labels; give one a column")
        counts = np.bincount(rows.argmax(axis=1), minlength=len(labels)) if len(rows) else np.zeros(len(labels), int)
        return cls(
            len(rows),
            float(information(rows).sum()),
            dict(zip(labels, counts.tolist(), strict=True)),
            tuple(rows.min(axis=0, initial=1.0).tolist()),
            tuple(rows.max(axis=0, initial=0.0).tolist()),
        )

    def __add__(self, other: "Tally") -> "Tally":
        """Both together; they must be of the same labels."""
        if tuple(self.labels) != tuple(other.labels):
            raise ValueError(
                f"tallies of different labels cannot be added: {', '.join(self.labels)} and {', '.join(other.labels)}"
            )
        return Tally(
            self.n + other.n,
            self.information_sum + other.information_sum,
            {label: count + other.labels[label] for label, count in self.labels.items()},
            tuple(map(min, self.low, other.low)),
            tuple(map(max, self.high, other.high)),
        )

    @property
    def information_mean(self) -> float | None:
        """Nats a segment; None without a segment."""
        return self.information_sum / self.n if self.n else None

    def alarms(self) -> tuple[str, ...]:
        """What is suspicious; nothing before `many` segments are in.

        `near_uniform`: on average less information than `uniform_bound`. `one_class`: at least 99 % of the segments
        fell to one label. `constant`: the posteriors are the same for all segments.
        """
        size = len(self.labels)
        if size < 2 or self.n < many(size):
            return ()
        found = {
            NEAR_UNIFORM: self.information_sum < self.n * uniform_bound(size),
            ONE_CLASS: max(self.labels.values()) >= ONE_CLASS_SHARE * self.n,
            CONSTANT: all(high - low <= CONSTANT_RANGE for low, high in zip(self.low, self.high, strict=True)),
        }
        return tuple(name for name, raised in found.items() if raised)


def information(posterior_own: Floats) -> Floats:
    """What each posterior says, log N - entropy in nats, shape (n,): 0 for a uniform one, log N for a sure one.

    Args:
        posterior_own: Shape (n, N); rows are renormalised, so those of a multilabel model need not sum to 1.

    Raises:
        ValueError: A row is no posterior: not finite, negative, or without mass.
    """
    rows = _renormalised(posterior_own)
    logarithm = np.log(rows, out=np.zeros_like(rows), where=rows > 0)
    return np.asarray(np.maximum(math.log(max(rows.shape[1], 1)) + (rows * logarithm).sum(axis=1), 0.0))


@lru_cache(maxsize=256)
def uniform_bound(size: int) -> float:
    """Expected information of softmax over `size` independent normal logits of deviation `SPREAD`, in nats.

    The entropy of softmax(z) is log X - Σ p z with X = Σ e^z. With φ(t) = E exp(-t e^z), both are integrals over t:
    E log X = ∫ (e^-t - φ(t)^N)/t dt, and E p z = ∫ E[z e^z exp(-t e^z)] φ(t)^(N - 1) dt, here over log t by the
    trapezoid rule, with Gauss-Hermite nodes for z. Good to 1e-9; grows with N.
    """
    if size < 2:
        raise ValueError(f"a bound needs at least 2 labels, not {size}")
    step = 0.05
    t = np.exp(np.arange(-40.0, 12.0, step))[:, None]
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    z, weights = SPREAD * nodes, weights / weights.sum()
    decay = np.exp(-t * np.exp(z))
    phi = decay @ weights
    log_sum = ((np.exp(-t[:, 0]) - phi**size) * step).sum()
    weighted = size * ((decay @ (weights * z * np.exp(z))) * phi ** (size - 1) * t[:, 0] * step).sum()
    return float(math.log(size) - (log_sum - weighted))


def many(size: int) -> int:
    """From how many segments on an alarm is raised for a model of `size` labels.

    The least n at which, if all n fell to one label, the 95 % upper bound on the share of all the others together is
    below 1/size, the share that a model without a preference would give any one label.
    """
    if size < 2:
        raise ValueError(f"alarms need at least 2 labels, not {size}")
    return math.ceil(math.log(0.05) / math.log(1 - 1 / size))


def _renormalised(posterior: Floats) -> Floats:
    rows = np.asarray(posterior, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"posteriors must have shape (segments, labels), not {rows.shape}")
    total = rows.sum(axis=1, keepdims=True)
    if not np.isfinite(total).all() or (total <= 0).any() or (rows < 0).any():
        raise ValueError("every posterior must be finite, not negative, and have mass; leave out failed segments")
    return np.asarray(rows / total)
