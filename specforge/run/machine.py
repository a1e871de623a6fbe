"""What a result was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from specforge.run.precision import has_cuda


def describe() -> dict[str, str | int | float]:
    """The machine, without its name or paths: system, processor, cores, memory in GiB, Python."""
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(_of_machine() / 2**30, 1),
        "python": platform.python_version(),
    }


def memory() -> int:
    """Bytes that a model may take: of the first GPU where PyTorch sees one, else of the machine, or of the container."""
    return (_of_gpu() if has_cuda() else None) or min(_of_machine(), _of_container() or _of_machine())


def _of_machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_container() -> int | None:
    """None where it has no limit."""
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _of_gpu() -> int | None:
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    first = done.stdout.partition("\n")[0].strip()
    return int(first) * 2**20 if first.isdigit() else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
