"""Entries whose bodies were destroyed: the header stays, and still stands in its chain and in the log.

Such an entry is never fed: nobody could verify it without the body that its header names.
"""

from __future__ import annotations

from dataclasses import replace

from sync_protocol.entries import VerifiedEntry


def stripped(entry: VerifiedEntry) -> VerifiedEntry:
    """The entry without its body."""
    return VerifiedEntry.from_store(replace(entry.wire, body=b""))
