"""Ways to damage a checkpoint's folder, and what loading it then comes to.

A damage changes a folder in place and tells whether what is left must be refused (some flipped bytes do no harm).
"""

import json
import math
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from actors.checkpoints import identify, load, load_text
from infra.errors import CheckpointError
from tests.support.checkpoints import edit_config, write_dimensional, write_ehcalabres, write_soxan, write_stock
from tests.support.funasr_checkpoints import write_emotion2vec, write_sensevoice
from tests.support.recipe_checkpoints import write_odyssey, write_speechbrain
from tests.support.text_checkpoints import write_text
from tests.support.whisper_checkpoints import write_whisper

Rng = np.random.Generator
Damage = Callable[[Path, Rng], bool]

FAMILIES: Mapping[str, Callable[[Path], Path]] = {
    "stock": write_stock,
    "stock, weighted wavlm": lambda folder: write_stock(folder, weighted=True, model_type="wavlm"),
    "stock, hubert": lambda folder: write_stock(folder, model_type="hubert", norm="group"),
    "stock, data2vec": lambda folder: write_stock(folder, model_type="data2vec-audio"),
    "soxan": write_soxan,
    "soxan, pickled": lambda folder: write_soxan(folder, file="pytorch_model.bin", old_names=True),
    "soxan, shards": lambda folder: shard(write_soxan(folder)),
    "soxan, dimensional": write_dimensional,
    "ehcalabres": write_ehcalabres,
    "speechbrain": lambda folder: write_speechbrain(folder, layers=1),
    "odyssey": lambda folder: write_odyssey(folder, layers=1),
    "whisper": write_whisper,
    "roberta": write_text,
    "electra": lambda folder: write_text(folder, "electra"),
    "bert": lambda folder: write_text(folder, "bert"),
    "distilbert": lambda folder: write_text(folder, "distilbert"),
    "emotion2vec": write_emotion2vec,
    "sensevoice": write_sensevoice,
}

NEED_FUNASR = ("emotion2vec", "sensevoice")
"""Families that are always refused where the optional package is not installed."""

SUFFIXES = (".safetensors", ".bin", ".ckpt", ".pt")

UNUSED = ("masked_spec_embed", "position_ids", "pooler.", "relative_attention")
"""Parts of keys without which, or with another one of which, a checkpoint may still load."""

EXTREMES: tuple[object, ...] = (
    10**9, 10**18, -1, 0, 1, 3, 1.5, 1e308, math.nan, math.inf, True, None, "", "x", "x" * 5000, [], [0] * 7,
    [10**9] * 7, [64] * 100_000, {}, {"0": {}}, [[[]]],
)  # fmt: skip
"""Values that a configuration may claim."""


@dataclass(frozen=True)
class Outcome:
    """What came of loading a folder: `loaded`, `refused`, or what else was raised."""

    state: str
    detail: str


def try_to_load(folder: Path) -> Outcome:
    """Load whatever is there; only a CheckpointError counts as refused."""
    try:
        if identify(str(folder)).modality == "text":
            load_text(str(folder), device="cpu", dtype="fp32")
        else:
            load(str(folder), device="cpu", dtype="fp32")
    except CheckpointError as error:
        return Outcome("refused", str(error))
    except BaseException as error:  # noqa: BLE001 (this is what the tests are about)
        return Outcome("raised", f"{type(error).__name__}: {error}"[:300])
    return Outcome("loaded", "")


def shard(folder: Path) -> Path:
    """Split model.safetensors in two, with an index."""
    tensors = load_file(folder / "model.safetensors")
    files = {key: f"model-0000{1 + number % 2}.safetensors" for number, key in enumerate(sorted(tensors))}
    for file in set(files.values()):
        save_file({key: tensors[key] for key in tensors if files[key] == file}, folder / file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return folder


def weights(folder: Path) -> list[Path]:
    """The files with tensors."""
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)


def cut(folder: Path, rng: Rng) -> bool:
    """Cut a weight file short, anywhere."""
    path = _any(weights(folder), rng)
    path.write_bytes(path.read_bytes()[: int(rng.integers(path.stat().st_size))])
    return True


