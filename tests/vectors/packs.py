"""Vectors for packs: the columns before compression, what they stand for, and packs that are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync_protocol.encoding import decode
from sync_protocol.entries import Header, WireEntry, seal_batch, with_body
from sync_protocol.ids import Hash
from sync_protocol.intake import Proofs
from sync_protocol.labels import Label
from sync_protocol.limits import PACK_BYTES_MAX
from sync_protocol.pack_columns import Pack, PackColumns
from sync_protocol.pack_numbers import deflate, inflate
from sync_protocol.pack_planning import PackedEntry, PackedSeal
from sync_protocol.pack_reading import read_pack
from sync_protocol.pack_writing import Batch, write_pack
from sync_protocol.records import pack, unpack
from sync_protocol.signed import sign
from tests.vectors.cast import NOW, NURSE_KEY, SESSION, draw, session, with_keys
from tests.vectors.entries import STREAM, batches
from tests.vectors.forms import outcome, to_json

SECOND = replace(SESSION, nonce=draw("second session", 16))


def sample() -> tuple[Proofs, list[WireEntry]]:
    """Two seals of one session, and one of a second session whose entry depends on the first's."""
    made = batches()
    control, first, _ = made[0][1]
    last = made[1][1][0]
    header = Header(
        stream=STREAM,
        session=SECOND.session,
        seq=0,
        prev=None,
        deps={SESSION.session: (last.header.seq, last.hash)},
        organisation_heads=last.header.organisation_heads,
        chart_heads=(control.hash,),
        epoch=first.header.epoch,
        lamport=last.header.lamport + 1,
        wall_ms=NOW + 90_000,
        body_hash=Hash(bytes(32)),
        body_size=0,
        seal=0,
    )
    draft = with_body(header, draw("a sealed body", 64))
    third = seal_batch([draft], session=SECOND, number=0, previous=None, signer=NURSE_KEY)
    proofs = Proofs(
        certificates=(draw("a certificate, as it came", 40),),
        sessions=(session().wire, sign(SECOND, NURSE_KEY, Label.SESSION).wire),
        seals=tuple(seal.wire for seal, _ in (*made, third)),
    )
    return proofs, [entry.wire for _, entries in (*made, third) for entry in entries]


def write(proofs: Proofs, wires: list[WireEntry]) -> Pack:
    """All of it in one pack."""
    return write_pack(
        Batch(
            certificates=proofs.certificates,
            sessions=proofs.sessions,
            seals=tuple(map(PackedSeal.of, proofs.seals)),
            entries=tuple(map(PackedEntry.of, wires)),
        )
    )


def of_case(item: dict[str, Any]) -> Pack:
    """The pack of a case: its columns are compressed here, unless they stand compressed."""
    zlib = bytes.fromhex(item["zlib"]) if "zlib" in item else deflate(bytes.fromhex(item["columns"]))
    hashes, signatures, bodies = (bytes.fromhex(item[name]) for name in ("hashes", "signatures", "bodies"))
    return Pack(columns=zlib, hashes=hashes, signatures=signatures, bodies=bodies)


def check(item: dict[str, Any]) -> tuple[Proofs, tuple[WireEntry, ...]]:
    """Read one case."""
    return read_pack(of_case(item))


def case(name: str, one: Pack) -> dict[str, Any]:
    """One pack as it is written."""
    return {
        "name": name,
        "columns": inflate(one.columns).hex(),
        "hashes": one.hashes.hex(),
        "signatures": one.signatures.hex(),
        "bodies": one.bodies.hex(),
    }


def stands_for(proofs: Proofs, wires: list[WireEntry]) -> dict[str, list[str]]:
    """What a reader finds."""
    return {
        "certificates": [record.hex() for record in proofs.certificates],
        "sessions": [record.hex() for record in proofs.sessions],
        "seals": [record.hex() for record in proofs.seals],
        "entries": [pack(one).hex() for one in wires],
    }


def make() -> dict[str, Any]:
    """Packs that open, and packs that are refused."""
    proofs, wires = sample()
    newer = replace(wires[1], header=with_keys(wires[1].header, _64="newer"))
    accepted = {
        "two seals, and a third of another session": (proofs, wires),
        "two entries of a seal of three, their seal elsewhere": (Proofs(), wires[1:3]),
        "proofs alone": (replace(proofs, certificates=()), []),
        "a header with a key from 64 on, and a body that was destroyed": (
            Proofs(),
            [wires[0], newer, replace(wires[2], body=b"")],
        ),
        "a path that leads elsewhere": (Proofs(seals=proofs.seals[1:2]), [replace(wires[3], path=(Hash(bytes(32)),))]),
    }
    good = case("", write(proofs, wires))
    return {
        "about": "Packs: the encoding of PackColumns before compression, the three runs of bytes beside it, and the "
        "records and entries for which they stand. `zlib` in place of `columns` is the compressed form as it came.",
        "accepted": [
            case(name, write(*parts)) | {"columns_decoded": _decoded(write(*parts))} | stands_for(*parts)
            for name, parts in accepted.items()
        ],
        "refused": [item | outcome(check, item) for item in _refused(good)],
    }


def _decoded(one: Pack) -> Any:
    return to_json(decode(inflate(one.columns), bytes_max=PACK_BYTES_MAX))


def _refused(good: dict[str, Any]) -> list[dict[str, Any]]:
    plain = bytes.fromhex(good["columns"])
    columns = unpack(PackColumns, plain, bytes_max=PACK_BYTES_MAX)
    compressed = {name: value for name, value in good.items() if name != "columns"}

    def changed(name: str, **fields: Any) -> dict[str, Any]:
        return good | {"name": name, "columns": pack(replace(columns, **fields)).hex()}

    return [
        compressed | {"name": "columns that are not compressed", "zlib": plain.hex()},
        compressed | {"name": "a zlib stream that breaks off", "zlib": _stored(plain)[:-4].hex()},
        compressed | {"name": "bytes behind the zlib stream", "zlib": (_stored(plain) + b"\0").hex()},
        good | {"name": "an unknown critical column", "columns": with_keys(plain, _32=b"").hex()},
        good | {"name": "a hash too many", "hashes": good["hashes"] + "00" * 32},
        good | {"name": "a body that is cut off", "bodies": good["bodies"][:-2]},
        good | {"name": "a signature too few", "signatures": good["signatures"][:-128]},
        changed("a number that is not in its shortest form", forms=columns.forms + b"\x80\x00"),
        changed("an unknown form of an entry", forms=b"\x08" + columns.forms[1:]),
        changed("a stream that is not there", entry_streams=b"\x09" + columns.entry_streams[1:]),
        changed("a dependency on an entry that is not here", dep_places=columns.dep_places[:-1] + b"\x09"),
        changed("a number left over in a column", walls=columns.walls + b"\x00"),
        changed("a tree that has no room for its entry", tree_sizes=b"\x01" + columns.tree_sizes[1:]),
        changed("two seals by column of one number", seal_numbers=b"\x00\x01\x00"),
        changed("a header that is for nothing", whole_headers=(b"\x01",)),
    ]


def _stored(data: bytes) -> bytes:
    """A zlib stream of one stored block: the same bytes whatever compresses elsewhere."""
    size = len(data).to_bytes(2, "little")
    return b"\x78\x01\x01" + size + bytes(byte ^ 0xFF for byte in size) + data + _adler(data).to_bytes(4, "big")


def _adler(data: bytes) -> int:
    """Source: RFC 1950 section 8.2."""
    low, high = 1, 0
    for byte in data:
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return high << 16 | low
