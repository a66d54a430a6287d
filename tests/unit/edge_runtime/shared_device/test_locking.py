"""The rules of locking, over times alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.errors import InputError
from edge_runtime.shared_device.locking import (
    IDLE_MS,
    IDLE_MS_MAX,
    IDLE_MS_MIN,
    OPEN_MS_MAX,
    SUSPEND_MS,
    LockPolicy,
    Moment,
    Reason,
    expired,
)

ZERO = Moment(awake_ms=0, lasting_ms=0)


def at(awake_ms: int, asleep_ms: int = 0) -> Moment:
    """So long after ZERO, some of it asleep."""
    return Moment(awake_ms=awake_ms, lasting_ms=awake_ms + asleep_ms)


def test_two_minutes_are_the_default_and_a_quarter_of_an_hour_the_most():
    """A setting outside the bounds is refused."""
    assert LockPolicy().idle_ms == IDLE_MS == 120_000
    assert IDLE_MS_MAX == 900_000
    for idle_ms in (IDLE_MS_MIN, IDLE_MS_MAX):
        assert LockPolicy(idle_ms=idle_ms).idle_ms == idle_ms
    for idle_ms in (0, IDLE_MS_MIN - 1, IDLE_MS_MAX + 1):
        with pytest.raises(InputError) as caught:
            LockPolicy(idle_ms=idle_ms)
        assert caught.value.code == "idle_time"


def test_a_home_locks_to_the_millisecond():
    """When nobody was there for as long as the setting says; not before."""
    policy = LockPolicy(idle_ms=IDLE_MS_MIN)
    before, then = at(IDLE_MS_MIN - 1), at(IDLE_MS_MIN)
    assert policy.due(before, used=ZERO, looked=before) is None
    assert policy.due(then, used=ZERO, looked=then) is Reason.IDLE


def test_sleep_locks_at_once():
    """However short the idle time was; less than SUSPEND_MS is a clock that was corrected."""
    policy = LockPolicy()
    assert policy.due(at(10, SUSPEND_MS), used=ZERO, looked=ZERO) is Reason.SUSPEND
    assert policy.due(at(10, SUSPEND_MS - 1), used=ZERO, looked=ZERO) is None


def test_a_passphrase_lasts_twelve_hours():
    """Sleep counts."""
    assert OPEN_MS_MAX == 12 * 3600 * 1000
    assert not expired(at(OPEN_MS_MAX - 1), opened=ZERO)
    assert expired(at(1, OPEN_MS_MAX - 1), opened=ZERO)


times = st.integers(0, 2 * OPEN_MS_MAX)


@given(times, times, st.integers(-OPEN_MS_MAX, OPEN_MS_MAX))
def test_setting_a_clock_back_lengthens_nothing(awake_ms: int, used_ms: int, lasting_ms: int):
    """Where one of the two clocks can be set, what the other counted still holds."""
    now, used = Moment(awake_ms=awake_ms, lasting_ms=lasting_ms), at(min(used_ms, awake_ms))
    honest = awake_ms - used.awake_ms
    assert now.since(used) >= honest
    if honest >= IDLE_MS:
        assert LockPolicy().due(now, used=used, looked=now) is Reason.IDLE
    assert expired(now, opened=used) or honest < OPEN_MS_MAX
