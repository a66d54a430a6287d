"""The vectors of records, entries, control records, messages and handshakes: this implementation agrees with each."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sync_protocol import errors
from sync_protocol.certificates import Session
from sync_protocol.control import (
    LEDGER_DOCUMENT,
    UnknownControl,
    audit_stream,
    chart_id,
    content_stream,
    control_stream,
    ledger_id,
    pack_control,
)
from sync_protocol.encoding import decode
from sync_protocol.entries import seal_leaf
from sync_protocol.frames import pack_frame
from sync_protocol.handshake import device_transcript
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, StreamId
from sync_protocol.invitations import Invitation, WireRequest, code_of, proof_digest, proof_of
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Compartment
from sync_protocol.sealing import ContentKey, open_sealed
from tests.vectors import (
    backed_up,
    bundles,
    cast,
    certificates,
    control,
    entries,
    generate,
    handshake,
    invitations,
    messages,
    packs,
    recorded,
    verdicts,
)
from tests.vectors.forms import to_json


def load(name: str) -> dict[str, Any]:
    """A file of vectors as it lies there."""
    content: dict[str, Any] = json.loads((generate.HERE / name).read_text(encoding="utf-8"))
    return content


def cases(content: Any, *keys: str) -> list[Any]:
    """One list of cases, each named in the test's report."""
    for key in keys:
        content = content[key]
    return [pytest.param(case, id=f"{case.get('kind', '')} {case['name']}".strip()) for case in content]


def refuses(check: Any, case: dict[str, Any]) -> None:
    """The case is refused by exactly the class of error that it names."""
    with pytest.raises(getattr(errors, case["error"])) as caught:
        check(case)
    assert type(caught.value).__name__ == case["error"]


@pytest.mark.parametrize("case", cases(load("certificates.json"), "accepted"))
def test_signed_records(case: dict[str, Any]):
    """The record verifies, has this hash and these fields."""
    verified = certificates.opened(case)
    assert verified.hash.hex() == case["hash"]
    assert to_json(decode(certificates.payload_of(bytes.fromhex(case["wire"])))) == case["fields"]
    if case["kind"] == "session":
        assert verified.value.session.hex() == case["session"]


@pytest.mark.parametrize("case", cases(load("certificates.json"), "refused"))
def test_signed_records_that_are_refused(case: dict[str, Any]):
    """The record does not verify."""
    refuses(certificates.opened, case)


def test_the_recorded_signatures_are_over_the_records_of_the_cast():
    """What is recorded once stays in step with what the vectors say of it."""
    assert cast.root().value == cast.ROOT
    assert [c.value for c in cast.trust().chain(cast.NURSE_NAME)] == [cast.ADMIN, cast.NURSE]
    assert set(cast.RECORDINGS) < set(recorded.read())


def test_recording_again_keeps_what_is_recorded(tmp_path, monkeypatch):
    """Only what is missing is made, unless everything is asked for."""
    monkeypatch.setattr(recorded, "FILE", tmp_path / "recorded.json")
    monkeypatch.setattr(cast, "RECORDINGS", {"root": cast.RECORDINGS["root"]})
    recorded.FILE.write_text('{"root": "00", "chart": "01"}', encoding="utf-8")
    recorded.record()
    first = recorded.read()
    assert (first["root"], first["chart"]) == ("00", "01")
    assert len(first["hybrid"]) > 6000
    recorded.record(anew=True)
    assert recorded.read()["root"] != "00"


@pytest.mark.parametrize("case", cases(load("entries.json"), "accepted"))
def test_entries(case: dict[str, Any]):
    """The entry verifies in its seal, and a sealed body opens under what it is bound to."""
    content = load("entries.json")
    entry = entries.check_entry(case)
    assert entry.hash.hex() == case["hash"]
    assert entry.associated_data.hex() == case["associated_data"]
    assert to_json(decode(entry.wire.header)) == case["header"]
    assert entry.body.hex() == case["body"]
    if entry.header.epoch is not None and "newer" not in case["name"] and "from 64" not in case["name"]:
        key = ContentKey(bytes.fromhex(content["content_key"]))
        assert open_sealed(key, entry.body, aad=entry.associated_data).hex() == content["plaintext"]


