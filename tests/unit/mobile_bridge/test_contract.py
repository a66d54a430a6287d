"""The contract, over both transports: what every host may rely on, and what no host can do to another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge_runtime.clinical.checks import NESTING_MAX
from edge_runtime.facts import Content, Fact
from edge_runtime.runtime import open_home
from mobile_bridge.errors import ErrorCode
from mobile_bridge.frames import MAJOR, Frame, Kind
from mobile_bridge.limits import CREDIT_MAX, FRAME_BYTES_MAX, REQUESTS_MAX
from mobile_bridge.schema.contract import CONTRACT, HELLO, MINOR
from sync_protocol.encoding import Value, encode
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import Compartment
from tests.unit.mobile_bridge.conftest import World
from tests.unit.mobile_bridge.homes import ALLERGY, NOTE, PASSPHRASE, PATIENT, patient_words, size_of
from tests.unit.mobile_bridge.hosts import Host, OverError, Refused, Wire

Connect = Callable[[], Wire]


def refused(host: Host, op: str, /, **body: Any) -> Refused:
    """The error that answers a request."""
    with pytest.raises(Refused) as caught:
        host.call(op, **body)
    return caught.value


def send_on(host: Host) -> None:
    """Send until the host learns that nobody listens."""
    for _ in range(1000):
        host.wire.send(b"\xff")


def entries(world: World) -> int:
    """How many entries the tablet's store holds besides those of ledgers; the home must be closed."""
    return size_of(world.homes / "tablet")


class TestHello:
    def test_tells_version_digest_and_commands(self, wire: Connect) -> None:
        """`hello` agrees on the minor version and says what there is."""
        found = Host(wire(), hello=False).call(HELLO, minor=MINOR)
        assert found["minor"] == MINOR
        assert found["schema"] == CONTRACT.digest()
        assert found["ops"] == [*CONTRACT.commands]
        assert found["frame_bytes_max"] == FRAME_BYTES_MAX

    def test_a_newer_host_gets_what_this_runtime_has(self, wire: Connect) -> None:
        """The older minor version of the two holds."""
        assert Host(wire(), hello=False).call(HELLO, minor=MINOR + 9)["minor"] == MINOR

    def test_comes_first(self, wire: Connect) -> None:
        """Before it nothing else is done."""
        host = Host(wire(), hello=False)
        assert refused(host, "charts.list").code is ErrorCode.HELLO_FIRST
        assert host.call(HELLO, minor=MINOR)["minor"] == MINOR

    def test_comes_once(self, host: Host) -> None:
        """A second one is refused, and the connection goes on."""
        assert refused(host, HELLO, minor=MINOR).code is ErrorCode.INVALID_REQUEST
        assert host.call("session.close") == {}

    def test_another_major_version_is_refused(self, wire: Connect) -> None:
        """Whatever else the frame holds, the host learns by its id that versions differ, and may speak ours instead."""
        host = Host(wire(), hello=False)
        host.wire.send(encode({1: MAJOR + 1, 2: 5, 3: "req", 4: HELLO, 5: {}, 99: "of tomorrow"}))
        with pytest.raises(Refused) as caught:
            host.answer(5)
        assert caught.value.code is ErrorCode.VERSION
        assert not caught.value.body["retryable"]
        host.last = 5
        assert host.call(HELLO, minor=MINOR)["minor"] == MINOR