def flip_in_header(folder: Path, rng: Rng) -> bool:
    """Flip bytes where a weight file describes itself: its beginning, or a zip archive's end."""
    path = _any(weights(folder), rng)
    content = bytearray(path.read_bytes())
    span = min(len(content), 3000)
    for place in rng.integers(span, size=int(rng.integers(1, 6))):
        content[int(place) - (span if path.suffix != ".safetensors" and rng.random() < 0.5 else 0)] ^= int(
            rng.integers(1, 256)
        )
    path.write_bytes(content)
    return False


def flip_in_settings(folder: Path, rng: Rng) -> bool:
    """Flip bytes in any file that holds no tensors."""
    path = _any(_settings(folder), rng)
    content = bytearray(path.read_bytes())
    for place in rng.integers(len(content), size=int(rng.integers(1, 6))):
        content[int(place)] ^= int(rng.integers(1, 256))
    path.write_bytes(content)
    return False


def empty(folder: Path, rng: Rng) -> bool:
    """Empty a file."""
    path = _any([*folder.iterdir()], rng)
    path.write_bytes(b"")
    return path in weights(folder) or (path.name == "config.json" and not (folder / "hyperparams.yaml").exists())


def folder_for_file(folder: Path, rng: Rng) -> bool:
    """Put a folder in a file's place."""
    path = _any([*folder.iterdir()], rng)
    path.unlink()
    path.mkdir()
    return path in weights(folder)


def remove(folder: Path, rng: Rng) -> bool:
    """Remove a file."""
    path = _any([*folder.iterdir()], rng)
    path.unlink()
    return path.suffix in SUFFIXES


def reshape(folder: Path, rng: Rng) -> bool:
    """Give a tensor another shape."""

    def change(tensors: dict[str, torch.Tensor], key: str) -> None:
        tensor = tensors[key]
        odd = [tensor.reshape(-1)[:-1], tensor[None], torch.zeros(0), torch.zeros(0, 1 << 40), tensor.reshape(-1)[:1]]
        tensors[key] = odd[int(rng.integers(len(odd)))].clone()
        if tensors[key].shape == tensor.shape:
            tensors[key] = torch.zeros(7, 3)

    return _change_tensor(folder, rng, change)


def rename(folder: Path, rng: Rng) -> bool:
    """Misspell a key."""

    def change(tensors: dict[str, torch.Tensor], key: str) -> None:
        place = int(rng.integers(len(key)))
        tensors[key[:place] + "~" + key[place + 1 :]] = tensors.pop(key)

    return _change_tensor(folder, rng, change)


def drop(folder: Path, rng: Rng) -> bool:
    """Leave a tensor out."""
    return _change_tensor(folder, rng, lambda tensors, key: tensors.pop(key))


def retype(folder: Path, rng: Rng) -> bool:
    """Store a tensor as integers, truth values or complex numbers."""
    types = (torch.int64, torch.uint8, torch.bool, torch.complex64)

    def change(tensors: dict[str, torch.Tensor], key: str) -> None:
        tensors[key] = tensors[key].to(types[int(rng.integers(len(types)))])

    return _change_tensor(folder, rng, change)


def spoil(folder: Path, rng: Rng) -> bool:
    """Put NaN or infinity into a tensor."""
    value = (math.nan, math.inf, -math.inf)[int(rng.integers(3))]

    def change(tensors: dict[str, torch.Tensor], key: str) -> None:
        flat = tensors[key].reshape(-1).clone()
        flat[int(rng.integers(len(flat)))] = value
        tensors[key] = flat.reshape(tensors[key].shape)

    return _change_tensor(folder, rng, change)


def miscount_labels(folder: Path, rng: Rng) -> bool:
    """Give the labels another number, or the same name twice."""
    encoder = folder / "label_encoder.txt"
    if encoder.exists():
        lines = encoder.read_text().splitlines()
        encoder.write_text("\n".join(lines[1:] if rng.random() < 0.5 else [lines[0], *lines]))
        return True
    tokens = folder / "tokens.txt"
    if tokens.exists():
        tokens.write_text("\n".join(tokens.read_text().splitlines()[1:]))
        return True
    if not (folder / "config.json").exists():
        return False
    labels = list(json.loads((folder / "config.json").read_text())["id2label"].values())
    changed = [labels[:-1], [*labels, "more"], [labels[0]] * len(labels), [], [""] * len(labels), [{}] * len(labels)]
    chosen = changed[int(rng.integers(len(changed)))]
    edit_config(folder, id2label={str(row): each for row, each in enumerate(chosen)}, label2id=...)
    return True


