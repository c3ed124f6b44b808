"""Networks built without memory, and filled with all tensors and no others."""

from pathlib import Path

import pytest
import torch
from torch import nn

from actors.checkpoints.document import Document
from actors.checkpoints.files import Checkpoint, open_checkpoint
from actors.checkpoints.skeleton import fill, skeleton
from infra.errors import CheckpointError, LayoutError
from tests.support.checkpoints import Tensors, write_tensors

BERT = ("bert.{}_bert", ("BertModel", "BertConfig"))
SMALL = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 9}


def test_a_size_that_no_memory_holds_costs_nothing() -> None:
    network = skeleton(Document(Path("config.json"), SMALL | {"vocab_size": 10**12}), *BERT)

    assert network.get_parameter("embeddings.word_embeddings.weight").shape == (10**12, 8)


def test_a_fixed_value_stands_whatever_the_configuration_says() -> None:
    network = skeleton(Document(Path("config.json"), SMALL | {"vocab_size": None}), *BERT, fixed={"vocab_size": 7})

    assert network.get_parameter("embeddings.word_embeddings.weight").shape == (7, 8)


def test_buffers_that_no_checkpoint_stores_are_derived(tmp_path: Path) -> None:
    network = skeleton(Document(Path("config.json"), SMALL | {"max_position_embeddings": 5}), *BERT)
    tensors = {"bert." + key: torch.ones(tensor.shape) for key, tensor in network.state_dict().items()}

    fill(network, stored(tmp_path, tensors), tensors, "bert", prefix="bert.")

    assert network.get_buffer("embeddings.position_ids").tolist() == [[0, 1, 2, 3, 4]]
    assert network.get_buffer("embeddings.token_type_ids").tolist() == [[0] * 5]
    assert not any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers()))


def test_a_buffer_that_cannot_be_derived_is_refused(tmp_path: Path) -> None:
    network = nn.Module()
    network.register_buffer("secret", torch.empty(3, device="meta"), persistent=False)

    with pytest.raises(CheckpointError, match="secret"):
        fill(network, stored(tmp_path, {"other": torch.ones(1)}), [], "bert")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"other": torch.ones(1)}, "missing weight.*unexpected other"),
        ({"weight": torch.ones(2, 3)}, r"of another shape weight \[2, 3\], expected \[2, 2\]"),
        ({"weight": torch.ones(2, 2), "b": torch.ones(1)}, "unexpected b"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(tmp_path: Path, tensors: Tensors, message: str) -> None:
    with pytest.raises(LayoutError, match=message):
        fill(nn.Linear(2, 2, bias=False, device="meta"), stored(tmp_path, tensors), tensors, "bert")


def stored(folder: Path, tensors: Tensors) -> Checkpoint:
    return open_checkpoint("source", write_tensors(folder, tensors))
