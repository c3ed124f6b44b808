"""Tunings on a shelf, as `seraph tune` leaves them, and a moment to promote them at."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from infra.shelf import Shelf
from tasks.tuning.archive import TuningArchive
from tests.support.tunings import tuning

TUNED = "20260203T040506-abcdef"
NOW = datetime(2026, 2, 3, 4, 5, 6, 789, UTC)


def store_tuning(
    shelf: Shelf,
    decision: Mapping[str, Any] | None = None,
    decisions: Mapping[str, Mapping[str, Any]] | None = None,
    **changes: Any,
) -> str:
    """Store a tuning that says `adopt`, with this configuration, and return its id."""
    document: dict[str, Any] = {"decision": dict(decision or {"neutral_suppression": 0.5})}
    if decisions:
        document["decisions"] = {language: dict(own) for language, own in decisions.items()}
    found = tuning(**({"tuning_id": TUNED, "verdict": "adopt"} | changes))
    TuningArchive(shelf).save(found, "<html>", "# a comment\n" + yaml.safe_dump(document))
    return found.tuning_id
