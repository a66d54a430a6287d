"""The desk answers what holds, once, in time, and not before it was written down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.desk import desk as desk_room
from server.desk.desk import AHEAD_MS, ENTRY_LIFE_MS, PRELOAD_LIFE_MS
from server.desk.errors import RateError, SpentError, StorageError
from server.desk.journal import ANSWERED, JOURNAL, Journal, read_journal
from server.desk.rates import ANSWERED_AN_HOUR, ASKED_A_MINUTE, NEWS_A_MINUTE, Rates
from sync_protocol.break_glass import open_answer, open_inner
from sync_protocol.entries import claimed_header
from sync_protocol.errors import ForgedError, UntrustedError
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.labels import Label
from sync_protocol.roles import Role
from sync_protocol.signed import sign
from tests.support.glass import BROKEN, CHART, KEY, TOKEN, Scene, glass_record, preload
from tests.unit.server.desk.conftest import Hands


def outcomes(tmp_path):
    """What the journal says became of the requests."""
    return [line.outcome for line in read_journal(tmp_path / JOURNAL)]


def test_a_receipted_request_is_answered_and_written_down(tmp_path, scene, hands):
    """The device that asked, and nobody else, gets what the token still closes; the journal names chart and entry."""
    request = scene.request()
    answer = hands.desk.answer(request.wire)
    layers = open_answer(answer, request.hash, glass=glass_record(scene.world), device=scene.responder.wrap_key)
    found = request.value.wraps[0]
    organisation = scene.world.root.value.organisation
    opened = open_inner(TOKEN, layers[0], found, organisation=organisation, chart=CHART)
    assert opened == KEY.reveal()
    (line,) = read_journal(tmp_path / JOURNAL)
    assert (line.outcome, line.chart, line.certificate) == (ANSWERED, CHART, scene.responder.name)
    assert (line.entry, line.note) == (request.value.entry.hash, request.value.note)
    assert line.request == Hash.of(request.wire)
    assert hands.journal.lines == 1


def test_without_a_receipt_nothing_comes_off(tmp_path, scene, hands, monkeypatch):
    """Not even a key is touched, and the attempt is in the journal."""
    monkeypatch.setattr(desk_room, "strip", lambda *_: pytest.fail("a layer came off"))
    with pytest.raises(ForgedError):
        hands.desk.answer(scene.request(path=()).wire)
    assert outcomes(tmp_path) == ["forged"]


def test_nothing_comes_off_before_it_is_written_down(scene, hands, monkeypatch):
    """A journal that cannot be written keeps every layer on."""
    monkeypatch.setattr(desk_room, "strip", lambda *_: pytest.fail("a layer came off"))

    def full(_):
        raise StorageError("desk_storage", expected="room", got="none", do="make room")

    monkeypatch.setattr(hands.journal._file, "append", full)
    with pytest.raises(StorageError):
        hands.desk.answer(scene.request().wire)


def test_a_request_is_answered_once(tmp_path, scene, hands):
    """Again, also after a restart of the desk: refused. A new one for the same entry is answered."""
    request = scene.request()
    hands.desk.answer(request.wire)
    for _ in range(2):
        with pytest.raises(SpentError) as caught:
            hands.desk.answer(request.wire)
        assert caught.value.code == "request_replayed"
        hands = restarted(tmp_path, hands)
    hands.desk.answer(renewed(scene, request).wire)
    assert outcomes(tmp_path) == [ANSWERED, "request_replayed", "request_replayed", ANSWERED]
    hands.close()


def restarted(tmp_path, hands):
    """The same desk after a restart, at the same time."""
    hands.journal.close()
    again = Hands(tmp_path, hands.scene)
    again.now_ms = hands.now_ms
    hands.journal = Journal(tmp_path / "unused")
    return again


def renewed(scene, request):
    """The same request under another nonce."""
    value = replace(request.value, nonce=scene.world.entropy(16))
    return sign(value, scene.responder.signer, Label.GLASS_REQUEST)


def refusal(hands, request):
    """Why the desk refuses."""
    with pytest.raises(SpentError) as caught:
        hands.desk.answer(request.wire)
    return caught.value.code


def of_entry(request):
    """When its author's clock said that the entry was written."""
    return claimed_header(request.value.entry).wall_ms


def test_a_broken_glass_serves_for_a_day(tmp_path, scene, hands):
    """From its own time on, also one that the desk never saw before: that may have been closed long ago."""
    shown, unshown = scene.request(), scene.request()
    hands.now_ms = of_entry(shown)
    hands.desk.answer(shown.wire)
    hands.now_ms += ENTRY_LIFE_MS
    hands.desk.answer(renewed(scene, shown).wire)
    hands.now_ms = of_entry(unshown) + ENTRY_LIFE_MS + 1
    for request in (renewed(scene, shown), unshown):
        assert refusal(hands, request) == "entry_spent"
    hands = restarted(tmp_path, hands)
    assert refusal(hands, renewed(scene, shown)) == "entry_spent"
    hands.close()


def test_a_member_lets_a_kit_carry_a_chart_for_a_month(scene, hands):
    """It asks again whenever the chart has new epochs; then a member says so anew, who may have left meanwhile."""
    member = scene.world.device(Role.PHYSICIAN)
    request = scene.request(preload(scene.responder), by=member.session())
    hands.now_ms = of_entry(request)
    hands.desk.answer(request.wire)
    hands.now_ms += PRELOAD_LIFE_MS
    hands.desk.answer(renewed(scene, request).wire)
    hands.now_ms += 1
    assert refusal(hands, renewed(scene, request)) == "entry_spent"


@pytest.mark.parametrize("kit", [False, True])
def test_an_entry_of_a_time_to_come_does_not_serve(scene, hands, kit):
    """By more than the hour by which clocks may differ: else it would be kept for later."""
    request = scene.request(preload(scene.responder) if kit else BROKEN)
    hands.now_ms = of_entry(request) - AHEAD_MS
    hands.desk.answer(request.wire)
    hands.now_ms -= 1
    assert refusal(hands, renewed(scene, request)) == "entry_ahead"


def test_one_person_opens_only_so_many(tmp_path, scene, hands):
    """Beyond that the desk waits for somebody to look, and says so in its journal."""
    for _ in range(ANSWERED_AN_HOUR):
        hands.desk.rates.answering(scene.responder.name)
    with pytest.raises(RateError):
        hands.desk.answer(scene.request().wire)
    assert outcomes(tmp_path) == ["too_often"]
    hands.desk.rates.answering(CertificateHash(b"o" * 32))


def test_one_address_asks_only_so_often():
    """Requests and control records are counted apart, and so are addresses."""
    rates = Rates()
    for count, hit in ((ASKED_A_MINUTE, rates.asked), (NEWS_A_MINUTE, rates.news)):
        for _ in range(count):
            hit("192.0.2.1")
        with pytest.raises(RateError):
            hit("192.0.2.1")
        hit(None)


def test_a_role_without_charts_gets_nothing(tmp_path, hands, scene):
    """An administrator of devices breaks no glass."""
    admin = Scene(scene.world, role=Role.ADMIN)
    with pytest.raises(UntrustedError):
        hands.desk.answer(admin.request().wire)
    assert outcomes(tmp_path) == ["untrusted"]
