"""What number format `precision: auto` means on this machine, told without importing torch."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

_CPU_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def resolve_precision(precision: str) -> str:
    """`bf16` or `fp32` for `auto`; anything else stands for itself."""
    if precision != "auto":
        return precision
    return "bf16" if has_cuda() or _CPU_FLAGS & _cpu_flags() else "fp32"


def has_cuda() -> bool:
    """torch calls bf16 supported on every CUDA device, so a device that a CUDA build may see is enough."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1")
    return not hidden and Path("/dev/nvidia0").exists() and not _torch_version().endswith("+cpu")


def _torch_version() -> str:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return "+cpu"


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())
