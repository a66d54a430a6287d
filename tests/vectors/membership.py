"""Vectors for membership: small histories of a chart's control entries and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sync_protocol.control import (
    LEDGER_DOCUMENT,
    LEDGER_NONCE,
    AddMember,
    Control,
    CreateChart,
    CreateDocument,
    MintEpoch,
    Rewrap,
    chart_id,
    ledger_id,
    pack_control,
    unpack_control,
)
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, Hash
from sync_protocol.limits import WRAP_BYTES
from sync_protocol.membership import ControlEntry, Membership, replay
from sync_protocol.roles import Compartment, Role
from tests.vectors.cast import draw

SAFETY, CLINICAL, SENSITIVE, AUDIT = Compartment
NONCE = draw("chart", 16)
CREATOR, DOCTOR, NURSE, STRANGER, UNKNOWN, OFFICER, ADMIN = (
    CertificateHash(draw(name)) for name in ("creator", "doctor", "nurse", "stranger", "unknown", "officer", "admin")
)
ROLES = {
    CREATOR: Role.NURSE,
    DOCTOR: Role.PHYSICIAN,
    NURSE: Role.NURSE,
    STRANGER: Role.PHYSICIAN,
    OFFICER: Role.COMPLIANCE_OFFICER,
    ADMIN: Role.ADMIN,
}
CHART = chart_id(CREATOR, NONCE)

Line = tuple[str, CertificateHash, Control | bytes, tuple[str, ...]]
"""A name, an author, a record or an undecodable body, the names of the parents."""
LEDGER: Line = ("birth", ADMIN, CreateChart(nonce=LEDGER_NONCE, document=LEDGER_DOCUMENT), ())
BIRTH: Line = ("birth", CREATOR, CreateChart(nonce=NONCE, document=DocumentId(draw("document", 16))), ())


def add(name: CertificateHash, *compartments: Compartment) -> AddMember:
    """An addition."""
    return AddMember(certificate=name, compartments=compartments or tuple(Compartment))


def mint(compartment: Compartment, *recipients: CertificateHash, parents: Iterable[str] = ()) -> MintEpoch:
    """An epoch; its wraps are of the right length and open for nobody."""
    return MintEpoch(
        compartment=compartment,
        parents=tuple(sorted(EntryHash(draw(f"entry {parent}")) for parent in parents)),
        commitment=Hash(draw("commitment")),
        nonce=draw("nonce"),
        wraps=tuple((name, bytes(WRAP_BYTES)) for name in recipients),
    )


HISTORIES: dict[str, list[Line]] = {
    "a chart alone": [BIRTH],
    "nothing creates it": [("a", STRANGER, CreateChart(nonce=NONCE, document=DocumentId(bytes(16))), ())],
    "members grant what they read themselves, the creator everything": [
        BIRTH,
        ("a", CREATOR, add(DOCTOR, SAFETY), ("birth",)),
        ("b", DOCTOR, add(DOCTOR), ("a",)),
        ("c", DOCTOR, add(NURSE), ("a",)),
        ("d", STRANGER, add(STRANGER), ("a",)),
        ("e", CREATOR, add(UNKNOWN), ("a",)),
    ],
    "a later grant reaches those whom its owner had added": [
        BIRTH,
        ("a", CREATOR, add(DOCTOR, SAFETY), ("birth",)),
        ("b", DOCTOR, add(NURSE), ("a",)),
        ("c", CREATOR, add(DOCTOR), ("b",)),
    ],
    "epochs are judged by what their minters had seen": [
        BIRTH,
        ("a", CREATOR, add(NURSE), ("birth",)),
        ("before", CREATOR, mint(SAFETY, CREATOR), ("birth",)),
        ("after", CREATOR, mint(SAFETY, CREATOR, NURSE, parents=("before",)), ("a", "before")),
        ("careless", CREATOR, mint(SAFETY, CREATOR), ("a",)),
        ("generous", CREATOR, mint(SAFETY, CREATOR, NURSE, STRANGER), ("a",)),
        ("foreign", STRANGER, mint(SAFETY, CREATOR, NURSE), ("a",)),
    ],
    "a minter must be a reader": [
        BIRTH,
        ("a", CREATOR, add(DOCTOR), ("birth",)),
        ("spy", CREATOR, mint(SENSITIVE, DOCTOR), ("a",)),
        ("fair", DOCTOR, mint(SENSITIVE, DOCTOR), ("a",)),
    ],
    "documents, a rewrap, an undecodable body and a missing parent": [
        BIRTH,
        ("a", CREATOR, CreateDocument(document=DocumentId(draw("second document", 16))), ("birth", "never seen")),
        ("b", CREATOR, b"\xff", ("a",)),
        ("c", CREATOR, mint(CLINICAL, CREATOR), ("b",)),
        ("d", CREATOR, add(NURSE), ("c",)),
        ("e", CREATOR, Rewrap(epoch=EntryHash(draw("entry c")), wraps=((NURSE, bytes(WRAP_BYTES)),)), ("d",)),
        ("f", STRANGER, CreateDocument(document=DocumentId(bytes(16))), ("birth",)),
    ],
    "a compliance officer reads the audit stream alone, and grants no more": [
        BIRTH,
        ("a", CREATOR, add(OFFICER), ("birth",)),
        ("b", OFFICER, add(DOCTOR), ("a",)),
        ("c", CREATOR, mint(AUDIT, CREATOR, OFFICER, DOCTOR), ("b",)),
    ],
    "a ledger is its audit stream, its creator's whatever the role": [
        LEDGER,
        ("a", ADMIN, add(OFFICER), ("birth",)),
        ("b", ADMIN, add(DOCTOR), ("a",)),
        ("c", ADMIN, mint(AUDIT, ADMIN, OFFICER, DOCTOR), ("b",)),
        ("d", ADMIN, mint(CLINICAL, ADMIN, OFFICER, DOCTOR), ("b",)),
    ],
}


def named(name: str) -> EntryHash:
    """The hash that stands for an entry."""
    return EntryHash(draw(f"entry {name}"))


def written(line: Line) -> dict[str, Any]:
    """A control entry as it is written."""
    name, author, record, parents = line
    body = record if isinstance(record, bytes) else pack_control(record)
    return {
        "name": name,
        "entry": named(name).hex(),
        "author": author.hex(),
        "parents": [named(parent).hex() for parent in parents],
        "body": body.hex(),
    }


def read(item: dict[str, Any]) -> ControlEntry:
    """The entry of one line."""
    try:
        record = unpack_control(bytes.fromhex(item["body"]))
    except PeerError:
        record = None
    return ControlEntry(
        hash=EntryHash.parse(item["entry"]),
        parents=tuple(map(EntryHash.parse, item["parents"])),
        author=CertificateHash.parse(item["author"]),
        record=record,
    )


def summed(entries: Iterable[dict[str, Any]], chart: str, roles: dict[str, str]) -> dict[str, Any] | None:
    """What entries add up to, as it is written."""
    found = replay(
        map(read, entries),
        ChartId.parse(chart),
        {CertificateHash.parse(name): Role(role) for name, role in roles.items()},
    )
    return None if found is None else _written(found)


def _written(found: Membership) -> dict[str, Any]:
    return {
        "creator": found.creator.hex(),
        "members": {name.hex(): sorted(map(int, reads)) for name, reads in sorted(found.members.items())},
        "documents": [document.hex() for document in found.documents],
        "heads": [head.hex() for head in found.heads],
        "epochs": {
            name.hex(): {
                "valid": epoch.valid,
                "recipients": sorted(recipient.hex() for recipient in epoch.wraps),
            }
            for name, epoch in sorted(found.epochs.items())
        },
        "candidates": {
            str(int(compartment)): [epoch.id.hex() for epoch in found.writing_candidates(compartment)]
            for compartment in Compartment
        },
    }


def make() -> dict[str, Any]:
    """Histories and what they add up to, in whatever order the entries are taken."""
    roles = {name.hex(): role.value for name, role in ROLES.items()}
    histories = []
    for name, lines in HISTORIES.items():
        entries, chart = [written(line) for line in lines], ledger_id(ADMIN) if LEDGER in lines else CHART
        membership = summed(entries, chart.hex(), roles)
        histories.append({"name": name, "chart": chart.hex(), "entries": entries, "membership": membership})
    return {
        "about": "A chart's control entries, each with its hash, author, parents and body, and the membership that any "
        "order of them adds up to; null where nothing creates the chart. Compartments are 1 to 4.",
        "roles": roles,
        "histories": histories,
    }