def replace_by_code(folder: Path, rng: Rng) -> bool:
    """Put a pickle in the place of the weights that would write a file called `harmed` into the folder."""
    harm = _Harm(folder / "harmed")
    target = _place_for_pickle(folder)
    if rng.random() < 0.5:
        target.write_bytes(pickle.dumps({"classifier.weight": harm}, protocol=2))
    else:
        torch.save({"classifier.weight": torch.ones(2), "classifier.bias": harm}, target)
    return True


def point_to_lfs(folder: Path, rng: Rng) -> bool:
    """Put a pointer of git-lfs in a weight file's place, as a clone without its large files has them."""
    path = _any(weights(folder), rng)
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize {path.stat().st_size}\n")
    return True


def claim(folder: Path, rng: Rng) -> bool:
    """Let a setting claim an extreme value."""
    path = _json(folder, rng)
    if path is None:
        return False
    values = json.loads(path.read_text())
    if not isinstance(values, dict) or not values:
        return False
    name = list(values)[int(rng.integers(len(values)))]
    values[name] = EXTREMES[int(rng.integers(len(EXTREMES)))]
    path.write_text(json.dumps(values))
    return False


def nest(folder: Path, rng: Rng) -> bool:
    """Nest a setting so deeply that readers which recurse run out of stack."""
    path = _json(folder, rng)
    if path is None:
        return False
    depth = int(rng.choice([500, 990, 2000, 100_000]))
    path.write_text(path.read_text().rstrip().removesuffix("}") + ', "deep": ' + "[" * depth + "]" * depth + "}")
    return False


def declare_terabytes(folder: Path, rng: Rng) -> bool:
    """Let a header claim tensors, or itself, to be larger than any disk."""
    path = _any(weights(folder), rng)
    entry = {"dtype": "F32", "shape": [1 << 20, 1 << 20], "data_offsets": [0, 1 << 42]}
    header = json.dumps({"classifier.weight": entry}).encode()
    length = len(header) if rng.random() < 0.5 else 1 << int(rng.integers(20, 63))
    path.write_bytes(struct.pack("<Q", length) + header + bytes(64))
    return True


def bomb(folder: Path, rng: Rng) -> bool:
    """Put a small archive in the place of the weights that unpacks to a hundred times its size."""
    target = _place_for_pickle(folder)
    zeros = bytes(16 << 20)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("archive/data.pkl", zeros)
    return True


def inflate(folder: Path, rng: Rng) -> bool:
    """Put a pickle in the place of the weights that asks for gigabytes in a few bytes."""
    target = _place_for_pickle(folder)
    torch.save({"classifier.weight": torch.ones(2), "extra": _Grown(int(rng.integers(1 << 31, 1 << 33)))}, target)
    return True


class _Grown:
    def __init__(self, size: int) -> None:
        self.size = size

    def __reduce__(self) -> tuple[Any, ...]:
        return bytearray, (self.size,)


class _Harm:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.target, "yes")


def _place_for_pickle(folder: Path) -> Path:
    """Remove the weights; gives the pickled file that would be read in their place."""
    pickled = [path for path in weights(folder) if path.suffix in (".ckpt", ".pt")]
    target = pickled[0] if pickled else folder / "pytorch_model.bin"
    for path in weights(folder):
        path.unlink()
    (folder / "model.safetensors.index.json").unlink(missing_ok=True)
    return target


def _any(paths: list[Path], rng: Rng) -> Path:
    return sorted(paths)[int(rng.integers(len(paths)))]


def _json(folder: Path, rng: Rng) -> Path | None:
    paths = [each for each in _settings(folder) if each.suffix == ".json"]
    return _any(paths, rng) if paths else None


def _settings(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file() and path not in weights(folder)]


def _change_tensor(folder: Path, rng: Rng, change: Callable[[dict[str, torch.Tensor], str], object]) -> bool:
    path = _any(weights(folder), rng)
    safe = path.suffix == ".safetensors"
    content = load_file(path) if safe else torch.load(path, weights_only=True)
    tensors = content["model"] if isinstance(content.get("model"), dict) else content
    key = sorted(tensors)[int(rng.integers(len(tensors)))]
    change(tensors, key)
    if safe:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {"format": "pt"})
    else:
        torch.save(content, path)
    return not any(part in key for part in UNUSED)


def copied(folder: Path, target: Path) -> Path:
    """A copy to be damaged, in the place of an earlier one."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(folder, target))
