"""Networks of transformers without memory, filled with a checkpoint's tensors: key by key and shape by shape.

Owns building on the meta device (a wrong size in a configuration costs nothing) and filling. Never uses
`from_pretrained`, which fills what is missing with random numbers.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

import torch
from torch import nn

from actors.checkpoints.document import Document
from actors.checkpoints.files import Checkpoint
from actors.checkpoints.guard import Shape, by_name, compare
from actors.checkpoints.weights import read_tensors
from infra.errors import CheckpointError

_NO_ARCHITECTURE = {"is_decoder", "add_cross_attention", "use_cache"}
"""Settings of generation. A classifier reads in both directions whatever its configuration says."""

_TRAINING = ("dropout", "layerdrop")


def skeleton(
    config: Document,
    module: str,
    classes: tuple[str, str],
    *,
    fixed: Mapping[str, object] | None = None,
    arguments: Mapping[str, object] | None = None,
) -> nn.Module:
    """Build a network of transformers on the meta device.

    Args:
        config: The checkpoint's config.json; of its values those are taken that the configuration class declares.
        module: Below `transformers.models`, with `{}` for `modeling` and `configuration`.
        classes: Names of the model class and of its configuration class.
        fixed: Values that stand whatever config.json says.
        arguments: More arguments of the model class.

    Raises:
        CheckpointError: The configuration describes no such network.
    """
    path = "transformers.models." + module
    model_class = getattr(import_module(path.format("modeling")), classes[0])
    config_class = getattr(import_module(path.format("configuration")), classes[1])
    declared = {*config_class.__annotations__, *getattr(config_class, "attribute_map", {})} - _NO_ARCHITECTURE
    chosen = {name: config.values[name] for name in declared & config.values.keys() if not name.endswith(_TRAINING)}
    try:
        settings = config_class(**chosen | dict(fixed or {}))
        with torch.device("meta"):
            network: nn.Module = model_class(settings, **(arguments or {}))
    except Exception as error:  # torch and transformers raise whatever a wrong configuration breaks first
        summary = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{config.path} describes no {classes[0]}: {summary}") from error
    return network


def fill(
    network: nn.Module,
    checkpoint: Checkpoint,
    keys: Iterable[str],
    family: str,
    *,
    prefix: str = "",
    name: Callable[[str], str] = str,
) -> None:
    """Give a network its tensors, all that it stores and no others; it will not be trained.

    Args:
        network: On the meta device.
        checkpoint: Has the tensors.
        keys: Which of them are this network's.
        family: Name of the family, for messages.
        prefix: What the network's own names are preceded by, once `name` is applied.
        name: Gives the present spelling of a key.

    Raises:
        LayoutError: A tensor is missing, unexpected, of another shape, or there under two spellings.
        CheckpointError: A tensor is damaged.
    """
    source, stored = checkpoint.source, by_name(checkpoint.source, keys, name)
    compare(
        source, family, _shapes(network, prefix), {new: checkpoint.tensors[old].shape for new, old in stored.items()}
    )
    tensors = read_tensors(checkpoint, stored.values())
    try:
        network.load_state_dict({new.removeprefix(prefix): tensors[old] for new, old in stored.items()}, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{source}: its tensors do not fit their places: {str(error)[:300]}") from error
    for parent in network.modules():
        for own, buffer in list(parent.named_buffers(recurse=False)):
            if buffer.is_meta:
                setattr(parent, own, _derived(own, buffer, source))
    network.eval().requires_grad_(False)


def _shapes(network: nn.Module, prefix: str) -> dict[str, Shape]:
    return {prefix + key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}


def _derived(name: str, buffer: torch.Tensor, source: str) -> torch.Tensor:
    """A buffer that no checkpoint stores, because it follows from its shape."""
    if name == "position_ids":
        return torch.arange(buffer.shape[-1]).expand(buffer.shape)
    if name == "token_type_ids":
        return torch.zeros(buffer.shape, dtype=torch.long)
    raise CheckpointError(f"{source}: the buffer {name} is not stored, and Seraph cannot derive it.")
