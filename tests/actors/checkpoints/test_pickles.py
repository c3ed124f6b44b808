"""State dicts as torch saves them pass; a pickle that asks for anything else is refused before it is read."""

import collections
import pickle
import resource
from pathlib import Path
from typing import Any

import pytest
import torch

from actors.checkpoints.pickles import check_pickle
from actors.checkpoints.weights import pickled_tensors
from infra.errors import CheckpointError


class Asking:
    """Pickles to a call."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.arguments


def save(path: Path, content: Any, *, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool]
)
def test_state_dicts_of_every_type_pass(tmp_path: Path, dtype: torch.dtype, legacy: bool) -> None:
    tensors = {"a.weight": torch.ones(2, 3).to(dtype), "a.bias": torch.zeros(3).to(dtype)}

    path = save(tmp_path / "pytorch_model.bin", tensors, legacy=legacy)

    assert pickled_tensors(path).keys() == tensors.keys()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
def test_the_state_dict_of_a_module_passes_with_its_parameters_and_metadata(tmp_path: Path, legacy: bool) -> None:
    module = torch.nn.Sequential(torch.nn.Conv1d(4, 4, 3), torch.nn.BatchNorm1d(4))
    parameters = dict(module.named_parameters())

    assert (
        pickled_tensors(save(tmp_path / "a.bin", module.state_dict(), legacy=legacy)).keys()
        == module.state_dict().keys()
    )
    assert pickled_tensors(save(tmp_path / "b.bin", parameters, legacy=legacy)).keys() == parameters.keys()


def test_plain_values_beside_the_tensors_pass(tmp_path: Path) -> None:
    content = {"a": torch.ones(2), "epoch": 3, "loss": 0.5, "note": "x", "history": [1, 2], "extra": {"lr": 1e-4}}

    assert pickled_tensors(save(tmp_path / "a.bin", content)).keys() == {"a"}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
def test_three_bytes_that_ask_for_gigabytes_are_refused_before_they_are_given(tmp_path: Path, legacy: bool) -> None:
    path = save(tmp_path / "a.bin", {"a": torch.ones(2), "b": Asking(bytearray, 2_000_000_000)}, legacy=legacy)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(CheckpointError, match="bytearray"):
        pickled_tensors(path)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@pytest.mark.parametrize(
    "asking",
    [
        Asking(set, [1, 2]),
        Asking(collections.Counter, [1, 2]),
        Asking(collections.OrderedDict, [("a", 1)]),
        Asking(Path.write_text, Path("harmed"), "yes"),
        Asking(eval, "1"),
        b"bytes",
    ],
    ids=["set", "Counter", "OrderedDict of a list", "code", "eval", "bytes"],
)
def test_what_is_no_tensor_by_name_is_refused(tmp_path: Path, asking: object) -> None:
    path = save(tmp_path / "a.bin", {"a": torch.ones(2), "b": asking})

    with pytest.raises(CheckpointError, match=r"asks for"):
        check_pickle(path)


def test_a_remembered_ordereddict_must_begin_empty_too(tmp_path: Path) -> None:
    once = collections.OrderedDict(a=torch.ones(2))
    path = save(tmp_path / "a.bin", {"first": once, "second": Asking(collections.OrderedDict, [("a", 1)])})

    with pytest.raises(CheckpointError, match="filled from something else"):
        check_pickle(path)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_bare_pickle_is_no_weight_file(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(pickle.dumps({"a": Asking(eval, "1")}, protocol=protocol))

    with pytest.raises(CheckpointError, match="plain weights"):
        pickled_tensors(path)
