"""Build the demo: its media, its checkpoints, and the figures that say what they are worth.

    python datasets/demo/build.py                       everything
    python datasets/demo/build.py --only media          media, labels.jsonl and transcripts
    python datasets/demo/build.py --only en-emotion     one checkpoint (or ko-emotion, en-text, ko-text, language)
    python datasets/demo/build.py --only transcripts    the sidecars, from labels.jsonl as it is
    python datasets/demo/build.py --only recorded       the synthetic recorded set
    python datasets/demo/build.py --measure             measured.json, from the files as they are

Needs the dependency group `corpus` (espeak-ng as a library) besides what Seraph needs. The same seed on the same kind
of machine gives the same files.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before transformers is imported

import corpus
import emotion_models
import language_model
import recorded
import text_models
import torch
import transcripts
from measure import measure
from speech import Espeak

FOLDER = Path(__file__).resolve().parent
PARTS = ("language", "en-emotion", "ko-emotion", "en-text", "ko-text", "media", "recorded")  # the longest first


def main() -> None:
    """Read the command line, and build."""
    parser = argparse.ArgumentParser(description="Build the bundled demo corpus and its checkpoints.")
    parser.add_argument("--only", choices=(*PARTS, "transcripts"), help="build one part, and measure nothing")
    parser.add_argument("--measure", action="store_true", help="build nothing, and measure")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to build (default: this folder)")
    parser.add_argument("--seed", type=int, default=20_250_611)
    options = parser.parse_args()
    torch.set_num_threads(1)  # so that the result does not depend on the number of cores
    if options.only:
        _build(options.only, options.folder, options.seed)
        return
    if not options.measure:
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(lambda part: _build_apart(part, options.folder, options.seed), PARTS))
    _measure(options.folder)


def _build_apart(part: str, folder: Path, seed: int) -> None:
    """Build one part in a process of its own: espeak-ng keeps state, and no part may hear what another said."""
    arguments = ["--only", part, "--folder", str(folder), "--seed", str(seed)]
    subprocess.run([sys.executable, str(Path(__file__)), *arguments], check=True)


def _build(part: str, folder: Path, seed: int) -> None:
    started, checkpoints = time.perf_counter(), folder / "checkpoints"
    print(f"{part} …", flush=True)
    if part == "media":
        corpus.build(folder, Espeak(), seed)
        transcripts.build(folder)
    elif part == "transcripts":
        transcripts.build(folder)
    elif part == "recorded":
        recorded.build(folder / "recorded-biased.jsonl", seed + 4)
    elif part == "language":
        language_model.build(checkpoints / "whisper-demo.pt", Espeak(), seed + 1)
    elif part.endswith("-text"):
        text_models.build(checkpoints / part, part.removesuffix("-text"), seed + 3)
    else:
        emotion_models.build(checkpoints / part, part.removesuffix("-emotion"), Espeak(), seed + 2)
    print(f"{part} done in {time.perf_counter() - started:.0f} s", flush=True)


def _measure(folder: Path) -> None:
    figures = measure(folder)
    (folder / "measured.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
