"""Low precision must be near full precision for every width of layer that checkpoints have."""

import pytest
import torch
from torch import nn

from actors.checkpoints.precision import choose_device, choose_precision, computing, lowered
from infra.errors import ConfigError

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("channels", "groups", "kernel"),
    [
        (1, 1, 10),
        (8, 1, 3),
        (24, 1, 3),
        (48, 1, 8),
        (512, 1, 3),
        (32, 4, 16),
        (96, 4, 16),
        (192, 16, 128),
        (768, 16, 128),
    ],
)
def test_convolutions_of_every_width_are_near_full_precision(channels: int, groups: int, kernel: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv1d(channels, 8 * groups, kernel, padding=kernel // 2, groups=groups)
    values = torch.randn(2, channels, 100)
    with torch.inference_mode():
        expected = layer(values)
        lowered(nn.ModuleList([layer]), "bf16")

        with computing(CPU, "bf16"):
            found = layer(values).float()

    assert (found - expected).norm() / expected.norm() < 0.01


def test_auto_is_bf16_only_where_the_hardware_multiplies_in_it() -> None:
    expected = "bf16" if torch.cpu.get_capabilities().get("amx_bf16") else "fp32"

    assert choose_precision("auto", CPU) == expected


def test_an_unknown_precision_is_an_error() -> None:
    with pytest.raises(ConfigError, match="int4"):
        choose_precision("int4", CPU)


@pytest.mark.parametrize("name", ["cuda:99", "abacus"])
def test_a_device_that_is_not_here_is_an_error(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        choose_device(name)


def test_full_precision_is_no_tf32_and_what_was_set_before_comes_back_after_an_error() -> None:
    settings = torch.backends.cudnn.conv, torch.backends.cuda.matmul
    before = [each.fp32_precision for each in settings]
    found = []

    def fail() -> None:
        with computing(torch.device("cuda"), "fp32"):
            found.extend(each.fp32_precision for each in settings)
            raise ZeroDivisionError

    try:
        for each in settings:
            each.fp32_precision = "tf32"
        with pytest.raises(ZeroDivisionError):
            fail()
        found.extend(each.fp32_precision for each in settings)
    finally:
        for each, was in zip(settings, before, strict=True):
            each.fp32_precision = was

    assert found == ["ieee", "ieee", "tf32", "tf32"]
