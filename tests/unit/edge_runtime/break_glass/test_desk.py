"""A device tells the desk what it lacks, and believes nothing that answers in its place."""

from __future__ import annotations

import json

import pytest

from edge_runtime.break_glass.desk import ask, desk_facts, reachable, tell_desk
from edge_runtime.errors import RemoteError
from edge_runtime.transports.http import HttpClient, refusal
from sync_protocol.roles import Role
from tests.unit.edge_runtime.break_glass.conftest import DESK_URL, DeskHttp


class Says(HttpClient):
    """Something that answers."""

    def __init__(self, data):
        super().__init__(DESK_URL, timeout_s=1)
        self.data = data
        self.closed = False

    def request(self, *_, **__):
        """The one answer that it has."""
        if isinstance(self.data, Exception):
            raise self.data
        return 200, {}, self.data

    def close(self):
        """End the connection."""
        self.closed = True


def told(emergency, **changes):
    """What a desk says of itself."""
    facts = emergency.facts()
    known = {"organisation": facts.organisation.hex(), "desk": facts.desk.hex(), "signer": facts.signer.hex()}
    return json.dumps(known | changes).encode()


def test_a_desk_says_who_it_is(emergency):
    """Its fingerprint is computed here."""
    facts = desk_facts(Says(told(emergency)))
    assert facts == emergency.facts()
    assert " ".join(facts.fingerprint[at : at + 4] for at in range(0, 64, 4)) == emergency.opened.desk.keys.fingerprint


@pytest.mark.parametrize("changes", [{"desk": "00"}, {"signer": 7}, {"organisation": None}])
def test_what_is_no_desk_is_named(emergency, changes):
    """A relay, a web page, half an answer."""
    for data in (told(emergency, **changes), b"<html>", b"[]"):
        with pytest.raises(RemoteError) as caught:
            desk_facts(Says(data))
        assert caught.value.code == "not_a_desk"
    with pytest.raises(RemoteError) as caught:
        tell_desk(emergency.holder(emergency.doctor), Says(b"none"))
    assert caught.value.code == "not_a_desk"


def test_the_desk_is_told_what_it_lacks_and_no_more(emergency):
    """Everything once; then what is new, by whoever comes next."""
    doctor = emergency.holder(emergency.doctor)
    book = emergency.opened.desk.book
    first = tell_desk(doctor, emergency.http)
    assert first == len(book.known.entries) > 0
    assert tell_desk(doctor, emergency.http) == 0
    nurse = emergency.clinic.device(Role.NURSE)
    emergency.settle()
    assert tell_desk(emergency.holder(emergency.responder), emergency.http) == 1
    assert book.known.trust.certificate(nurse.name) is not None


def test_a_desk_that_is_down_is_not_taken_for_the_relay(emergency):
    """The words say which of the two does not answer, and that nothing has to be broken again."""
    emergency.http.down = True
    with pytest.raises(RemoteError) as caught:
        ask(emergency.http, b"")
    assert caught.value.code == "desk_unreachable"
    refused = Says(refusal(403, b"{}"))
    with pytest.raises(RemoteError) as caught:
        ask(Says(refused.data), b"")
    assert caught.value.code == "relay_refused"


def test_the_first_address_that_answers_is_used(emergency):
    """Those that do not are closed."""
    down = DeskHttp(emergency.opened.desk)
    down.down = True
    good = Says(told(emergency))
    assert reachable([down, good]) is good
    assert down.closed
    assert not good.closed
    with pytest.raises(RemoteError) as caught:
        reachable([])
    assert caught.value.code == "desk_unreachable"
    with pytest.raises(RemoteError):
        reachable([down])
