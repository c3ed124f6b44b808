"""Signals of any kind in one call, how they are cut into batches, and calls from several threads."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from actors.checkpoints import load
from actors.checkpoints.model import MAX_PADDING, SpeechModel, batches
from actors.checkpoints.network import Network
from actors.checkpoints.preprocessing import Preprocessing
from actors.contract import ModelSpec, Signal
from tests.support.checkpoints import some_signals, write_stock


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_stock(tmp_path_factory.mktemp("stock"), norm="group"))


def test_rows_come_back_in_the_order_of_the_signals(source: str) -> None:
    model = load(source, dtype="fp32")
    signals = some_signals()

    forward, backward = model.logits(signals), model.logits(signals[::-1])

    np.testing.assert_allclose(forward, backward[::-1], atol=1e-4)
    assert forward.shape == (len(signals), 4)
    assert forward.dtype == np.float32


def test_no_signals_give_no_rows(source: str) -> None:
    assert load(source).logits([]).shape == (0, 4)


@pytest.mark.parametrize("samples", [1, 399, 400])
def test_a_signal_shorter_than_a_frame_is_padded_to_one(source: str, samples: int) -> None:
    model = load(source, dtype="fp32")
    signal = some_signals()[0][:samples]
    scaled = Preprocessing()(signal)

    alone = model.logits([signal])
    beside = model.logits([signal, some_signals()[0]])

    with torch.inference_mode():
        padded = torch.from_numpy(np.pad(scaled, (0, 400 - samples)))[None]
        expected = model._network(padded, [400]).numpy()  # type: ignore[attr-defined]
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    np.testing.assert_allclose(beside[:1], alone, atol=1e-4)


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_a_signal_with_nan_spoils_its_own_row_only(tmp_path: Path, norm: str) -> None:
    model = load(str(write_stock(tmp_path, norm=norm)), dtype="fp32")
    signals = some_signals(seconds=(0.9, 0.88, 0.86))
    clean = model.logits(signals)
    signals[1] = np.full_like(signals[1], np.nan)

    logits = model.logits(signals)

    assert np.isnan(logits[1]).all()
    np.testing.assert_allclose(logits[[0, 2]], clean[[0, 2]], atol=1e-5)


def test_silence_is_scored(source: str) -> None:
    assert np.isfinite(load(source).logits([np.zeros(8000, dtype=np.float32)])).all()


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (np.zeros(0, dtype=np.float32), "signal 1 is empty"),
        (np.zeros((2, 800), dtype=np.float32), r"shape \(2, 800\)"),
        (np.zeros(800, dtype=np.int16), "int16"),
    ],
)
def test_what_is_no_signal_is_an_error(source: str, signal: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(source).logits([np.zeros(800, dtype=np.float32), signal])


def test_batches_hold_every_signal_once_and_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(8_000, 240_000, 200).tolist()

    cut = list(batches(lengths, 960_000, equal=False))

    assert sorted(index for batch in cut for index in batch) == list(range(200))
    for batch in cut:
        padded = max(lengths[index] for index in batch) * len(batch)
        assert padded <= 960_000
        assert padded - sum(lengths[index] for index in batch) <= MAX_PADDING * padded
    assert len(cut) < 60


def test_batches_of_equal_lengths_hold_one_length_each() -> None:
    assert list(batches([5, 7, 5, 9, 7], 100, equal=True)) == [[3], [1, 4], [0, 2]]


def test_a_signal_beyond_the_budget_is_a_batch_of_its_own() -> None:
    assert list(batches([50, 400, 50], 100, equal=False)) == [[1], [0, 2]]


def test_the_memory_of_the_weights_is_known_and_halves_in_bf16(tmp_path: Path) -> None:
    source = str(write_stock(tmp_path, hidden=256))

    full, low = load(source, dtype="fp32"), load(source, dtype="bf16")

    assert 0.5 < low.weight_bytes / full.weight_bytes < 0.7  # type: ignore[attr-defined]
    assert (full.spec.precision, low.spec.precision) == ("fp32", "bf16")


# -- several threads ---------------------------------------------------------------------------------------------------

SPEC = ModelSpec("stand-in", None, "0" * 64, "stub", "categorical", ("a", "b"), 16_000, "", "fp32")


class Waits(Network):
    """Computes when it is told to.

    Args:
        go: Until then it waits.
        inside: Who has begun, of all that share it; `several` is set by the second.
    """

    minimum, equal_lengths = 400, False

    def __init__(self, go: threading.Event, inside: list[Network], several: threading.Event) -> None:
        super().__init__()
        self._go, self._inside, self._several = go, inside, several

    def forward(self, values: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
        self._inside.append(self)
        if len(self._inside) == 2:
            self._several.set()
        assert self._go.wait(timeout=20)
        return values[:, :2]


@dataclass(frozen=True)
class Tells(Preprocessing):
    """Tells when it has prepared so many signals."""

    scaling: Literal["segment", "fixed", "none"] = "none"
    number: int = 2
    prepared: threading.Event = field(default_factory=threading.Event)
    seen: list[int] = field(default_factory=list)

    def __call__(self, signal: Signal, out: Signal | None = None) -> Signal:
        self.seen.append(len(signal))
        if len(self.seen) == self.number:
            self.prepared.set()
        return super().__call__(signal, out)


def test_a_batch_is_prepared_while_another_is_computed() -> None:
    tells = Tells()
    network = Waits(tells.prepared, [], threading.Event())  # the first goes on only when the second is prepared
    model = SpeechModel(SPEC, network, tells, torch.device("cpu"))
    signals = [np.full(800, value, dtype=np.float32) for value in (1.0, 2.0)]
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda signal: model.logits([signal]), signals)

    assert (one == 1.0).all()
    assert (two == 2.0).all()


def test_of_several_models_one_computes_at_a_time() -> None:
    go, several, inside = threading.Event(), threading.Event(), list[Network]()
    models = [SpeechModel(SPEC, Waits(go, inside, several), Tells(), torch.device("cpu")) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(model.logits, [np.ones(800, dtype=np.float32)]) for model in models]
        together = several.wait(timeout=0.2)
        go.set()
        assert [call.result().shape for call in calls] == [(1, 2), (1, 2)]

    assert not together
