"""The demo corpus as tests use it: its media without their transcripts, and the modules that build it."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from tasks.config.scoring import MEDIA_SUFFIXES
from tests.support.seraph import DEMO


def utterances(language: str) -> list[Path]:
    """The media of single utterances in `en` or `ko`, by name; their transcripts lie beside them."""
    files = (DEMO / "media" / language / "utterances").iterdir()
    return sorted(file for file in files if file.suffix.removeprefix(".") in MEDIA_SUFFIXES)


def audio_only(folder: Path, **changes: Any) -> str:
    """The demo's configuration without its texts, with some values changed, as a file: a run of it starts less."""
    config = yaml.safe_load((DEMO / "config.yaml").read_text().replace("./", f"{DEMO}/"))
    path = folder / f"config-{len(list(folder.glob('config-*')))}.yaml"
    path.write_text(yaml.safe_dump({**config, "text": None, **changes}))
    return str(path)


def demo_module(name: str) -> ModuleType:
    """A module of datasets/demo that needs no espeak-ng. They are scripts: they import each other by bare names."""
    sys.path.insert(0, str(DEMO))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DEMO))
