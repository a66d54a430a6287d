"""What a figure was measured on: the machine, what else it did meanwhile, and the versions of what was measured."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    "fieldward",
    "cryptography",
    "cbor2",
    "pycrdt",
    "websockets",
    "uvicorn",
    "sqlalchemy",
    "psycopg",
    "fhirkit-rs",
    "fhirpathpy",
    "fhir-resources",
)
_CPU_INFO: Final = Path("/proc/cpuinfo")
_CPU_TIMES: Final = Path("/proc/stat")
_MOUNTS: Final = Path("/proc/self/mounts")
_STATUS: Final = Path("/proc/self/status")
_PEAK: Final = "VmHWM:"
"""The most memory that this program held at once; what `getrusage` tells includes its parent's."""
_IDLE: Final = (3, 4)
"""Fields of the times that are nobody's: idle, and waiting for a disk."""
_STEAL: Final = 7
_COUNTED: Final = 8
"""Later fields are part of earlier ones."""


class Watch:
    """Looks at the machine while a benchmark runs: without this, nobody knows whether a figure means anything."""

    def __init__(self, scratch: Path) -> None:
        """Begin to watch."""
        self._scratch = scratch
        self._load = os.getloadavg()[0]
        self._began = _Times()

    def machine(self) -> dict[str, object]:
        """The machine, with its load since the watch began."""
        load: dict[str, object] = {"before": round(self._load, 2), "after": round(os.getloadavg()[0], 2)}
        return {
            "cpu": _cpu(),
            "cores": os.cpu_count() or 1,
            "python": platform.python_version(),
            "os": f"{platform.system()} {platform.release()}",
            "disk": file_system(self._scratch),
            "load": load | _Times().since(self._began),
        }


class _Times:
    """How much the cores have worked until now, for us and for others."""

    def __init__(self) -> None:
        self.wall_s = time.monotonic()
        self.own_s = sum(os.times()[:4])
        try:
            fields = [int(word) for word in _CPU_TIMES.read_text("ascii").splitlines()[0].split()[1:]]
            tick = os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            self.busy_s, self.stolen_s = None, 0.0
            return
        self.busy_s = sum(t for number, t in enumerate(fields[:_COUNTED]) if number not in _IDLE) / tick
        self.stolen_s = fields[_STEAL] / tick

    def since(self, began: _Times) -> dict[str, object]:
        """Cores that others kept busy on average, and cores that the machine's host took away."""
        wall = self.wall_s - began.wall_s
        if self.busy_s is None or began.busy_s is None or wall <= 0:
            return {}
        stolen = self.stolen_s - began.stolen_s
        others = self.busy_s - began.busy_s - stolen - (self.own_s - began.own_s)
        return {"others_cores": round(max(0.0, others) / wall, 2), "stolen_cores": round(stolen / wall, 2)}


def peak_mib() -> float | None:
    """The most memory that this process has held so far; None where the system has no such file."""
    try:
        lines = _STATUS.read_text("ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(_PEAK)), None)


def versions() -> dict[str, str]:
    """The versions of what a figure depends on; a package that is not installed is left out."""
    found = {"sqlite": sqlite3.sqlite_version}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def file_system(folder: Path) -> str:
    """The kind of file system that a folder lies on: in a `tmpfs` a flush costs nothing, and figures mean nothing."""
    try:
        mounts = [line.split() for line in _MOUNTS.read_text("utf-8").splitlines()]
    except OSError:
        return "unknown"
    here = folder.resolve()
    above = [(len(where), kind) for _, where, kind, *_ in mounts if here.is_relative_to(where)]
    return max(above)[1] if above else "unknown"


def _cpu() -> str:
    try:
        lines = _CPU_INFO.read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
