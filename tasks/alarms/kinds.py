"""The names of the alarms: they stand in records, in events and in the names of automations."""

from typing import Final

from tasks.numerics.alarms import NEAR_UNIFORM as NEAR_UNIFORM
from tasks.numerics.alarms import ONE_CLASS as ONE_CLASS

VALIDATION: Final = "validation"
QUARANTINE: Final = "quarantine"
NEUTRAL_RATE: Final = "neutral_rate"
CLASS_SHARES: Final = "class_shares"
LANGUAGE_MIX: Final = "language_mix"
SLOW: Final = "slow"
SILENT: Final = "silent"
"""Raised where no run finishes, and so by no run."""

LOST: Final = "lost"
"""Raised by housekeeping: the store does not hold what its records say."""

KINDS: Final = (VALIDATION, NEAR_UNIFORM, ONE_CLASS, QUARANTINE, NEUTRAL_RATE, CLASS_SHARES, LANGUAGE_MIX, SLOW)
"""Every alarm that a finished run may raise, the gravest first."""

OTHER: Final = "other"
"""Subject of a `language_mix` alarm: all languages that are rare in the reference."""
