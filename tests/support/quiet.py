"""Libraries that warn while they are imported, imported once and quietly: warnings are errors in the tests."""

import warnings


def import_great_expectations() -> None:
    """Import Great Expectations; it and what it imports use deprecated modules of the standard library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations.expectations  # noqa: F401