class TestFrames:
    """What is wrong with a frame ends its connection, with the reason as its last frame."""

    @pytest.fixture(autouse=True)
    def _other(self, wire: Connect) -> Iterator[None]:
        """Another host, which must notice nothing."""
        other = Host(wire())
        other.open()
        yield
        assert other.call("sync.status")["state"] == "off"

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"\xff", id="no-cbor"),
            pytest.param(b"{}", id="json"),
            pytest.param(encode([1, 2, 3]), id="no-map"),
            pytest.param(encode({1: MAJOR, 2: 1, 3: "req", 4: "session.close", 5: {}}) + b"\0", id="trailing"),
            pytest.param(encode({1: MAJOR, 2: 1, 3: "req", 4: "session.close", 5: {}, 8: 1}), id="unknown-key"),
            pytest.param(encode({1: MAJOR, 2: 1, 3: "shout"}), id="unknown-kind"),
            pytest.param(encode({1: MAJOR, 2: 1, 3: "req", 4: "session.close"}), id="no-body"),
            pytest.param(encode({1: MAJOR, 2: 1, 3: "req", 4: "session.close", 5: {1: 2}}), id="body-keys"),
            pytest.param(encode({1: MAJOR, 2: 0, 3: "req", 4: "session.close", 5: {}}), id="id-0"),
            pytest.param(encode({1: MAJOR, 2: -1, 3: "cancel"}), id="id-negative"),
            pytest.param(encode({1: MAJOR, 2: 1, 3: "res", 5: {}}), id="of-the-runtime"),
            pytest.param(encode({1: MAJOR, 2: 1, 3: "credit"}), id="credit-of-nothing"),
            pytest.param(encode({1: MAJOR, 2: 1, 3: "cancel", 5: {}}), id="cancel-with-body"),
            pytest.param(b"\xa3\x03\x63req\x01\x01\x02\x01", id="not-deterministic"),
            pytest.param(b"\xa1\x01\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00", id="float"),
        ],
    )
    def test_malformed(self, wire: Connect, data: bytes) -> None:
        """A frame that is not the strict encoding of a host's frame."""
        host = Host(wire())
        host.wire.send(data)
        assert host.last_words().code is ErrorCode.MALFORMED

    def test_too_large(self, wire: Connect) -> None:
        """A frame over the limit."""
        host = Host(wire())
        host.wire.send(bytes(FRAME_BYTES_MAX + 1))
        assert host.last_words().code is ErrorCode.FRAME_TOO_LARGE

    @pytest.mark.parametrize("number", [1, 2])
    def test_replayed_id(self, wire: Connect, number: int) -> None:
        """An id that is not above all before it."""
        host = Host(wire())
        host.call("session.close")
        host.put(Frame(v=MAJOR, id=number, kind=Kind.REQ, op="session.close", body={}))
        assert host.last_words().code is ErrorCode.REPLAYED_ID

    def test_the_connection_is_over_afterwards(self, wire: Connect) -> None:
        """What a host sends after that is heard by nobody."""
        host = Host(wire())
        host.wire.send(b"\xff")
        host.last_words()
        with pytest.raises(OverError):
            send_on(host)


