"""What a batch's seals are looked up with: as few questions as can be, and the answers of a store asked each time."""

from __future__ import annotations

import random
from typing import Any

import pytest

from server.relay.ingest import _Known
from sync_protocol.entries import Seal
from sync_protocol.ids import SessionId
from sync_protocol.signed import Verified
from tests.support.people import DeviceSession, Organisation

SEALS = 700
FORKED = (0, 1, 64, 65, 66, 130, 400, SEALS - 1)
"""Numbers of two seals, at the edges of pages too."""


class Asked:
    """A store of one session's seals that counts the questions."""

    def __init__(self, session: SessionId, seals: list[Verified[Seal]]) -> None:
        self.questions = 0
        self._session = session
        self._seals = sorted(seals, key=lambda seal: (seal.value.number, seal.hash))

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """See Store."""
        self.questions += 1
        return tuple(seal for seal in self._seals if session == self._session and seal.value.number == number)

    def seals_from(self, session: SessionId, number: int, *, limit: int) -> list[Verified[Seal]]:
        """See Store."""
        self.questions += 1
        return [seal for seal in self._seals if session == self._session and seal.value.number >= number][:limit]


@pytest.fixture(scope="module")
def written() -> tuple[SessionId, list[Verified[Seal]]]:
    """A session of many seals, some of which are forked."""
    organisation = Organisation.make(3)
    session: DeviceSession = organisation.admin.session()
    stream = organisation.stream()
    seals: list[Verified[Seal]] = []
    for number in range(SEALS):
        if number in FORKED:
            seals.append(session.branch().write(stream, [b"other"])[0])
        seals.append(session.write(stream, [b"one"])[0])
    return session.id, seals


def known(store: Any) -> _Known:
    """A batch's look-ups."""
    return _Known(store, {})


def test_seals_in_order_take_few_questions(written: tuple[SessionId, list[Verified[Seal]]]):
    """A batch that goes through a session's seals, each with the one before it, as the intake does."""
    session, seals = written
    store, plain = Asked(session, seals), Asked(session, seals)
    asked = known(store)
    for number in range(SEALS + 5):
        assert asked.seals(session, number) == plain.seals(session, number)
    assert store.questions <= 6


def test_a_new_seal_takes_one_question(written: tuple[SessionId, list[Verified[Seal]]]):
    """What follows the newest seal is looked for, and the seal before it is found, with the same question."""
    session, seals = written
    store = Asked(session, seals)
    asked = known(store)
    assert asked.seals(session, SEALS) == ()
    assert len(asked.seals(session, SEALS - 1)) == 2
    assert store.questions == 1
    assert asked.found.keys() == {(session, SEALS), (session, SEALS - 1)}


def test_seals_in_any_order_are_the_stores(written: tuple[SessionId, list[Verified[Seal]]]):
    """Jumps back and ahead, numbers that nobody wrote, and a session of which there is none."""
    session, seals = written
    rng = random.Random(7)
    for _ in range(30):
        store, plain = Asked(session, seals), Asked(session, seals)
        asked = known(store)
        for _ in range(40):
            number = rng.choice((rng.randrange(SEALS + 9), rng.choice(FORKED), rng.choice(FORKED) + 1, 2**40 - 1))
            one = session if rng.random() < 0.9 else SessionId(bytes(16))
            assert asked.seals(one, number) == plain.seals(one, number)
        assert store.questions <= plain.questions