@pytest.mark.parametrize("case", cases(load("entries.json"), "refused"))
def test_entries_that_are_refused(case: dict[str, Any]):
    """The entry does not verify."""
    refuses(entries.check_entry, case)


@pytest.mark.parametrize("case", cases(load("entries.json"), "seals", "accepted"))
def test_seals(case: dict[str, Any]):
    """The seal verifies and has this hash and these fields."""
    seal = entries.check_seal(case)
    assert seal.hash.hex() == case["hash"]
    assert to_json(decode(pack(seal.value))) == case["fields"]


@pytest.mark.parametrize("case", cases(load("entries.json"), "seals", "refused"))
def test_seals_that_are_refused(case: dict[str, Any]):
    """The seal does not verify."""
    refuses(entries.check_seal, case)


@pytest.mark.parametrize("case", cases(load("control.json"), "accepted"))
def test_control_records(case: dict[str, Any]):
    """The body is this value; what is wholly known packs to the same bytes."""
    body = bytes.fromhex(case["body"])
    record = control.check(case)
    assert to_json(decode(body)) == case["value"]
    if isinstance(record, UnknownControl):
        assert record.tag == 4096
    elif "from 64" not in case["name"]:
        assert pack_control(record) == body


@pytest.mark.parametrize("case", cases(load("control.json"), "refused"))
def test_control_records_that_are_refused(case: dict[str, Any]):
    """The body is no control record."""
    refuses(control.check, case)


@pytest.mark.parametrize("case", cases(load("invitations.json"), "accepted"))
def test_invitations(case: dict[str, Any]):
    """The request opens; both sides show this code."""
    content = load("invitations.json")
    request = invitations.check(case)
    assert to_json(decode(pack(request))) == case["request"]
    wire = unpack(WireRequest, bytes.fromhex(case["wire"]))
    invitation = unpack(Invitation, bytes.fromhex(content["invitation"]))
    assert invitation == invitations.INVITATION
    assert code_of(wire, invitation) == case["code"]
    named = bytes.fromhex(content["invitation_for_a_user_on_a_device"])
    assert unpack(Invitation, named) == invitations.NAMED
    assert wire.proof.hex() == content["proof"] == proof_of(invitation).hex()
    assert proof_digest(wire.proof).hex() == content["proof_digest"]


@pytest.mark.parametrize("case", cases(load("invitations.json"), "refused"))
def test_requests_that_are_refused(case: dict[str, Any]):
    """The request does not open."""
    refuses(invitations.check, case)


@pytest.mark.parametrize("case", cases(load("messages.json"), "accepted"))
def test_messages(case: dict[str, Any]):
    """The frame is this message, and the message this frame."""
    frame = bytes.fromhex(case["frame"])
    assert (frame[4], to_json(decode(frame[5:]))) == (case["type"], case["fields"])
    message = messages.check(case)
    assert "from 64" in case["name"] or pack_frame(message) == frame


@pytest.mark.parametrize("case", cases(load("messages.json"), "refused"))
def test_frames_that_are_refused(case: dict[str, Any]):
    """The frame is no message."""
    refuses(messages.check, case)


@pytest.mark.parametrize("case", cases(load("packs.json"), "accepted"))
def test_packs(case: dict[str, Any]):
    """The columns stand for these records and entries, and these come to the same columns."""
    proofs, wires = packs.check(case)
    assert {name: case[name] for name in ("certificates", "sessions", "seals", "entries")} == packs.stands_for(
        proofs, [*wires]
    )
    assert to_json(decode(bytes.fromhex(case["columns"]))) == case["columns_decoded"]
    again = packs.case(case["name"], packs.write(proofs, [*wires]))
    assert again == {name: case[name] for name in again}


@pytest.mark.parametrize("case", cases(load("packs.json"), "refused"))
def test_packs_that_are_refused(case: dict[str, Any]):
    """Each for its own fault."""
    refuses(packs.check, case)


