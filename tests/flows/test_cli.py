"""What the command line says besides its results."""

import pytest

from flows.cli import tell_licences
from tests.support.identities import checkpoint_identity, run_identity


def test_a_model_for_non_commercial_use_is_told_once_and_others_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    restricted = checkpoint_identity(source="owner/restricted", licence="cc-by-nc-sa-4.0")
    free = checkpoint_identity(source="owner/free", licence="apache-2.0")

    tell_licences(run_identity({"en": restricted, "ko": restricted, "el": free}))

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.replace("\n", " ").strip() == (
        "owner/restricted is for non-commercial use only (licence cc-by-nc-sa-4.0)"
    )