class TestRequests:
    """What is wrong with a request ends that request."""

    def test_unknown_command(self, tablet: Host) -> None:
        """A command that the table does not hold."""
        assert refused(tablet, "chart.burn").code is ErrorCode.UNKNOWN_OP

    @pytest.mark.parametrize(
        ("op", "body"),
        [
            ("session.open", {}),
            ("session.open", {"home": "tablet"}),
            ("session.open", {"home": "tablet", "passphrase": b"bytes"}),
            ("session.open", {"home": "tablet", "passphrase": "x" * 5000}),
            ("session.open", {"home": "../tablet", "passphrase": PASSPHRASE}),
            ("session.open", {"home": "/tablet", "passphrase": PASSPHRASE}),
            ("session.open", {"home": "..", "passphrase": PASSPHRASE}),
            ("session.open", {"home": "tablet\n", "passphrase": PASSPHRASE}),
            ("session.open", {"home": "", "passphrase": PASSPHRASE}),
            ("session.close", {PASSPHRASE: True}),
            ("charts.list", {"limit": 3}),
            ("chart.open", {"chart": "3f2a90bc"}),
            ("chart.open", {"chart": 3}),
            ("chart.open", {"chart": True}),
            ("chart.open", {"chart": "A" * 32}),
            ("document.change", {"chart": "a" * 32, "document": "b" * 32}),
            ("document.change", {"chart": "a" * 32, "document": "b" * 32, "facts": []}),
            ("document.change", {"chart": "a" * 32, "document": "b" * 32, "facts": [[]]}),
            ("document.change", {"chart": "a" * 32, "document": "b" * 32, "section": "plan"}),
            ("document.change", {"chart": "a" * 32, "document": "b" * 32, "section": "gossip", "text": ""}),
            ("document.change", {"chart": "a" * 32, "document": "b" * 32, "text": NOTE}),
            ("sync.start", {"relay": 5}),
        ],
    )
    def test_wrong_fields(self, tablet: Host, op: str, body: dict[str, Any], made: World) -> None:
        """A missing field, an unknown one, another type or form; the error names the field, never the value."""
        if op == "document.change":
            body = body | {"chart": made.chart, "document": made.encounter}
        found = refused(tablet, op, **body)
        assert found.code is ErrorCode.INVALID_REQUEST
        assert op in found.body["detail"]["expected"]
        for value in (PASSPHRASE, NOTE, "gossip", "3f2a90bc", "../"):
            assert value not in str(found.body["detail"]["got"])

    def test_a_sequence_number_belongs_to_streams(self, tablet: Host) -> None:
        """`seq` in a request that is no stream is refused."""
        with pytest.raises(Refused) as caught:
            tablet.answer(tablet.request("sync.status", seq=3))
        assert caught.value.code is ErrorCode.INVALID_REQUEST

    def test_a_deadline_that_has_passed(self, tablet: Host, world: World) -> None:
        """What was not begun by then is not done."""
        request = tablet.request(
            "document.change",
            {"chart": world.chart, "document": world.chart_document, "facts": [{"kind": "allergy", "text": "Latex"}]},
            deadline_ms=0,
        )
        with pytest.raises(Refused) as caught:
            tablet.answer(request)
        assert caught.value.code is ErrorCode.DEADLINE
        assert caught.value.body["retryable"]
        tablet.call("session.close")
        assert entries(world) == world.entries

    def test_a_deadline_ends_a_stream(self, tablet: Host) -> None:
        """A stream ends at its deadline, with one `err`."""
        with pytest.raises(Refused) as caught:
            tablet.answer(tablet.request("events.subscribe", deadline_ms=50))
        assert caught.value.code is ErrorCode.DEADLINE

    def test_a_deadline_that_is_kept(self, tablet: Host) -> None:
        """An answer in time is an answer."""
        assert tablet.answer(tablet.request("sync.status", deadline_ms=60_000))["state"] == "off"

    def test_too_many_open_requests(self, tablet: Host) -> None:
        """Beyond the limit a request is refused, to be repeated later; the others go on."""
        streams = [tablet.request("events.subscribe") for _ in range(REQUESTS_MAX)]
        with pytest.raises(Refused) as caught:
            tablet.answer(tablet.request("sync.status"))
        assert caught.value.code is ErrorCode.BUSY
        assert caught.value.body["retry_after_ms"] > 0
        tablet.cancel(streams[0])
        assert tablet.call("sync.status")["state"] == "off"


class TestStreams:
    def test_items_need_credit(self, tablet: Host) -> None:
        """No item is sent that was not asked for; credit in the request saves a frame."""
        request = tablet.request("charts.list")
        assert tablet.call("sync.status")["state"] == "off"
        assert not tablet.frames[request]
        tablet.credit(request, 1)
        assert tablet.next(request).seq == 0
        assert tablet.next(request).kind is Kind.END
        again = tablet.request("charts.list", seq=1)
        assert [tablet.next(again).kind, tablet.next(again).kind] == [Kind.ITEM, Kind.END]

    def test_the_end_needs_no_credit(self, host: Host) -> None:
        """A stream without items ends by itself, with one terminal frame."""
        host.open("desk")
        request = host.request("charts.list")
        assert host.answer(request) == {"charts": 0}

    def test_cancel_is_idempotent(self, tablet: Host) -> None:
        """A stream that is cancelled ends with one `err`; cancelling again, or what is over, or nothing, is nothing."""
        request = tablet.request("events.subscribe")
        tablet.cancel(request)
        tablet.cancel(request)
        with pytest.raises(Refused) as caught:
            tablet.answer(request)
        assert caught.value.code is ErrorCode.CANCELLED
        tablet.cancel(request)
        tablet.cancel(request + 1000)
        assert tablet.call("sync.status")["state"] == "off"
        assert not tablet.frames[request]

    def test_credit_has_a_limit(self, tablet: Host) -> None:
        """Asking for more than the limit ahead ends the stream, not the connection; credit after its end is nothing."""
        request = tablet.request("events.subscribe", seq=CREDIT_MAX)
        tablet.credit(request, CREDIT_MAX + 1)
        with pytest.raises(Refused) as caught:
            tablet.answer(request)
        assert caught.value.code is ErrorCode.CREDIT_OVERFLOW
        tablet.credit(request, 5)
        with pytest.raises(Refused) as caught:
            tablet.answer(tablet.request("events.subscribe", seq=CREDIT_MAX + 1))
        assert caught.value.code is ErrorCode.CREDIT_OVERFLOW
        assert tablet.call("sync.status")["state"] == "off"

    def test_credit_never_shrinks(self, tablet: Host, world: World) -> None:
        """Credit is a bound, so a frame that is late or repeated changes nothing."""
        request = tablet.request("events.subscribe", seq=8)
        tablet.credit(request, 1)
        tablet.credit(request, 1)
        for number in range(3):
            state(tablet, world, {"kind": "allergy", "text": f"Nut {number}"})
            assert tablet.next(request).seq == number


