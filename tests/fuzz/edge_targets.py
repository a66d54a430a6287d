"""Targets of the device: what is opened, imported, restored, typed in from paper, or said by a host.

Owns stand-ins for secrets only: a key store that unwraps to a known key, so that what lies behind it is reached.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

from edge_runtime.backup.home import Manifest, read_backup
from edge_runtime.backup.sealed_file import write_sealed
from edge_runtime.break_glass.token import read_public
from edge_runtime.enrolment.answers import read_wires
from edge_runtime.enrolment.invitations import read_invitation, write_invitation
from edge_runtime.errors import EdgeError, InputError, VaultError
from edge_runtime.facts import Content, Fact, FactId, TextUpdate, pack_content, unpack_content
from edge_runtime.fhir.reading.records import read_resources
from edge_runtime.recovery.sheets import read_sheet
from edge_runtime.recovery.words import LiveShare
from edge_runtime.sections import start_of
from edge_runtime.vault.keys import DataKey
from mobile_bridge.errors import BridgeError
from mobile_bridge.frames import MAJOR, Frame, Kind, pack_frame, unpack_frame
from sync_protocol.encoding import Value, encode
from sync_protocol.errors import PeerError
from sync_protocol.ids import DeviceId, EntryHash, OrganisationId
from sync_protocol.invitations import Invitation
from sync_protocol.records import pack, unpack
from tests.fuzz.seeds import harvest, vector
from tests.fuzz.target import ACCEPTED, Target

_KEY: Final = bytes(range(32))


class OpenStore:
    """A key store without a lock: what it wraps, it unwraps to the same key."""

    kind = "open"

    def wrap(self, key: DataKey, *, bound: bytes, entropy: Callable[[int], bytes]) -> bytes:  # noqa: ARG002 the port's
        """Hand out something."""
        return b"wrapped"

    def burn(self) -> None:
        """Nothing to burn."""

    def unwrap(self, wrapped: bytes, *, bound: bytes) -> DataKey:  # noqa: ARG002 the port's
        """Hand out the key."""
        return DataKey(_KEY)


def _known_key(size: int) -> bytes:
    return _KEY[:size]


def bridge_frames() -> Target:
    """What a host says."""

    def run(data: bytes) -> str:
        frame = unpack_frame(data)
        assert unpack_frame(pack_frame(frame)) == frame, "a frame comes back"
        return ACCEPTED

    bodies: tuple[dict[str, Value], ...] = (
        {"chart": "0" * 32},
        {"passphrase": "x", "user": None},
        {"facts": [{"kind": "allergy", "payload": {}}]},
    )
    frames = [
        Frame(v=MAJOR, id=7, kind=Kind.REQ, op="chart.open", body=body, seq=None, deadline_ms=1000) for body in bodies
    ]
    frames += [
        Frame(v=MAJOR, id=7, kind=Kind.CREDIT, op=None, body=None, seq=4, deadline_ms=None),
        Frame(v=MAJOR, id=7, kind=Kind.CANCEL, op=None, body=None, seq=None, deadline_ms=None),
    ]
    return Target(seeds=[pack_frame(frame) for frame in frames], decode=run, refusals=(BridgeError,))


def contents() -> Target:
    """What stands in a sealed body: facts, or a text update, or the start of a text."""

    def run(data: bytes) -> str:
        for fact in unpack_content(data).facts or ():
            start_of(fact)
        return ACCEPTED

    start: dict[str, Value] = {"section": "plan", "text": "Ringer 500 ml", "replaces": [bytes(32)]}
    facts = (
        Fact(kind="allergy", payload={"substance": "Penicillin", "severity": 2}, supersedes=()),
        Fact(kind="text_start", payload=start, supersedes=(FactId(EntryHash(bytes(32)), 0),)),
    )
    update = TextUpdate(section="plan", update=b"\1\1\t\0\4\1\4text\1a\0", start=None)
    seeds = [pack_content(Content(facts=facts, text=None)), pack_content(Content(facts=None, text=update))]
    return Target(seeds=seeds, decode=run)


def enrolment() -> Target:
    """Answers of a relay to somebody who enrols: lists of records."""
    seeds = [encode([*harvest()[start : start + 4]]) for start in range(0, 40, 4)]

    def run(data: bytes) -> str:
        read_wires(data, items_max=64)
        return ACCEPTED

    return Target(seeds=seeds, decode=run)


def invitations() -> Target:
    """A line from a file, a code or paper."""
    invitation = unpack(Invitation, vector("invitations", "invitation")[0])

    def run(data: bytes) -> str:
        read_invitation(data.decode("utf-8", "surrogateescape"))
        return ACCEPTED

    return Target(seeds=[write_invitation(invitation).encode()], decode=run, refusals=(InputError,))


def paper() -> Target:
    """Words of a recovery sheet, and a token's public line."""
    from shamir_mnemonic import generate_mnemonics

    shares = generate_mnemonics(1, [(3, 5)], bytes(range(32)), extendable=True, iteration_exponent=1)[0]

    def run(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        try:
            read_public(text)
        except InputError:
            read_sheet(text, LiveShare)
        return ACCEPTED

    sheets = [f"LIVE WORDS (for the real thing)\n{share}\nCheck: 12ab-34cd\n" for share in shares]
    return Target(seeds=[text.encode() for text in (*shares, *sheets)], decode=run, refusals=(InputError,))


def backups() -> Target:
    """A backup's file: with a first byte 0 as it lies on a stick, with another what stands behind the seal."""
    manifest = Manifest(
        schema=1,
        organisation=OrganisationId(bytes(16)),
        device=DeviceId(bytes(16)),
        made_ms=1,
        store_bytes=9,
        data_key=_KEY,
    )
    head = pack(manifest)
    inside = len(head).to_bytes(4, "big") + head + b"not a db!"

    def run(data: bytes) -> str:
        file = io.BytesIO(data[1:])
        if data[:1] != b"\0":
            file = _sealed(data[1:])
        read_backup(file, OpenStore())
        return ACCEPTED

    seeds = [b"\0" + _sealed(inside).getvalue(), b"\1" + inside]
    return Target(seeds=seeds, decode=run, refusals=(InputError, VaultError), prefix=5)


def _sealed(plain: bytes) -> io.BytesIO:
    out = io.BytesIO()
    write_sealed(out, [plain], OpenStore(), _known_key)
    return out


def imports() -> Target:
    """Files of other programs: FHIR resources as JSON, NDJSON, packed or not."""

    def run(data: bytes) -> str:
        records = list(read_resources(io.BytesIO(data[1:]), "x.ndjson" if data[:1] == b"n" else "x.json"))
        return ACCEPTED if records else "nothing"

    patient = b'{"resourceType": "Patient", "id": "p1", "name": [{"family": "\xc3\x96zil", "given": ["A"]}]}'
    other = b'{"resourceType":"AllergyIntolerance","code":{"text":"Penicillin"},"patient":{"reference":"Patient/p1"}}'
    bundle = b'{"resourceType":"Bundle","entry":[{"fullUrl":"urn:x","resource":' + patient + b"}]}"
    import gzip

    seeds = [b"j" + patient, b"j" + bundle, b"n" + patient + b"\n" + other, b"n" + gzip.compress(patient, mtime=0)]
    return Target(seeds=seeds, decode=run, refusals=(EdgeError, PeerError))
