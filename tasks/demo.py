"""What the demo evaluates besides its toys: one of them with its head re-initialised, to be found out.

Owns making that checkpoint. Nobody would notice it by loading it: every key is there, in its shape.
"""

from pathlib import Path
from shutil import copytree

import numpy as np
from safetensors.numpy import load_file, save_file

from actors.checkpoints.backbones import beside_backbone

_STANDARD_DEVIATION = 0.02
"""What transformers initialises linear layers with (`initializer_range`)."""


def with_random_head(checkpoint: Path, folder: Path, seed: int = 0) -> Path:
    """Copy a checkpoint and re-initialise its head as transformers does where it finds no weights for one.

    Args:
        checkpoint: A folder with model.safetensors.
        folder: Where to; replaced if it is there.
        seed: Of the weights.
    """
    random = np.random.default_rng(seed)
    copytree(checkpoint, folder, dirs_exist_ok=True)
    tensors = load_file(folder / "model.safetensors")
    for key in sorted(beside_backbone(tensors.keys())):
        noise = random.normal(0, _STANDARD_DEVIATION, tensors[key].shape)
        tensors[key] = (noise if key.endswith("weight") else np.zeros_like(noise)).astype(tensors[key].dtype)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder
