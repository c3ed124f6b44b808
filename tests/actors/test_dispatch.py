"""What the dispatcher adds to a row. How it hands out batches is tested with the pool."""

import pytest

from actors.contract import Flag, ModelSpec, Span
from actors.dispatch import window_flags


def spec(window_s: float | None) -> ModelSpec:
    return ModelSpec("m", None, "0" * 64, "whisper", "categorical", ("a", "b"), 16_000, "p", "fp32", window_s=window_s)


@pytest.mark.parametrize(
    ("span", "window_s", "flags"),
    [
        (Span(0.0, 30.1), 30.0, (Flag.CUT_TO_WINDOW,)),
        (Span(0.0, 30.0), 30.0, ()),
        (Span(15.3, 45.300000000000004), 30.0, ()),  # a rounding error is no sample
        (Span(0.0, 29.0), 30.0, ()),
        (Span(0.0, 600.0), None, ()),
    ],
)
def test_a_segment_longer_than_its_model_hears_is_flagged(
    span: Span, window_s: float | None, flags: tuple[Flag, ...]
) -> None:
    assert window_flags(span, spec(window_s)) == flags
