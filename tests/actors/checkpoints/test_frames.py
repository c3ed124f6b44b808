"""The frame encoder against transformers' own, row by row in blocks and all rows together."""

from typing import Any

import pytest
import torch
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

from actors.checkpoints.frames import FrameEncoder, over_time

SAMPLES = 24_000
"""More than two blocks."""


@pytest.fixture(params=["group", "layer"])
def extractor(request: pytest.FixtureRequest) -> Any:
    """transformers' convolutions, narrow, all their tensors stirred."""
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=[16] * 7, feat_extract_norm=request.param, conv_bias=request.param == "layer",
    )  # fmt: skip
    found = Wav2Vec2Model(config).feature_extractor.eval().requires_grad_(False)
    for parameter in found.parameters():
        parameter.add_(0.2 * torch.randn(parameter.shape))
    return found


def waves(*lengths: int) -> torch.Tensor:
    """Walks with an offset, as loud as they come: neighbouring samples are nearly equal. Zero beyond their lengths."""
    generator = torch.Generator().manual_seed(1)
    wave = torch.randn(len(lengths), max(lengths), generator=generator).cumsum(1) / 20 + 0.5
    return wave * (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])


@pytest.mark.parametrize("samples", [400, 719, 5_200, 5_205, SAMPLES])
@torch.inference_mode()
def test_both_ways_give_what_transformers_gives_at_any_length(extractor: Any, samples: int) -> None:
    values = waves(samples, samples)
    expected = extractor(values)

    encoder = FrameEncoder(extractor)

    for found in (encoder.by_row(values), encoder.together(values)):
        torch.testing.assert_close(found.transpose(1, 2), expected, atol=2e-5, rtol=1e-4)


@torch.inference_mode()
def test_padding_changes_no_valid_frame_and_is_zero_where_rows_go_one_by_one(extractor: Any) -> None:
    lengths = [SAMPLES, 9_000, 400]
    values = waves(*lengths)
    encoder = FrameEncoder(extractor)
    alone = [encoder(values[row, None, :length])[0] for row, length in enumerate(lengths)]

    encoder.valid = lengths
    by_row, together = encoder.by_row(values), encoder.together(values)

    for row, expected in enumerate(alone):
        frames = encoder.frames(lengths[row])
        assert frames == expected.shape[1]
        for found in (by_row, together):
            torch.testing.assert_close(found[row, :frames].T, expected, atol=2e-5, rtol=1e-4)
        assert not by_row[row, frames:].any()


@torch.inference_mode()
def test_lowered_layers_stay_near_full_precision(extractor: Any) -> None:
    values = waves(SAMPLES)
    encoder = FrameEncoder(extractor)
    expected = encoder(values)

    encoder.lower(torch.bfloat16)
    found = encoder(values)

    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).norm() / expected.norm() < 0.02


@torch.inference_mode()
def test_filters_with_their_norm_give_what_norming_their_output_gives() -> None:
    torch.manual_seed(0)
    norm = nn.GroupNorm(8, 8)
    norm.weight.data, norm.bias.data = torch.randn(8), torch.randn(8)
    windows, filters = torch.randn(2, 50, 10) + 3, torch.randn(8, 10)
    valid = [50, 31]

    weight, bias = over_time(windows, filters, norm, valid)

    found = windows @ weight + bias
    for row, count in enumerate(valid):
        expected = norm((windows[row, :count] @ filters.T).T[None])[0].T
        torch.testing.assert_close(found[row, :count], expected, atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_a_constant_signal_is_normed_to_the_bias() -> None:
    norm = nn.GroupNorm(4, 4)
    norm.bias.data = torch.arange(4.0)

    weight, bias = over_time(torch.full((1, 30, 10), 0.7), torch.randn(4, 10), norm)

    found = torch.full((1, 30, 10), 0.7) @ weight + bias
    torch.testing.assert_close(found, norm.bias.expand(1, 30, 4), atol=1e-4, rtol=0)