def state(host: Host, world: World, *facts: dict[str, Any]) -> dict[str, Any]:
    """State facts in the chart document."""
    return host.call("document.change", chart=world.chart, document=world.chart_document, facts=list(facts))


class TestSession:
    def test_open_tells_who_the_device_is(self, host: Host, world: World) -> None:
        """The device's facts come from its certificate."""
        found = host.open()
        certificate = world.nurse.certificate.value
        assert found["enrolled"]
        assert not found["waiting"]
        assert found["device"] == str(certificate.device)
        assert found["user"] == str(certificate.user)
        assert found["role"] == "nurse"
        assert host.open() == found

    def test_a_device_of_nobody(self, host: Host) -> None:
        """It opens, says so, and has no charts."""
        assert host.open("blank") == {"home": "blank", "enrolled": False, "waiting": False}
        assert refused(host, "charts.list").code is ErrorCode.NOT_ENROLLED
        assert refused(host, "sync.start").code is ErrorCode.NOT_ENROLLED

    def test_a_wrong_passphrase(self, host: Host, caplog: pytest.LogCaptureFixture) -> None:
        """It opens nothing, and stands in no answer and no log."""
        caplog.set_level(logging.DEBUG)
        found = refused(host, "session.open", home="tablet", passphrase="planted secret words")
        assert found.code is ErrorCode.WRONG_PASSPHRASE
        assert refused(host, "charts.list").code is ErrorCode.LOCKED
        assert not any(b"planted" in frame for frame in host.seen)
        assert "planted" not in caplog.text

    def test_the_right_passphrase_is_not_echoed(self, tablet: Host, caplog: pytest.LogCaptureFixture) -> None:
        """The right one neither."""
        caplog.set_level(logging.DEBUG)
        tablet.open()
        assert not any(PASSPHRASE.encode() in frame for frame in tablet.seen)
        assert PASSPHRASE not in caplog.text

    def test_no_such_home(self, host: Host, world: World) -> None:
        """A name that is no home is refused, and nothing is made of it."""
        assert refused(host, "session.open", home="nowhere", passphrase="x").code is ErrorCode.NOT_FOUND
        assert not (world.homes / "nowhere").exists()

    def test_a_home_in_use_elsewhere(self, host: Host, world: World) -> None:
        """A home that another program has open is not opened twice."""
        with open_home(world.homes / "tablet", PASSPHRASE):
            assert refused(host, "session.open", home="tablet", passphrase=PASSPHRASE).code is ErrorCode.HOME_IN_USE
        assert host.open()["enrolled"]

    def test_one_home_at_a_time(self, tablet: Host, wire: Connect) -> None:
        """While one home is open, another is refused, also to another host."""
        for host in (tablet, Host(wire())):
            found = refused(host, "session.open", home="desk", passphrase=PASSPHRASE)
            assert found.code is ErrorCode.CONFLICT
        tablet.call("session.close")
        assert tablet.open("desk")["role"] == "physician"

    @pytest.mark.parametrize(
        ("op", "body"),
        [
            ("charts.list", {}),
            ("chart.open", {"chart": "a" * 32}),
            ("document.read", {"chart": "a" * 32, "document": "b" * 32}),
            ("document.change", {"chart": "a" * 32, "document": "b" * 32, "facts": [{}]}),
            ("events.subscribe", {}),
            ("session.lock", {}),
            ("sync.start", {}),
            ("sync.stop", {}),
            ("sync.status", {}),
        ],
    )
    def test_nothing_works_without_it(self, host: Host, wire: Connect, op: str, body: dict[str, Any]) -> None:
        """Every other command needs this host's own passphrase, whoever else has the home open."""
        other = Host(wire())
        other.open()
        assert refused(host, op, **body).code is ErrorCode.LOCKED

    def test_another_host_needs_the_passphrase_too(self, tablet: Host, wire: Connect) -> None:
        """That one host has the home open lets no other in."""
        other = Host(wire())
        found = refused(other, "session.open", home="tablet", passphrase="a guess")
        assert found.code is ErrorCode.WRONG_PASSPHRASE
        assert refused(other, "charts.list").code is ErrorCode.LOCKED
        assert tablet.call("sync.status")["state"] == "off"

    def test_lock_is_for_everyone(self, tablet: Host, wire: Connect) -> None:
        """Locking ends every host's streams and session, tells them, and lets go of the home."""
        other = Host(wire())
        other.open()
        stream = other.request("events.subscribe")
        tablet.call("session.lock")
        with pytest.raises(Refused) as caught:
            other.answer(stream)
        assert caught.value.code is ErrorCode.LOCKED
        for host in (tablet, other):
            assert host.next(0).op == "session.locked"
            assert refused(host, "charts.list").code is ErrorCode.LOCKED
        assert other.open()["enrolled"]
        assert refused(tablet, "charts.list").code is ErrorCode.LOCKED

    def test_close_is_one_hosts(self, tablet: Host, wire: Connect, world: World) -> None:
        """Closing leaves the other hosts alone; the last one lets go of the home. Again is nothing."""
        other = Host(wire())
        other.open()
        stream = tablet.request("events.subscribe")
        for _ in range(2):
            tablet.call("session.close")
        with pytest.raises(Refused) as caught:
            tablet.answer(stream)
        assert caught.value.code is ErrorCode.LOCKED
        assert len(list(other.stream("charts.list"))) == 1
        other.call("session.close")
        assert entries(world) == world.entries

    def test_hanging_up_closes(self, tablet: Host, wire: Connect) -> None:
        """A host that is gone has closed: with the last one goes the home."""
        other = Host(wire())
        other.open()
        tablet.wire.close()
        other.wire.close()
        later = Host(wire())
        for _ in range(200):
            try:
                assert later.call("session.open", home="desk", passphrase=PASSPHRASE)["enrolled"]
                break
            except Refused as error:
                assert error.code is ErrorCode.CONFLICT  # noqa: PT017 not closed yet
        else:
            pytest.fail("the home stays open")


