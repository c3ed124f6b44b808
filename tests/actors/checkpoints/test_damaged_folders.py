"""Damaged folders of every family, a few hundred: each is refused with a CheckpointError, and with nothing else.

What could cost time or memory runs in a helper process under resource limits, and is measured there.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support import damage
from tests.support.damage import FAMILIES, NEED_FUNASR, Damage, Outcome, copied, try_to_load

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]

SEEDS = 2
"""Cases of each kind of damage for each family."""

HUGE = {"claim": 10, "nest": 1, "declare_terabytes": 1, "bomb": 1, "inflate": 1, "reshape": 1}
"""Kinds that could cost time or memory, and how many cases of each for each family."""

PEAK_MB = 300
CASE_CPU_S = 3.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An undamaged folder of every family."""
    place = tmp_path_factory.mktemp("whole")
    return {name: write(place / str(number)) for number, (name, write) in enumerate(FAMILIES.items())}


def test_the_undamaged_folders_load_or_ask_for_the_optional_package(whole: dict[str, Path]) -> None:
    found = {name: try_to_load(folder) for name, folder in whole.items()}

    asked = {name for name, outcome in found.items() if "seraph[funasr]" in outcome.detail}
    assert asked in (set(), set(NEED_FUNASR))
    assert {found[name] for name in found.keys() - asked} == {Outcome("loaded", "")}


@pytest.mark.parametrize(
    "harm",
    [
        damage.cut,
        damage.flip_in_header,
        damage.flip_in_settings,
        damage.empty,
        damage.folder_for_file,
        damage.remove,
        damage.rename,
        damage.drop,
        damage.retype,
        damage.spoil,
        damage.miscount_labels,
        damage.replace_by_code,
        damage.point_to_lfs,
    ],
    ids=lambda harm: harm.__name__,
)
def test_a_damaged_folder_is_refused_and_raises_nothing_else(
    whole: dict[str, Path], tmp_path: Path, harm: Damage
) -> None:
    wrong = [
        (name, seed, outcome)
        for name, seed, must_refuse, outcome in _cases(whole, tmp_path / "damaged", harm, SEEDS)
        if outcome.state == "raised" or (must_refuse and outcome.state != "refused")
    ]

    assert wrong == []
    assert not (tmp_path / "damaged" / "harmed").exists()


def test_a_pointer_of_git_lfs_is_told_with_what_to_run(whole: dict[str, Path], tmp_path: Path) -> None:
    for name in ("stock", "soxan, pickled", "speechbrain"):
        folder = copied(whole[name], tmp_path / "clone")
        damage.point_to_lfs(folder, np.random.default_rng(0))

        assert "git lfs pull" in try_to_load(folder).detail


@pytest.mark.stack
def test_huge_claims_cost_neither_time_nor_memory(tmp_path: Path) -> None:
    """In a process that may not grow by more than 3 GiB nor compute for more than two minutes."""
    code = f"from tests.actors.checkpoints.test_damaged_folders import measure; measure({str(tmp_path)!r})"

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stderr[-2000:]
    cases = json.loads(done.stdout)
    assert len(cases) == len(FAMILIES) * sum(HUGE.values())
    assert [case for case in cases if case["wrong"]] == []
    assert [case for case in cases if case["grown_mb"] > PEAK_MB or case["cpu_s"] > CASE_CPU_S] == []


def measure(place: str) -> None:
    """What the helper process does: every huge case, with its CPU time and the growth of the peak of memory."""
    torch.set_num_threads(1)
    folders = {name: write(Path(place) / str(number)) for number, (name, write) in enumerate(FAMILIES.items())}
    for folder in folders.values():
        try_to_load(folder)  # imports what loading needs, before anything is measured
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (3 << 30),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
    cases = []
    for kind, seeds in HUGE.items():
        peak, clock = _peak_mb(), time.process_time()
        for name, seed, must_refuse, outcome in _cases(folders, Path(place) / "damaged", _harm(kind), seeds):
            wrong = outcome.state == "raised" or (must_refuse and outcome.state != "refused")
            grown, spent = _peak_mb() - peak, time.process_time() - clock
            cases.append(
                {
                    "case": [kind, name, seed],
                    "wrong": outcome.detail if wrong else "",
                    "grown_mb": grown,
                    "cpu_s": spent,
                }
            )
            peak, clock = _peak_mb(), time.process_time()
    sys.stdout.write(json.dumps(cases))


def _cases(folders: dict[str, Path], place: Path, harm: Damage, seeds: int) -> Iterator[tuple[str, int, bool, Outcome]]:
    """Family, seed, whether the damage must be refused, and what came of it."""
    for number, (name, folder) in enumerate(folders.items()):
        for seed in range(seeds):
            damaged = copied(folder, place)
            must_refuse = harm(damaged, np.random.default_rng([seed, number]))
            yield name, seed, must_refuse, try_to_load(damaged)


def _harm(kind: str) -> Callable[[Path, np.random.Generator], bool]:
    found: Damage = getattr(damage, kind)
    return found


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
