"""Grants of a recovery: they count after a run that their author had seen, in whatever order the log got the two."""

from __future__ import annotations

import itertools

import pytest

from server.relay.recoveries import Grant, Recoveries
from sync_protocol.ids import CertificateHash, EntryHash, Hash

RECORD, OTHER = Hash(bytes(32)), Hash(bytes([9]) * 32)
NAME = CertificateHash(bytes([1]) * 32)
RUN, GRANTING = EntryHash(bytes([2]) * 32), EntryHash(bytes([3]) * 32)
GRANT = Grant(recovery=RECORD, name=NAME, entry=GRANTING)


def after(order: tuple[EntryHash, ...], *, saw: bool, record: Hash = RECORD) -> Recoveries:
    """What a run of `record` and the grant add up to, the first at log index 1."""
    found = Recoveries()
    for index, entry in enumerate(order, start=1):
        if entry == RUN:
            found = found.ran(record, RUN, index, lambda *_: saw)
        else:
            found = found.granted(GRANT, index, lambda *_: saw)
    return found


@pytest.mark.parametrize("order", list(itertools.permutations((RUN, GRANTING))))
def test_a_grant_counts_from_where_the_log_has_it_and_its_run(order: tuple[EntryHash, ...]):
    """If it had seen the run, of the same record; what its subject writes is taken anyhow."""
    assert after(order, saw=True).grants == {(RECORD, NAME): 2}
    for found in (after(order, saw=False), after(order, saw=True, record=OTHER)):
        assert found.grants == {}
        assert found.ever == {NAME}


def test_a_second_grant_changes_nothing():
    """The first one counts."""
    assert after((RUN, GRANTING, GRANTING), saw=True).grants == {(RECORD, NAME): 2}
