"""The tables of docs/protocol.md say what the code says: a second implementation is written from them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from edge_runtime.facts import Content, Fact, TextUpdate
from edge_runtime.text.errors import Reason
from sync_protocol import limits
from sync_protocol.attestation import Attestation
from sync_protocol.audit import AuditRecord
from sync_protocol.backed_up import BackedUp
from sync_protocol.blobs import BlobContents, BlobReceipt
from sync_protocol.break_glass import GlassAnswer, GlassLayers, GlassRequest, GlassWrap
from sync_protocol.certificates import Certificate, RelayRecord, Root, Session
from sync_protocol.comparison_messages import StreamFrontier
from sync_protocol.control import TAGS
from sync_protocol.emergency_records import BreakGlassRecord
from sync_protocol.entries import Header, Seal, WireEntry
from sync_protocol.evidence_file import TYPES as EVIDENCE_TYPES
from sync_protocol.evidence_file import Trailer
from sync_protocol.exchange_states import DEVICE_ACCEPTS, RELAY_ACCEPTS
from sync_protocol.glass_news import GlassFrontier, GlassNews
from sync_protocol.greeting_messages import NoteProof
from sync_protocol.invitations import Invitation, Request, WireRequest
from sync_protocol.key_wrap import WrapContext
from sync_protocol.labels import Label
from sync_protocol.log_messages import Backed, Growth, Leaf
from sync_protocol.messages import TYPES
from sync_protocol.note_file import NoteEntry, NoteFile, NoteReceipt, NoteText, NoteTrailer
from sync_protocol.organisation_file import OrganisationFile
from sync_protocol.pack_columns import PackColumns
from sync_protocol.peer_states import PEER_ACCEPTS
from sync_protocol.revocation import Revocation
from sync_protocol.roles import READABLE, Role
from sync_protocol.signed import Envelope
from sync_protocol.steps import ALARMS

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "protocol.md"
RECORDS: Final[tuple[type, ...]] = (
    Envelope,
    Root,
    Certificate,
    RelayRecord,
    Session,
    OrganisationFile,
    Header,
    WireEntry,
    Seal,
    WrapContext,
    Content,
    Fact,
    TextUpdate,
    AuditRecord,
    Leaf,
    NoteProof,
    Growth,
    Backed,
    BackedUp,
    StreamFrontier,
    PackColumns,
    Invitation,
    Request,
    WireRequest,
    *TAGS.values(),
    *TYPES.values(),
    BlobContents,
    BlobReceipt,
    *EVIDENCE_TYPES.values(),
    Trailer,
    Revocation,
    BreakGlassRecord,
    GlassWrap,
    GlassRequest,
    GlassAnswer,
    GlassLayers,
    GlassNews,
    GlassFrontier,
    Attestation,
    NoteFile,
    NoteText,
    NoteEntry,
    NoteReceipt,
    NoteTrailer,
)
_HEADING: Final = re.compile(r"#### (?:(\d+) )?`(\w+)`")


class Documented(NamedTuple):
    """What the document says of one record: its tag or type, and (number, name, optional) of each field."""

    number: int | None
    fields: list[tuple[int, str, bool]]


def cells(line: str) -> list[str]:
    """The cells of a table's row; a bar that is escaped is no border."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def table(head: str) -> list[list[str]]:
    """The rows under the one table whose first column is called `head`."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    (start,) = (at for at, line in enumerate(lines) if line.startswith(f"| {head} |"))
    return list(rows(lines[start + 2 :]))


def rows(lines: list[str]) -> Iterator[list[str]]:
    """The rows until the table ends."""
    for line in lines:
        if not line.startswith("|"):
            return
        yield cells(line)


def records() -> dict[str, Documented]:
    """Every record of the document, by name."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    found: dict[str, Documented] = {}
    for at, line in enumerate(lines):
        heading = _HEADING.fullmatch(line)
        if heading is None:
            continue
        number, name = heading.groups()
        assert name not in found, f"{name} is described twice"
        start = next(row for row in range(at, len(lines)) if lines[row].startswith("| key |"))
        fields = [(int(row[0]), row[1], row[2].endswith("?`")) for row in rows(lines[start + 2 :])]
        found[name] = Documented(None if number is None else int(number), fields)
    return found


