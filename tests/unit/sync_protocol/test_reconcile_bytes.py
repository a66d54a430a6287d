"""What finding the difference may cost: budgets in bytes, as large as a test can afford; `make bench` has the full."""

from __future__ import annotations

from sync_protocol.limits import TAG_BYTES
from tests.support.reconciling import recent_changes, two_devices


def test_recent_changes_take_one_round_trip_and_little_else():
    """A cursor, and the answer: under 3 kB beyond entries and seals. It grows with the logarithm of the log."""
    small, large = (recent_changes(before=before, changes=20, sessions=20) for before in (500, 4_000))
    assert set(large.frames) == {"Cursor", "Have", "ProofsFrame", "Entries", "Page"}
    assert large.turns == 2
    assert max(small.overhead, large.overhead) < 1_200
    assert large.overhead - small.overhead <= 2 * 3 * 34 + 8, "three more levels of the log's tree"


def test_two_devices_pay_for_buckets_and_for_what_differs():
    """Two bytes or less a stream for digests, and about a bucket of tags for each stream that differs."""
    cost = two_devices(streams=2_000, differing=10)
    assert cost.frames["Digests"] <= 2 * 2_000 + 32
    assert cost.frames["Tags"] <= 10 * 3 * 8 * TAG_BYTES
    assert cost.overhead < 8_000
    assert cost.turns == 4 + 6 + 1, "a handshake, one round, and the end"


def test_devices_that_hold_the_same_say_little():
    """No tag, no frontier: digests alone."""
    cost = two_devices(streams=2_000, differing=0)
    assert cost.frames["Frontiers"] + cost.frames["Tags"] + cost.frames["Unknown"] < 150
