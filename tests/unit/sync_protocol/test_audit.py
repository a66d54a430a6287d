"""Audit records: one act each, in a form that every reader takes, with a risk that follows from what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import audit
from sync_protocol.audit import (
    BULK,
    CATALOGUE,
    KINDS,
    AuditRecord,
    Purpose,
    Result,
    Risk,
    Stands,
    audit_record,
    pack_audit,
    risk_of,
    unpack_audit,
)
from sync_protocol.encoding import encode
from sync_protocol.errors import LimitError, MalformedError
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, SessionId, StreamId, UserId
from sync_protocol.limits import AUDIT_CHARTS_MAX, AUDIT_FIELDS_MAX, AUDIT_HEADS_MAX, AUDIT_SEEN_MAX, BODY_BYTES_MAX
from sync_protocol.records import to_map
from sync_protocol.roles import Compartment
from sync_protocol.sealing import sealed_size
from tests.unit.sync_protocol import audit_table

RECORDED = [kind for kind in CATALOGUE if kind.stands is not Stands.DERIVED]
FULL = audit_record(
    "data_accessed",
    purpose=Purpose.TELEMEDICINE,
    result=Result.REFUSED,
    fields=("identity", "text.plan"),
    compartments=(Compartment.SENSITIVE, Compartment.SAFETY),
    charts=(ChartId(b"d" * 16), ChartId(b"c" * 16)),
    documents=(DocumentId(b"e" * 16),),
    seen=(EntryHash(b"2" * 32), EntryHash(b"1" * 32), EntryHash(b"2" * 32)),
    heads=((StreamId(b"s" * 16), (SessionId(b"t" * 16), (7, EntryHash(b"h" * 32)))),),
    peer=CertificateHash(b"p" * 32),
    note=b"a note",
    count=3,
    detail={"format": "pdf", "reason": "Überweisung"},
    checks=("membership", "keys"),
    behalf=UserId(b"u" * 16),
)

FIELDS: Any = to_map(FULL)


def some(name: str = "data_accessed", **stated: Any) -> AuditRecord:
    """A record for treatment that says no more than is asked."""
    return audit_record(name, purpose=stated.pop("purpose", Purpose.TREATMENT), **stated)


def test_codes_and_names_are_given_once():
    """A code on the wire means one kind for ever; derived kinds have none, so they never travel."""
    codes = [kind.code for kind in RECORDED]
    assert len(set(codes)) == len(codes)
    assert all(codes)
    assert all(kind.code == 0 for kind in CATALOGUE if kind.stands is Stands.DERIVED)
    assert len(KINDS) == len(CATALOGUE)
    assert {kind.action for kind in CATALOGUE} <= set("CRUDE")


@pytest.mark.parametrize("kind", RECORDED, ids=lambda kind: kind.name)
def test_every_kind_that_is_recorded_survives_the_journey(kind: audit.AuditKind):
    """And is known again by its code."""
    record = some(kind.name)
    assert unpack_audit(pack_audit(record)) == record
    assert record.kind is kind


@pytest.mark.parametrize("kind", [kind for kind in CATALOGUE if kind.stands is Stands.DERIVED], ids=lambda k: k.name)
def test_a_derived_kind_has_no_record(kind: audit.AuditKind):
    """The content or control entry is the record; a second one could contradict it."""
    with pytest.raises(AssertionError):
        some(kind.name)


def test_a_whole_record_survives_the_journey():
    """Sets are put in order and what is named twice counts once, so that readers take what the author packs."""
    again = unpack_audit(pack_audit(FULL))
    assert again == FULL
    assert again.charts == (ChartId(b"c" * 16), ChartId(b"d" * 16))
    assert again.seen == (EntryHash(b"1" * 32), EntryHash(b"2" * 32))
    assert again.compartments == (Compartment.SAFETY, Compartment.SENSITIVE)
    assert dict(again.detail) == {"format": "pdf", "reason": "Überweisung"}


HASHES = st.binary(min_size=32, max_size=32).map(EntryHash)
HEADS = st.tuples(
    st.binary(min_size=16, max_size=16).map(StreamId),
    st.tuples(st.binary(min_size=16, max_size=16).map(SessionId), st.tuples(st.integers(0, 1 << 40), HASHES)),
)


@given(st.lists(HASHES, max_size=8), st.lists(HEADS, max_size=8).map(lambda heads: heads + heads[:2]))
def test_any_heads_and_entries_seen_survive_the_journey(seen: list[EntryHash], heads: list[audit.Head]):
    """Whatever order they were met in, and however often."""
    heads = [head for head in heads if head[1][1][0] < 1 << 40]
    record = some("met_peer", seen=tuple(seen), heads=tuple(heads))
    assert unpack_audit(pack_audit(record)) == record


def test_a_kind_of_a_newer_version_is_kept_as_unknown():
    """It is read, judged by its circumstances and shown; nothing of it is lost."""
    newer = replace(FULL, code=900)
    again = unpack_audit(pack_audit(newer))
    assert again == newer
    assert again.kind is KINDS["unknown"]
    assert risk_of(again) is Risk.CRITICAL


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\xff",
        pack_audit(FULL) + b"\0",
        encode({}),
        encode({**FIELDS, 2: "curiosity"}),
        encode({**FIELDS, 3: "perhaps"}),
        encode({**FIELDS, 8: [b"2" * 32, b"1" * 32]}),
        encode({**FIELDS, 16: 0}),
    ],
    ids=["nothing", "noise", "trailing", "empty", "purpose", "result", "order", "critical key"],
)
def test_what_is_no_record_is_malformed(plain: bytes):
    """Nothing is guessed."""
    with pytest.raises(MalformedError):
        unpack_audit(plain)


@pytest.mark.parametrize(
    "stated",
    [
        {"fields": ("x",) * (AUDIT_FIELDS_MAX + 1)},
        {"charts": tuple(ChartId(n.to_bytes(16, "big")) for n in range(AUDIT_CHARTS_MAX + 1))},
        {"seen": tuple(EntryHash(n.to_bytes(32, "big")) for n in range(AUDIT_SEEN_MAX + 1))},
        {"note": b"x" * (1 << 16)},
    ],
    ids=["fields", "charts", "seen", "note"],
)
def test_an_author_is_held_to_every_limit(stated: dict[str, Any]):
    """Before anything is sealed."""
    with pytest.raises(LimitError):
        pack_audit(some(**stated))


def test_the_greatest_meeting_fits_an_entry():
    """A meeting names so many heads and a checkpoint, and its body still travels."""
    heads = tuple(
        (StreamId(n.to_bytes(16, "big")), (SessionId(b"t" * 16), ((1 << 40) - 1, EntryHash(b"h" * 32))))
        for n in range(AUDIT_HEADS_MAX)
    )
    plain = pack_audit(some("met_peer", heads=heads, peer=CertificateHash(b"p" * 32), note=b"n" * (32 * 1024)))
    assert sealed_size(len(plain)) <= BODY_BYTES_MAX


@pytest.mark.parametrize(
    ("stated", "risk"),
    [
        ({}, Risk.LOW),
        ({"compartments": (Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT)}, Risk.LOW),
        ({"compartments": (Compartment.SENSITIVE,)}, Risk.MEDIUM),
        ({"result": Result.REFUSED}, Risk.MEDIUM),
        ({"result": Result.FAILED}, Risk.MEDIUM),
        ({"count": BULK - 1}, Risk.LOW),
        ({"count": BULK}, Risk.MEDIUM),
        ({"charts": tuple(ChartId(n.to_bytes(16, "big")) for n in range(BULK))}, Risk.MEDIUM),
        ({"purpose": Purpose.OPERATIONS}, Risk.LOW),
        ({"purpose": Purpose.COMPLIANCE}, Risk.LOW),
        ({"purpose": Purpose.LEGAL}, Risk.MEDIUM),
        ({"purpose": Purpose.RESEARCH}, Risk.MEDIUM),
        ({"purpose": Purpose.AI_TRAINING}, Risk.MEDIUM),
        ({"purpose": Purpose.PATIENT_REQUEST}, Risk.MEDIUM),
        ({"purpose": Purpose.EMERGENCY}, Risk.HIGH),
        ({"purpose": Purpose.RESEARCH, "count": BULK}, Risk.HIGH),
        ({"purpose": Purpose.RESEARCH, "count": BULK, "compartments": (Compartment.SENSITIVE,)}, Risk.CRITICAL),
    ],
)
def test_a_read_is_as_risky_as_its_circumstances_make_it(stated: dict[str, Any], risk: Risk):
    """From the kind's own level, one step for each circumstance; in an emergency somebody must look."""
    assert risk_of(some(**stated)) is risk


def test_risk_ends_at_critical():
    """However much comes together."""
    record = some(
        "exported",
        purpose=Purpose.RESEARCH,
        result=Result.FAILED,
        count=BULK,
        compartments=(Compartment.SENSITIVE,),
    )
    assert risk_of(record) is Risk.CRITICAL
    assert risk_of(some("break_glass", purpose=Purpose.EMERGENCY)) is Risk.CRITICAL


def test_the_document_has_the_catalogue():
    """`python -m tests.unit.sync_protocol.audit_table` writes it anew."""
    assert audit_table.written() == audit_table.rows()