def declared(kind: type) -> list[tuple[int, str, bool]]:
    """The fields of a record as the code declares them, in order of number."""
    fields = dataclasses.fields(kind)
    return sorted((one.metadata["key"], one.name, one.metadata["codec"].optional) for one in fields)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_fields_are_those_of_the_code(kind: type):
    """Each record's table has every field with its number and name, and marks those that may be absent."""
    assert records()[kind.__name__].fields == declared(kind)


def test_no_other_records_are_described():
    """A record that the document describes is one that the code has."""
    assert set(records()) == {kind.__name__ for kind in RECORDS}


@pytest.mark.parametrize("numbers", [TAGS, TYPES], ids=["control", "messages"])
def test_tags_and_types_are_those_of_the_code(numbers: Mapping[int, type]):
    """The number before a control record's or message's name is its wire tag or type."""
    found = records()
    assert {found[kind.__name__].number: kind.__name__ for kind in numbers.values()} == {
        number: kind.__name__ for number, kind in numbers.items()
    }


def test_frames_of_evidence_are_those_of_the_code():
    """They are numbered apart from messages, in a table of their own."""
    assert {int(row[1]): row[0] for row in table("frame")} == {
        number: kind.__name__ for number, kind in EVIDENCE_TYPES.items()
    }


def test_labels_are_those_of_the_code():
    """The table of labels has all of them, byte by byte, in the same order."""
    shown = [(name, value.strip("`").replace(r"\0", "\0").encode()) for name, value, _ in table("label")]
    assert shown == [(label.name, label.value) for label in Label]


def test_limits_are_those_of_the_code():
    """The table of limits has every limit with its value."""
    declared_limits = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert {name: int(value) for name, value, _ in table("limit")} == declared_limits


@pytest.mark.parametrize(
    ("head", "accepts"),
    [("device's state", DEVICE_ACCEPTS), ("relay's state", RELAY_ACCEPTS), ("peer's state", PEER_ACCEPTS)],
    ids=["device", "relay", "peer"],
)
def test_states_accept_what_the_code_accepts(head: str, accepts: Mapping[Enum, frozenset[type[Any]]]):
    """The tables of exchange and meeting name, state by state, exactly the messages that may come."""
    shown = {state: set() if names == "nothing" else set(names.split(", ")) for state, names in table(head)}
    assert shown == {state.name: {kind.__name__ for kind in kinds} for state, kinds in accepts.items()}


def test_reasons_of_refused_text_are_those_of_the_code():
    """The list of reasons is closed, so the document has all and no others."""
    assert {name.strip("`") for name, _ in table("reason")} == {reason.value for reason in Reason}


def test_alarms_are_those_of_the_code():
    """Every alarm that an exchange can raise is explained."""
    codes = [name.strip("`") for name, _ in table("code")]
    assert codes == list(ALARMS)


def test_every_role_is_named():
    """The section on keys names every role of a certificate."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("## 12. Keys")[2].partition("\n\n**Validity")[0]
    assert {role.value for role in Role} == {role.value for role in READABLE}
    assert set(re.findall(r"`([a-z_]+)`", section)) == {role.value for role in Role}


def test_limits_that_the_text_names_exist():
    """A limit that a rule relies on has a row in the table."""
    named = set(re.findall(r"\b[A-Z][A-Z_]*_(?:MAX|BYTES|IN_FRAME)\b", DOCUMENT.read_text(encoding="utf-8")))
    assert named <= {name for name in vars(limits) if name.isupper()}


def test_vectors_that_the_text_names_exist():
    """Every file of vectors that the text points to is there."""
    folder = Path(__file__).parents[2] / "vectors"
    named = set(re.findall(r"`(\w+\.json)`", DOCUMENT.read_text(encoding="utf-8")))
    assert named
    assert {name for name in named if not (folder / name).is_file()} == set()
