"""What a target of the fuzzer is: seeds, a decoder, and the errors by which it may refuse.

Owns the words. A target's `decode` returns what became of an input, as a short word; anything that it raises beside
its `refusals` is a finding, as is an assertion about what was accepted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync_protocol.errors import PeerError

ACCEPTED = "accepted"


def as_it_is(data: bytes) -> bytes:
    """Leave an input as the mutation made it."""
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One decoder at work.

    Attributes:
        seeds: real encodings, by the project's own writers.
        decode: puts an input through; the word says what became of it, if it was not refused.
        refusals: the documented errors.
        prefix: bytes before the CBOR in an input.
        mend: makes an input's outer form right again after a mutation, such as a length.
        make: makes an input by the target's own rules, half of the time; None where the general ones do.
    """

    seeds: Sequence[bytes]
    decode: Callable[[bytes], str | None]
    refusals: tuple[type[Exception], ...] = (PeerError,)
    prefix: int = 0
    mend: Callable[[bytes], bytes] = as_it_is
    make: Callable[[random.Random], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A target in the table: how often it is tried beside the others, and what makes it when it is its turn."""

    weight: int
    make: Callable[[], Target]
