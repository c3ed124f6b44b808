"""infra/locks.py: one at a time."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from infra.locks import alone

HOLDER = """
import sys, time
from pathlib import Path
from infra.locks import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_threads_that_want_the_same_file_take_turns(tmp_path: Path) -> None:
    inside, most = [0], [0]

    def enter() -> None:
        with alone(tmp_path / "lock"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    command = (sys.executable, "-c", HOLDER, str(tmp_path / "lock"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        with alone(tmp_path / "lock"):
            pass
