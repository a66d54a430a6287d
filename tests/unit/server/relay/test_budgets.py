"""Budgets delay one author's device, and the disk's floor everybody; neither counts what it did not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.relay.budgets import Budgets, DiskFloor
from server.relay.errors import (
    RETRY_AFTER_S,
    ConflictError,
    QuotaError,
    StorageError,
    busy,
    retry_after_s,
    status_of,
)
from sync_protocol.ids import CertificateHash

ONE, TWO = CertificateHash(b"1" * 32), CertificateHash(b"2" * 32)
HOUR_S = 3600


def budgets(entries: int = 10, size_bytes: int = 1000) -> Budgets:
    """Small ones."""
    return Budgets(entries_an_hour=entries, bytes_an_hour=size_bytes, now_ms=lambda: 0)


def test_over_either_limit_a_batch_waits():
    """Named with its unit and when to come back; nothing of it is counted, and nobody else is concerned."""
    made = budgets()
    made.spend(ONE, entries=6, size_bytes=500)
    with pytest.raises(QuotaError) as error:
        made.spend(ONE, entries=5, size_bytes=1)
    assert "10 entries in an hour" in error.value.expected
    assert error.value.retry_after_s == HOUR_S
    assert f"{HOUR_S} seconds" in error.value.do
    with pytest.raises(QuotaError) as error:
        made.spend(ONE, entries=1, size_bytes=501)
    assert "1000 bytes in an hour" in error.value.expected
    made.spend(TWO, entries=10, size_bytes=1000)
    made.spend(ONE, entries=4, size_bytes=500)


def test_a_batch_that_no_hour_has_room_for_takes_a_whole_one():
    """Otherwise it would wait for ever."""
    made = budgets()
    made.spend(ONE, entries=512, size_bytes=100_000)
    with pytest.raises(QuotaError):
        made.spend(ONE, entries=1, size_bytes=1)
    made.spend(TWO, entries=1, size_bytes=1)
    with pytest.raises(QuotaError):
        made.spend(TWO, entries=512, size_bytes=1)


def test_the_clock_says_how_long():
    """Never more than an hour, never nothing."""
    made = Budgets(entries_an_hour=1, bytes_an_hour=1, now_ms=lambda: 1 << 60)
    made.spend(ONE, entries=1, size_bytes=1)
    with pytest.raises(QuotaError) as error:
        made.spend(ONE, entries=1, size_bytes=1)
    assert error.value.retry_after_s == 1


def test_below_the_floor_nothing_is_taken(tmp_path: Path):
    """What is free, and what has to be, are named."""
    left = [300 << 20]
    floor = DiskFloor(tmp_path, free_bytes_min=256 << 20, free=lambda _: left[0])
    floor.check()
    assert floor.state == "ok"
    left[0] = 255 << 20
    assert floor.state == "storage_low"
    with pytest.raises(StorageError) as error:
        floor.check()
    assert (error.value.code, error.value.expected, error.value.got) == (
        "storage_low",
        "256 MiB free on the relay's disk",
        "255 MiB",
    )
    assert DiskFloor(tmp_path, free_bytes_min=0).state == "ok"


def test_who_is_put_off_hears_when_to_come_back():
    """Whoever is refused does not."""
    over = QuotaError(expected="less", got="more", do="wait", retry_after_s=77)
    assert (retry_after_s(over), status_of(over)) == (77, 429)
    assert retry_after_s(busy("requests", 1, "requests")) == RETRY_AFTER_S
    assert retry_after_s(ConflictError("x", expected="", got="", do="")) is None
    assert retry_after_s(None) is None
