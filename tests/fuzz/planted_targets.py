"""Targets with a fault, so that a test can see that the fuzzer finds each kind."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tests.fuzz.target import Target

_RARE: Final = 0x7F
"""An input with a byte above this brings the fault out."""


def _hang(_: bytes) -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")  # in native code, where no handler of Python runs


def _crash(_: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _blow_up(_: bytes) -> None:
    (b"\1" * (1 << 29)).count(2)


def _starve(_: bytes) -> None:
    bytearray(1 << 36)


def _raise(_: bytes) -> None:
    raise KeyError


class _Panic(BaseException):
    """As a native library raises it."""


def _panic(_: bytes) -> None:
    raise _Panic


def _planted(fault: Callable[[bytes], None]) -> Callable[[], Target]:
    def make() -> Target:
        def run(data: bytes) -> None:
            if any(byte > _RARE for byte in data):
                fault(data)

        return Target(seeds=[bytes(range(32)) * 4], decode=run)

    return make


PLANTED: Final[Mapping[str, Callable[[], Target]]] = MappingProxyType(
    {
        "planted_hang": _planted(_hang),
        "planted_crash": _planted(_crash),
        "planted_memory": _planted(_blow_up),
        "planted_starvation": _planted(_starve),
        "planted_exception": _planted(_raise),
        "planted_panic": _planted(_panic),
    }
)
