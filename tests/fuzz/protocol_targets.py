"""Targets of the core: encodings, frames, records, entries, notes, evidence, bundles, packs.

Owns what is asserted of what is accepted: it encodes to the same bytes again, and fast readers agree with plain ones.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import sync_protocol
from sync_protocol import records
from sync_protocol.audit import AuditRecord, Purpose, Result, pack_audit, unpack_audit
from sync_protocol.bundle import BundleReader
from sync_protocol.certificates import open_relay, open_root
from sync_protocol.checkpoints import open_checkpoint
from sync_protocol.control import unpack_control
from sync_protocol.emergency_records import open_break_glass, open_recovery
from sync_protocol.encoding import decode, encode
from sync_protocol.entries import open_seal, read_header
from sync_protocol.errors import MisuseError, PeerError
from sync_protocol.evidence_file import pack_evidence, unpack_evidence
from sync_protocol.evidence_verification import verify_evidence
from sync_protocol.frames import FrameReader, pack_frame, unpack_frame
from sync_protocol.header_reading import read_header_fast
from sync_protocol.ids import ChartId, EntryHash
from sync_protocol.limits import PACK_BYTES_MAX
from sync_protocol.notes import open_note
from sync_protocol.organisation_file import make_organisation_file, open_organisation_file
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_numbers import deflate, inflate
from sync_protocol.pack_planning import PackedEntry
from sync_protocol.pack_reading import read_pack
from sync_protocol.packs import split_packs
from sync_protocol.piece_reading import unpack_evidence_fast
from sync_protocol.sealing import ContentKey, open_disclosed, open_sealed
from sync_protocol.signing import VerifyKey
from sync_protocol.tiles import decode_bundle
from tests.fuzz.seeds import harvest, vector
from tests.fuzz.target import ACCEPTED, Target
from tests.support.people import Organisation

_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = 5
_KIND_BYTES: Final = 2
_BODY_BYTES: Final = 65_536


@cache
def _organisation() -> Organisation:
    return Organisation.make(5)


def cbor() -> Target:
    """The decoder under everything."""

    def run(data: bytes) -> str:
        assert encode(decode(data)) == data, "one value, one encoding"
        return ACCEPTED

    return Target(seeds=harvest(), decode=run)


def frames() -> Target:
    """Every message; a pack is also opened."""
    from tests.unit.sync_protocol.messages_samples import SAMPLES

    def run(data: bytes) -> str:
        message = unpack_frame(data)
        assert unpack_frame(pack_frame(message)) == message, "what was read is written and read again"
        if isinstance(message, Pack):
            read_pack(message)
        return ACCEPTED

    samples = [pack_frame(message) for message in SAMPLES]
    return Target(seeds=[*samples, *vector("messages", "frame")], decode=run, prefix=_HEAD_BYTES, mend=_with_length)


def _with_length(data: bytes) -> bytes:
    """The same frame with a length that is true, two times of three."""
    if len(data) < _LENGTH_BYTES or sum(data[_LENGTH_BYTES : _LENGTH_BYTES + 64]) % 3 == 0:
        return data
    return _measured(data)


def _measured(data: bytes) -> bytes:
    return (len(data) - _LENGTH_BYTES).to_bytes(_LENGTH_BYTES, "big") + data[_LENGTH_BYTES:]


def frame_stream() -> Target:
    """Frames one after the other, cut anywhere, as a transport brings them."""
    from tests.unit.sync_protocol.messages_samples import SAMPLES

    whole = b"".join(pack_frame(message) for message in SAMPLES[:12])

    def run(data: bytes) -> str:
        reader, found = FrameReader(), 0
        for start in range(0, len(data), 1000):
            for frame in reader.feed(data[start : start + 1000]):
                found += 1
                unpack_frame(frame)
        reader.end()
        return ACCEPTED if found else "nothing"

    return Target(seeds=[whole, whole[: len(whole) // 2]], decode=run)


def _kinds() -> Iterator[type]:
    """Every record class of the core."""
    for module in sorted(each.name for each in pkgutil.iter_modules(sync_protocol.__path__)):
        for name, kind in sorted(vars(importlib.import_module(f"sync_protocol.{module}")).items()):
            if (
                isinstance(kind, type)
                and kind.__module__ == f"sync_protocol.{module}"
                and dataclasses.is_dataclass(kind)
            ):
                fields = dataclasses.fields(kind)
                if fields and all(field.metadata.get("key") for field in fields) and name == kind.__name__:
                    yield kind


def record_kinds() -> list[type]:
    """Every record class of the core, in a fixed order."""
    return list(_kinds())


def all_records() -> Target:
    """Every record class, on whatever in the vectors is one; the first two bytes choose the class."""
    kinds, seeds = record_kinds(), []
    for number, kind in enumerate(kinds):
        fitting = [data for data in harvest() if _is(kind, data)][:6]
        seeds += [number.to_bytes(_KIND_BYTES, "big") + data for data in fitting or harvest()[:2]]

    def run(data: bytes) -> str:
        kind = kinds[int.from_bytes(data[:_KIND_BYTES], "big") % len(kinds)]
        record: object = records.unpack(kind, data[_KIND_BYTES:])
        try:
            again = records.pack(record)
        except MisuseError:  # what a later version added is not written again
            return "newer"
        assert again == data[_KIND_BYTES:] or len(again) < len(data) - _KIND_BYTES, "one record, one encoding"
        return ACCEPTED

    return Target(seeds=seeds, decode=run, prefix=_KIND_BYTES)


def _is(kind: type, data: bytes) -> bool:
    try:
        records.unpack(kind, data)
    except PeerError:
        return False
    return True


def control() -> Target:
    """Bodies of control entries."""
    return Target(seeds=vector("control", "body"), decode=_accepts(unpack_control))


def audit() -> Target:
    """Bodies of audit entries."""
    record = AuditRecord(
        code=1,
        purpose=Purpose.TREATMENT,
        result=next(iter(Result)),
        fields=("name", "allergies"),
        compartments=(),
        charts=(ChartId(bytes(16)),),
        documents=(),
        seen=(EntryHash(bytes(32)),),
        heads=(),
        note=b"note",
        count=3,
        detail=(("file", "x"),),
        checks=("ok",),
    )
    return Target(seeds=[pack_audit(record)], decode=_accepts(unpack_audit))


def headers() -> Target:
    """Headers of entries: the fast reader and the plain one accept the same, and read the same."""

    def run(data: bytes) -> str:
        fast = _reads(read_header_fast, data)
        try:
            plain = read_header(data)
        except PeerError:
            assert not fast, "the fast reader takes what the plain one refuses"
            raise
        assert fast, "the fast reader refuses what the plain one takes"
        assert read_header_fast(data) == plain, "both read the same"
        return ACCEPTED

    return Target(seeds=[data for data in harvest() if _reads(read_header, data)][:60], decode=run)


def signed() -> Target:
    """Seals, roots, relays and emergency records, each by whoever may sign it; the first byte chooses."""
    organisation = _organisation()
    root, signer = organisation.root, VerifyKey(bytes.fromhex(vector("signing", "public")[0].hex()))
    readers: list[Callable[[bytes], object]] = [
        lambda wire: open_root(wire, expected=None),
        lambda wire: open_seal(wire, signer),
        lambda wire: open_relay(wire, root),
        lambda wire: open_break_glass(wire, root),
        lambda wire: open_recovery(wire, root),
    ]

    def run(data: bytes) -> str:
        readers[data[0] % len(readers) if data else 0](data[1:])
        return ACCEPTED

    wires = [root.wire, organisation.certificates[0].wire, *vector("certificates", "wire"), *vector("entries", "seal")]
    seeds = [bytes([number]) + wire for number in range(len(readers)) for wire in wires[:12]]
    return Target(seeds=seeds, decode=run, prefix=1)


def organisation_file() -> Target:
    """What a new device is handed first."""
    organisation = _organisation()
    data = make_organisation_file(organisation.root, organisation.certificates[0])
    return Target(seeds=[data], decode=_accepts(lambda wire: open_organisation_file(wire, expected=None)))


def notes() -> Target:
    """Signed notes and checkpoints."""
    from tests.vectors.note import KEY

    def run(data: bytes) -> str:
        open_note(data, (KEY.public,))
        open_checkpoint(data, KEY.public)
        return ACCEPTED

    return Target(seeds=vector("note", "note"), decode=run)


def sealed_bodies() -> Target:
    """Bodies of content entries under a key, and under the key of one entry alone."""
    key = ContentKey(vector("sealing", "key")[0])

    def run(data: bytes) -> str:
        try:
            open_disclosed(bytes(32), data, aad=b"")
        except PeerError:
            open_sealed(key, data, aad=b"")
        return ACCEPTED

    return Target(seeds=vector("sealing", "body"), decode=run)


def log_bundles() -> Target:
    """Entry bundles of the log; the first byte is the width less one."""
    seeds = [b"\x02" + b"".join(len(each).to_bytes(2, "big") + each for each in (b"one", b"", b"x" * 300))]
    return Target(seeds=seeds, decode=_accepts(lambda data: decode_bundle(data[1:], 1 + (data[0] if data else 0))))


def evidence_frames() -> Target:
    """Frames of evidence: the fast reader and the plain one accept the same, and read the same."""
    from sync_protocol.evidence_survey import cut
    from tests.unit.sync_protocol.evidence_samples import opener

    seeds = [frame for _, frame in cut(opener(_evidence())(0))]

    def run(frame: bytes) -> str:
        fast = _reads(unpack_evidence_fast, frame)
        try:
            plain = unpack_evidence(frame)
        except PeerError:
            assert not fast, "the fast reader takes what the plain one refuses"
            raise
        assert fast, "the fast reader refuses what the plain one takes"
        assert unpack_evidence_fast(frame) == plain, "both read the same"
        assert unpack_evidence(pack_evidence(plain)) == plain, "what was read is written and read again"
        return ACCEPTED

    # Both are given what was cut by its length, so the length is right.
    return Target(
        seeds=seeds, decode=run, prefix=_HEAD_BYTES, mend=lambda data: _measured(data.ljust(_HEAD_BYTES, b"\0"))
    )


def evidence_files() -> Target:
    """Whole files: a verification never fails, whatever it finds."""
    from tests.unit.sync_protocol.evidence_samples import opener

    def run(data: bytes) -> str:
        report = verify_evidence(opener(data, 4096))
        return ACCEPTED if not report.counts else "found damage"

    return Target(seeds=[_evidence()], decode=run, refusals=())


@cache
def _evidence() -> bytes:
    from tests.unit.sync_protocol.evidence_samples import file_of, sample

    return file_of(sample().source())


def bundles() -> Target:
    """Bundle files, in pieces: whatever comes, the reader says how it ended."""
    from tests.unit.sync_protocol.test_bundle import written

    def run(data: bytes) -> str:
        reader, steps = BundleReader(), 0
        for start in range(0, len(data), 5000):
            steps += sum(1 for _ in reader.feed(data[start : start + 5000]))
        ending, rest = reader.end()
        return f"{ending.value}, {'something' if steps + len(rest) else 'nothing'} in it"

    whole = written()[0]
    return Target(seeds=[whole, whole[: len(whole) * 2 // 3]], decode=run)


def packs() -> Target:
    """Packs: what opens is what the entries would have been without one; the columns are compressed by their maker."""
    from tests.unit.sync_protocol.pack_samples import write

    written = [write(seed, batches=batches) for seed in range(3) for batches in (1, 4, 12)]
    made = [one for each in written for one in split_packs(each.proofs, [PackedEntry.of(wire) for wire in each.wires])]

    def run(data: bytes) -> str:
        read_pack(_with_columns(records.from_map(Pack, decode(data, bytes_max=PACK_BYTES_MAX)), deflate))
        return ACCEPTED

    return Target(seeds=[encode(records.to_map(_with_columns(pack, inflate))) for pack in made], decode=run)


def _with_columns(pack: Pack, change: Callable[[bytes], bytes]) -> Pack:
    return dataclasses.replace(pack, columns=change(pack.columns))


def _accepts(reader: Callable[[bytes], object]) -> Callable[[bytes], str]:
    def run(data: bytes) -> str:
        reader(data)
        return ACCEPTED

    return run


def _reads(reader: Callable[[bytes], object], data: bytes) -> bool:
    try:
        reader(data)
    except PeerError:
        return False
    return True
