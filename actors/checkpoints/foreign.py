"""What a folder or a state dict is when it is no emotion model, in plain words. Others refuse it."""

import re
from collections.abc import Set
from pathlib import Path

from actors.checkpoints.document import Document, read_document
from infra.errors import CheckpointError

_POINTER = b"version https://git-lfs"
_PARTIAL = (".incomplete", ".part", ".partial", ".crdownload", ".aria2", ".download", ".tmp")
_FORMATS = {
    ".onnx": "ONNX",
    ".gguf": "GGUF",
    ".ggml": "GGML",
    ".tflite": "TensorFlow Lite",
    ".h5": "TensorFlow",
    ".msgpack": "Flax",
    ".mlmodel": "Core ML",
    ".mlpackage": "Core ML",
    ".nemo": "NeMo",
}
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model")

_ADAPTER = re.compile(r".*\.lora_[AB]\.|.*\.lora_(down|up)\.|.*\.adapter_model\.")
_DECODER = re.compile(r"(model\.)?decoder\.|proj_out\.|ctc_(lo|proj)\.|lm_head\.")
_HEARS = re.compile(r".*feature_extractor\.conv_layers\.|(model\.)?encoder\.conv1\.|.*subsample")
_KINDS = (
    (r"cls\.predictions\.|cls\.seq_relationship\.|(generator|discriminator)_(predictions|lm_head)\.", "predicts words"),
    (r"(model\.)?vision_(model|tower)\.|vit\.|deit\.|swin\.|beit\.|resnet\.|convnext|.*patch_embed", "sees images"),
    (r"unet\.|down_blocks\.|first_stage_model\.|vae\.", "makes images"),
    (r"(model\.)?embed_tokens\.|(transformer\.)?(wte|h\.\d+)\.|model\.layers\.\d|shared\.weight", "models language"),
)
"""Beginnings of keys, in the order in which they are tried, and what a network with such a key does."""


def purpose(keys: Set[str], config: Document) -> str | None:
    """What a network does that is no emotion model, told by its keys: a phrase such as `transcribes speech`.

    Args:
        keys: Of the state dict.
        config: Its configuration.
    """
    if any(_DECODER.match(key) for key in keys):
        return "transcribes speech" if any(_HEARS.match(key) for key in keys) else "models language"
    if "detection" in str(config.values.get("architectures", "")).casefold():
        return "finds objects in images"
    return next((phrase for pattern, phrase in _KINDS if any(re.match(pattern, key) for key in keys)), None)


def has_adapters(keys: Set[str]) -> bool:
    """Whether low-rank adapters (LoRA) lie among the keys, not yet merged into the weights that they change."""
    return any(_ADAPTER.match(key) for key in keys)


def refuse_stand_ins(path: Path) -> None:
    """Refuse a file that stands in for weights, before it is read as such.

    Raises:
        CheckpointError: It is a pointer of git-lfs, or empty.
    """
    with path.open("rb") as file:
        start = file.read(len(_POINTER))
    if start == _POINTER:
        raise CheckpointError(
            f"{path} is no weights but a git-lfs pointer to them: the repository was cloned without its large files. "
            "Run `git lfs pull` there, or `seraph models pull` with its hub id."
        )
    if not start:
        raise CheckpointError(f"{path} is damaged: it is empty. The download was cut off; fetch the checkpoint again.")


def empty_handed(folder: Path) -> str:
    """What lies in a folder that has no weights Seraph can read, and what to do; one or two sentences."""
    names = {path.name: path for path in sorted(folder.iterdir())}
    suffixes = {path.suffix.casefold() for path in names.values()}
    if "adapter_config.json" in names or "adapter_model.safetensors" in names or "adapter_model.bin" in names:
        return f"it holds an adapter (LoRA) for {_base(folder)}, not a whole model. Merge the two, and give the result."
    if "model_index.json" in names:
        return "it holds a diffusers pipeline, which makes images or sound. Give a checkpoint fine-tuned for emotions."
    partial = next((name for name in names if name.endswith(_PARTIAL)), None)
    if partial:
        return f"{partial} is half-downloaded. Fetch the checkpoint again."
    foreign = next((_FORMATS[suffix] for suffix in sorted(suffixes) if suffix in _FORMATS), None)
    if foreign:
        return f"its weights are in the format of {foreign} only. Fetch the PyTorch weights of the same checkpoint."
    return _nearly(names)


def _nearly(names: dict[str, Path]) -> str:
    taken = next((name for name, path in names.items() if path.is_dir() and path.suffix in _WEIGHTS), None)
    if taken:
        return f"{taken} is a folder, expected a file. Fetch the checkpoint again."
    other = next((name for name, path in names.items() if path.suffix in _WEIGHTS), None)
    if other:
        return f"{other} is none of the names it knows. If these are the whole weights, rename them accordingly."
    inside = next((name for name, path in names.items() if path.is_dir() and _has_weights(path)), None)
    if inside:
        return f"the folder {inside} in it has some: give that one."
    if names.keys() & set(_TOKENIZER):
        return "it holds the files of a tokenizer only. Fetch the whole checkpoint."
    return "there are none of any kind."


def _has_weights(folder: Path) -> bool:
    return any(path.suffix in _WEIGHTS for path in folder.iterdir())


def _base(folder: Path) -> str:
    try:
        base = read_document(folder / "adapter_config.json").values.get("base_model_name_or_path")
    except CheckpointError:
        base = None
    return base[:200] if isinstance(base, str) else "another model"
