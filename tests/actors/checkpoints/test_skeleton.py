"""Networks built without memory, and filled with all tensors and no others."""

from pathlib import Path

import pytest
import torch
from torch import nn

from actors.checkpoints.document import Document
from actors.checkpoints.skeleton import fill, shapes, skeleton
from infra.errors import CheckpointError

BERT = ("bert.{}_bert", ("BertModel", "BertConfig"))
SMALL = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 9}


def test_a_size_that_no_memory_holds_costs_nothing() -> None:
    network = skeleton(Document(Path("config.json"), SMALL | {"vocab_size": 10**12}), *BERT)

    assert shapes(network, "bert.")["bert.embeddings.word_embeddings.weight"] == (10**12, 8)


def test_buffers_that_no_checkpoint_stores_are_derived() -> None:
    network = skeleton(Document(Path("config.json"), SMALL | {"max_position_embeddings": 5}), *BERT)

    fill(network, {key: torch.ones(shape) for key, shape in shapes(network).items()}, "source")

    assert network.get_buffer("embeddings.position_ids").tolist() == [[0, 1, 2, 3, 4]]
    assert network.get_buffer("embeddings.token_type_ids").tolist() == [[0] * 5]
    assert not any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers()))


def test_a_buffer_that_cannot_be_derived_is_refused() -> None:
    network = nn.Module()
    network.register_buffer("secret", torch.empty(3, device="meta"), persistent=False)

    with pytest.raises(CheckpointError, match="secret"):
        fill(network, {}, "source")


@pytest.mark.parametrize(
    "tensors", [{}, {"weight": torch.ones(2, 3)}, {"weight": torch.ones(2, 2), "b": torch.ones(1)}]
)
def test_tensors_that_do_not_fit_are_refused(tensors: dict[str, torch.Tensor]) -> None:
    with pytest.raises(CheckpointError, match="source: its tensors do not fit"):
        fill(nn.Linear(2, 2, bias=False, device="meta"), tensors, "source")
