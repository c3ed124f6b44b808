"""Networks of transformers without memory, filled with a checkpoint's tensors: all of them and no others.

Owns building on the meta device (a wrong size in a configuration costs nothing) and filling. Never uses
`from_pretrained`, which fills what is missing with random numbers. Speech backbones have their own in `encoder`.
"""

from collections.abc import Mapping
from importlib import import_module

import torch
from torch import nn

from actors.checkpoints.document import Document
from actors.checkpoints.guard import Shape
from infra.errors import CheckpointError

_NO_ARCHITECTURE = {"is_decoder", "add_cross_attention", "use_cache"}
"""Settings of generation. A classifier reads in both directions whatever its configuration says."""

_TRAINING = ("dropout", "layerdrop")


def skeleton(config: Document, module: str, classes: tuple[str, str], **arguments: object) -> nn.Module:
    """Build a network of transformers on the meta device.

    Args:
        config: The checkpoint's config.json; of its values those are taken that the configuration class declares.
        module: Below `transformers.models`, with `{}` for `modeling` and `configuration`.
        classes: Names of the model class and of its configuration class.
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
        settings = config_class(**chosen)
        with torch.device("meta"):
            network: nn.Module = model_class(settings, **arguments)
    except Exception as error:  # torch and transformers raise whatever a wrong configuration breaks first
        summary = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{config.path} describes no {classes[0]}: {summary}") from error
    return network


def shapes(network: nn.Module, prefix: str = "") -> dict[str, Shape]:
    """The tensors that a network stores, by key, with their shapes."""
    return {prefix + key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}


def fill(network: nn.Module, tensors: Mapping[str, torch.Tensor], source: str) -> None:
    """Give a network its tensors, whose shapes have been compared; it will not be trained.

    Raises:
        CheckpointError: A tensor is missing, or of another shape.
    """
    try:
        network.load_state_dict(dict(tensors), strict=True, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{source}: its tensors do not fit their places: {str(error)[:300]}") from error
    for parent in network.modules():
        for name, buffer in list(parent.named_buffers(recurse=False)):
            if buffer.is_meta:
                setattr(parent, name, _derived(name, buffer, source))
    network.eval().requires_grad_(False)


def _derived(name: str, buffer: torch.Tensor, source: str) -> torch.Tensor:
    """A buffer that no checkpoint stores, because it follows from its shape."""
    if name == "position_ids":
        return torch.arange(buffer.shape[-1]).expand(buffer.shape)
    if name == "token_type_ids":
        return torch.zeros(buffer.shape, dtype=torch.long)
    raise CheckpointError(f"{source}: the buffer {name} is not stored, and Seraph cannot derive it.")