@pytest.mark.parametrize("case", cases(load("bundles.json"), "accepted"))
def test_bundles(case: dict[str, Any]):
    """As far as each is readable, its entries come; how it ended is said."""
    found = bundles.check(case)
    assert found == {name: case[name] for name in found}


def test_the_whole_bundle_is_what_is_written():
    """Byte for byte, in this order of messages."""
    content = load("bundles.json")
    data = bytes.fromhex(content["bundle"])
    assert data == bundles.bundle() == bundles.of_case(content["accepted"][0])
    assert content["messages"] == bundles.kinds(data)
    assert content["accepted"][0]["ending"] == "whole"


@pytest.mark.parametrize("case", cases(load("bundles.json"), "refused"))
def test_files_that_are_no_bundle(case: dict[str, Any]):
    """Nothing of them is taken."""
    refuses(bundles.check, case)


@pytest.mark.parametrize("case", cases(load("backed_up.json"), "accepted"))
def test_statements_of_backups(case: dict[str, Any]):
    """The relay's key signed this, byte for byte."""
    said = backed_up.check(case)
    assert backed_up.told(said) == {name: case[name] for name in backed_up.told(said)}
    assert backed_up.signed(said).hex() == case["statement"]


@pytest.mark.parametrize("case", cases(load("backed_up.json"), "refused"))
def test_statements_of_backups_that_are_refused(case: dict[str, Any]):
    """Not the relay's, or no such statement."""
    refuses(backed_up.check, case)


@pytest.mark.parametrize("case", cases(load("handshake.json"), "accepted"))
def test_handshakes(case: dict[str, Any]):
    """Both sides accept, and sign these bytes."""
    record, certificate = handshake.check(case)
    assert (record.hex(), certificate.hex()) == (case["record"], case["certificate"])
    hello, answer, auth = (handshake.said(case[name]) for name in ("hello", "welcome", "auth"))
    assert handshake.signed_by_relay(hello, answer).hex() == case["relay_signs"]
    assert device_transcript(hello, answer, auth.message.address).hex() == case["device_signs"]


@pytest.mark.parametrize("case", cases(load("handshake.json"), "refused"))
def test_handshakes_that_are_refused(case: dict[str, Any]):
    """One of the two does not accept."""
    refuses(handshake.check, case)


@pytest.mark.parametrize("case", cases(load("verdicts.json"), "histories"))
def test_verdicts(case: dict[str, Any]):
    """The records verify and amount to this, in whatever order they are taken."""
    content = load("verdicts.json")
    for seed in range(3):
        shuffled = random.Random(seed).sample(case["entries"], len(case["entries"]))
        assert verdicts.summed(content, case | {"entries": shuffled}) == case["result"]


def test_derivations():
    """Ids, leaves and digests follow from their inputs; an id's other halves are nobody's."""
    content = load("derivations.json")
    for item in content["sessions"]:
        certificate, nonce = CertificateHash.parse(item["certificate"]), bytes.fromhex(item["nonce"])
        assert Session(certificate=certificate, nonce=nonce, started_ms=1).session.hex() == item["session"]
    for item in content["charts"]:
        chart = chart_id(CertificateHash.parse(item["creator"]), bytes.fromhex(item["nonce"]))
        assert (chart.hex(), control_stream(chart).hex()) == (item["chart"], item["control"])
    for item in content["streams"]:
        chart, document = ChartId.parse(item["chart"]), DocumentId.parse(item["document"])
        assert content_stream(chart, document, Compartment(item["compartment"])).hex() == item["stream"]
    for item in content["ledgers"]:
        chart = ledger_id(CertificateHash.parse(item["creator"]))
        assert (chart.hex(), audit_stream(chart, LEDGER_DOCUMENT).hex()) == (item["chart"], item["stream"])
    for item in content["seal_leaves"]:
        leaf = seal_leaf(StreamId.parse(item["stream"]), item["seq"], EntryHash.parse(item["entry"]))
        assert leaf.hex() == item["leaf"]
    assert {"frontiers", "docs", "reviews"} < set(content)
