"""What this machine is, as far as the figures of a benchmark depend on it."""

import os
import platform
import re
from pathlib import Path

import torch

from tasks.bench.result import Machine

_TELLING = ("amx_bf16", "amx_int8", "avx512_bf16", "avx512_f", "avx2", "neon", "sve")
"""Instruction sets that decide how fast a network is, as torch names them."""


def describe_machine() -> Machine:
    """Describe the machine, and how busy it is now. Imports torch, and touches the GPU where there is one."""
    capabilities = torch.cpu.get_capabilities()
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        instructions=tuple(name for name in _TELLING if capabilities.get(name)),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        torch=torch.__version__,
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
    )


def _cpu() -> str:
    """The CPU's own name, with family and model: a virtual machine often hides the rest."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(re.findall(r"^(model name|cpu family|model)\s*:\s*(.+)$", text, re.MULTILINE))
    if "model name" not in fields:
        return platform.machine()
    return f"{fields['model name']} (family {fields.get('cpu family')}, model {fields.get('model')})"
