"""Libraries that warn while they are imported, imported once and quietly: warnings are errors in the tests."""

import warnings
from typing import Any


def import_great_expectations() -> None:
    """Import Great Expectations; it and what it imports use deprecated modules of the standard library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations.expectations  # noqa: F401


def import_ray_scripts() -> Any:
    """Import the commands of Ray; what they import uses deprecated modules."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray.scripts.scripts

        return ray.scripts.scripts