class TestCharts:
    def test_list(self, tablet: Host, world: World) -> None:
        """Each chart is an item."""
        (row,) = tablet.stream("charts.list")
        assert row == {
            "chart": world.chart,
            "sealed": False,
            "name": PATIENT,
            "documents": 2,
            "allergies": 1,
            "medications": 0,
            "reviews_open": 0,
            "unread": 0,
        }

    def test_open(self, tablet: Host, world: World) -> None:
        """A chart says what it adds up to, who reads it, and which documents it has."""
        found = tablet.call("chart.open", chart=world.chart)
        assert found["name"] == PATIENT
        assert {row["document"] for row in found["documents"]} == {world.chart_document, world.encounter}
        assert {row.get("workflow_type") for row in found["documents"]} == {None, "encounter"}
        assert len(found["members"]) == 2
        assert [item["text"] for item in found["state"]["allergies"]] == [ALLERGY]
        assert [item["fact"]["name"] for item in found["state"]["identity"]] == [PATIENT]

    @pytest.mark.parametrize("op", ["chart.open", "document.read", "document.change"])
    def test_no_such_chart_or_document(self, tablet: Host, world: World, op: str) -> None:
        """Ids of nothing on this device are not found, and nothing is written under them."""
        change: dict[str, Any] = {"facts": [{"kind": "allergy", "text": "Latex"}]} if op == "document.change" else {}
        document = {} if op == "chart.open" else {"document": world.encounter}
        assert refused(tablet, op, chart="a" * 32, **document, **change).code is ErrorCode.NOT_FOUND
        if document:
            found = refused(tablet, op, chart=world.chart, document="b" * 32, **change)
            assert found.code is ErrorCode.NOT_FOUND
        tablet.call("session.close")
        assert entries(world) == world.entries

    def test_read(self, tablet: Host, world: World) -> None:
        """A document comes with its texts, their authors, and its version."""
        found = tablet.call("document.read", chart=world.chart, document=world.encounter)
        (section,) = found["sections"]
        assert section["section"] == "subjective"
        assert section["text"] == NOTE
        assert section["complete"]
        assert section["authors"][0]["role"] == "nurse"
        assert found["unread"] == []
        assert tablet.call("document.read", chart=world.chart, document=world.encounter) == found

    def test_state_facts(self, tablet: Host, world: World) -> None:
        """Facts of one change are recorded together, and read back."""
        before = tablet.call("document.read", chart=world.chart, document=world.chart_document)["version"]
        done = state(
            tablet,
            world,
            {"kind": "allergy", "text": "Latex"},
            {"kind": "medication", "text": "Metformin", "action": "start", "dose": "500", "unit": "mg"},
        )
        assert done["entries"]
        assert done["confirm"] == []
        found = tablet.call("document.read", chart=world.chart, document=world.chart_document)
        assert found["version"] == done["version"] != before
        assert [item["text"] for item in found["state"]["allergies"]] == [ALLERGY, "Latex"]

    def test_an_implausible_value_is_recorded_and_asked_about(self, tablet: Host, world: World) -> None:
        """Nothing is refused for its value; the question names the vital sign, never the value."""
        fact = {"kind": "observation", "code": "8867-4", "text": "Heart rate", "value": "12", "unit": "/min"}
        done = tablet.call("document.change", chart=world.chart, document=world.encounter, facts=[fact])
        assert done["entries"]
        assert "heart rate" in done["confirm"][0]
        assert "12" not in done["confirm"][0]

    def test_a_mistyped_code_is_recorded_and_asked_about(self, tablet: Host, world: World) -> None:
        """A code whose check digit is wrong is asked about, without being repeated."""
        fact = {"kind": "observation", "system": "loinc", "code": "8867-5", "text": "Heart rate", "value": "72"}
        done = tablet.call("document.change", chart=world.chart, document=world.encounter, facts=[fact])
        assert done["entries"]
        (asked,) = done["confirm"]
        assert asked.startswith("is the LOINC code right? the check digit")
        assert "8867" not in asked

    def test_a_drug_beside_an_allergy_is_recorded_and_asked_about(self, tablet: Host, world: World) -> None:
        """Also where one change states both; the chart says what was found, and what was not compared."""
        done = state(
            tablet,
            world,
            {"kind": "allergy", "text": "Aspirin"},
            {"kind": "medication", "text": "Ibuprofen", "action": "start"},
            {"kind": "medication", "text": "Warfarin", "action": "start"},
        )
        assert done["entries"]
        (asked,) = done["confirm"]
        assert asked.startswith("Ibuprofen beside the allergy Aspirin: ")
        check = tablet.call("chart.open", chart=world.chart)["state"]["cross_check"]
        assert [one["medication"] for one in check["found"]] == ["Ibuprofen"]
        assert "Warfarin" in [one["text"] for one in check["not_covered"]]

    def test_write_a_text(self, tablet: Host, world: World) -> None:
        """A section is made to read a text; the version that was read goes with it. The same again is no change."""
        place = {"chart": world.chart, "document": world.encounter}
        base = tablet.call("document.read", **place)["version"]
        done = tablet.call("document.change", **place, base=base, section="subjective", text=f"{NOTE} Done. 🌡️")
        assert done["entries"]
        again = tablet.call(
            "document.change", **place, base=done["version"], section="subjective", text=f"{NOTE} Done. 🌡️"
        )
        assert again["entries"] == []
        assert again["version"] == done["version"]
        first = tablet.call("document.change", **place, section="plan", text="Rest.")
        sections = tablet.call("document.read", **place)["sections"]
        assert {one["section"]: one["text"] for one in sections} == {"plan": "Rest.", "subjective": f"{NOTE} Done. 🌡️"}
        assert first["version"] != done["version"]

    def test_a_text_is_never_written_blind(self, tablet: Host, world: World, wire: Connect) -> None:
        """A text made from an older version would undo what came since: it is refused, and nothing is recorded."""
        place = {"chart": world.chart, "document": world.encounter}
        blind = refused(tablet, "document.change", **place, section="subjective", text="Mine.")
        assert blind.code is ErrorCode.INVALID_REQUEST
        base = tablet.call("document.read", **place)["version"]
        other = Host(wire())
        other.open()
        other.call("document.change", **place, base=base, section="subjective", text="Theirs.")
        for change in ({"section": "subjective", "text": "Mine."}, {"facts": [{"kind": "status", "to": "active"}]}):
            found = refused(tablet, "document.change", **place, base=base, **change)
            assert found.code is ErrorCode.CONFLICT
            assert found.body["retryable"]
        (section,) = tablet.call("document.read", **place)["sections"]
        assert section["text"] == "Theirs."

    @pytest.mark.parametrize(
        "facts",
        [
            [{"kind": "allergy", "text": "Planted Name", "severity": "Planted Name"}],
            [{"kind": "Planted Name", "text": "x"}],
            [{"kind": "allergy", "text": "Latex"}, {"kind": "allergy"}],
            [{"kind": "allergy", "text": "Latex", "Planted Name": "x"}],
            [{"kind": "status", "to": "Planted Name"}],
            [{"kind": "allergy", "text": "Latex", "supersedes": ["Planted Name"]}],
            [{"text": "Planted Name"}],
            [{"kind": "identity", "name": ""}],
            [{"kind": "identity", "name": 5}],
        ],
    )
    def test_a_wrong_fact(
        self, tablet: Host, world: World, facts: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is refused with its place and what was expected, without its words; nothing of the change is recorded."""
        caplog.set_level(logging.DEBUG)
        found = refused(tablet, "document.change", chart=world.chart, document=world.chart_document, facts=facts)
        assert found.code is ErrorCode.INVALID_CHANGE
        assert found.body["detail"]["expected"]
        assert found.body["detail"]["do"]
        assert not any(b"Planted Name" in frame for frame in tablet.seen)
        assert "Planted Name" not in caplog.text
        tablet.call("session.close")
        assert entries(world) == world.entries

    def test_a_text_that_is_too_long(self, tablet: Host, world: World) -> None:
        """It is refused, and nothing is recorded."""
        place = {"chart": world.chart, "document": world.encounter}
        found = refused(tablet, "document.change", **place, section="complaint", text="x" * 1001)
        assert found.code is ErrorCode.INVALID_CHANGE
        tablet.call("session.close")
        assert entries(world) == world.entries


class TestEvents:
    def test_a_change_by_another_command_is_heard(self, tablet: Host, wire: Connect, world: World) -> None:
        """Every subscriber hears that a chart changed, and not what."""
        other = Host(wire())
        other.open()
        streams = [(host, host.request("events.subscribe", seq=8)) for host in (tablet, other)]
        for host, _ in streams:
            host.call("sync.status")
        state(other, world, {"kind": "allergy", "text": "Latex"})
        for host, request in streams:
            item = host.next(request)
            assert item.body == {"kind": "changed", "charts": [world.chart], "any_chart": False}

    def test_a_refused_change_is_no_event(self, tablet: Host, world: World) -> None:
        """What was not recorded is not told."""
        request = tablet.request("events.subscribe", seq=8)
        refused(tablet, "document.change", chart=world.chart, document=world.chart_document, facts=[{"kind": "x"}])
        tablet.call("sync.status")
        assert not tablet.frames[request]

    def test_a_slow_host_gets_one_item_for_many_changes(self, tablet: Host, world: World) -> None:
        """What waits is merged, so that it is bounded."""
        request = tablet.request("events.subscribe")
        for number in range(5):
            state(tablet, world, {"kind": "allergy", "text": f"Nut {number}"})
        tablet.credit(request, 9)
        assert tablet.next(request).body == {"kind": "changed", "charts": [world.chart], "any_chart": False}
        tablet.call("sync.status")
        assert not tablet.frames[request]

    def test_events_and_errors_hold_no_patient_data(
        self, tablet: Host, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """They carry ids, counts and codes; the log not even the ids."""
        caplog.set_level(logging.DEBUG)
        request = tablet.request("events.subscribe", seq=99)
        place = {"chart": world.chart, "document": world.encounter}
        tablet.call("document.change", **place, section="plan", text=NOTE)
        refused(tablet, "document.change", **place, facts=[{"kind": "allergy", "text": ALLERGY, "severity": NOTE}])
        refused(tablet, "document.change", **place, section="plan", text=NOTE)
        tablet.next(request)
        for word in patient_words():
            assert not any(word.encode() in frame for frame in tablet.seen)
            assert word not in caplog.text


class TestSync:
    def test_status_without_sync(self, tablet: Host) -> None:
        """It says what is on this device only."""
        found = tablet.call("sync.status")
        assert found["state"] == "off"
        assert found["pending"] > 0
        assert found["receipted"] == 0
        assert found["oldest_pending_ms"] > 0

    def test_stop_is_idempotent(self, tablet: Host) -> None:
        """Stopping what does not run is nothing."""
        for _ in range(2):
            assert tablet.call("sync.stop") == {"state": "off"}

    def test_an_address_that_is_none(self, tablet: Host) -> None:
        """It is refused at once."""
        assert refused(tablet, "sync.start", relay="ftp://relay").code is ErrorCode.INVALID_CHANGE


class TestHosts:
    def test_requests_are_answered_by_turns(self, tablet: Host, wire: Connect, world: World) -> None:
        """A host that asks for much does not keep another waiting until it is done."""
        other = Host(wire())
        other.open()
        asked = [tablet.request("chart.open", {"chart": world.chart}) for _ in range(REQUESTS_MAX)]
        other.call("sync.status")
        tablet.cancel(asked[-1])
        for request in asked[:-1]:
            assert tablet.answer(request)["name"] == PATIENT


class TestForeignFacts:
    """What only a later version, or a hostile member, writes."""

    @pytest.mark.parametrize("kind", ["medication", "identity", "source", "of_tomorrow"])
    def test_deep_nesting_hides_nothing(self, host: Host, world: World, kind: str) -> None:
        """A fact that is nested as deeply as it can travel is shown; what a frame does not carry, as its JSON text."""
        deep: Value = "the innermost"
        for _ in range(NESTING_MAX):
            deep = [deep]
        payload: dict[str, Value] = {"text": "Metformin", "action": "start", "name": "Ana", "of_tomorrow": deep}
        with open_home(world.homes / "tablet", PASSPHRASE) as runtime:
            batch = runtime.recorder.begin()
            place = (ChartId.parse(world.chart), DocumentId.parse(world.chart_document))
            fact = Fact(kind=kind, payload=payload, supersedes=())
            batch.content(*place, Compartment.SAFETY, Content(facts=(fact,), text=None))
            runtime.recorder.write(batch)
        host.open()
        for op, body in (
            ("chart.open", {"chart": world.chart}),
            ("document.read", {"chart": world.chart, "document": world.chart_document}),
        ):
            host.call(op, **body)
            if op == "document.read" or kind in {"medication", "identity"}:
                assert b"the innermost" in host.seen[-1]
