"""Vectors for entries: headers, what bodies are bound to, seals, paths, and what does not verify."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync_protocol import merkle
from sync_protocol.encoding import decode, encode
from sync_protocol.entries import (
    Header,
    Seal,
    VerifiedEntry,
    WireEntry,
    associated_data,
    claimed_header,
    open_seal,
    seal_batch,
    seal_leaf,
    verify_entry,
    with_body,
)
from sync_protocol.ids import EntryHash, Hash, SealHash, SessionId, StreamId
from sync_protocol.labels import Label
from sync_protocol.records import pack, unpack
from sync_protocol.sealing import ContentKey, seal
from sync_protocol.signed import Verified
from tests.vectors.cast import NOW, NURSE_KEY, SESSION, draw, single, with_keys
from tests.vectors.forms import outcome, to_json

KEY = ContentKey(draw("content key"))
STREAM = StreamId(draw("stream", 16))
CONTROL = StreamId(draw("control stream", 16))
OTHERS = {
    SessionId(draw(f"session {number}", 16)): (number, EntryHash(draw(f"head {number}"))) for number in (7, 23, 24)
}
PLAINTEXT = "Penicillin: schwere Überempfindlichkeit".encode()


def draft(stream: StreamId, *, before: Header | None, number: int, sealed: bool) -> tuple[Header, bytes]:
    """The next entry of a chain: its header, and its body, sealed or plain."""
    header = Header(
        stream=stream,
        session=SESSION.session,
        seq=0 if before is None else before.seq + 1,
        prev=None if before is None else EntryHash.of(pack(before)),
        deps=OTHERS if sealed else {},
        organisation_heads=(EntryHash(draw("organisation head")),),
        chart_heads=tuple(sorted(EntryHash(draw(f"chart head {n}")) for n in range(2))) if sealed else (),
        epoch=EntryHash(draw("epoch")) if sealed else None,
        lamport=30 if before is None else before.lamport + 1,
        wall_ms=NOW + number,
        body_hash=Hash(bytes(32)),
        body_size=0,
        seal=number,
    )
    body = seal(KEY, PLAINTEXT, nonce=draw("nonce", 24), aad=associated_data(header)) if sealed else b"\x82\x04\xa0"
    done = with_body(header, body)
    return done.header, done.body


def batches() -> list[tuple[Verified[Seal], tuple[VerifiedEntry, ...]]]:
    """Two seals: over a control entry and two content entries, and over one more."""
    control = draft(CONTROL, before=None, number=0, sealed=False)
    first = draft(STREAM, before=None, number=0, sealed=True)
    second = draft(STREAM, before=first[0], number=0, sealed=True)
    third = draft(STREAM, before=second[0], number=1, sealed=True)
    result: list[tuple[Verified[Seal], tuple[VerifiedEntry, ...]]] = []
    for number, entries in enumerate(([control, first, second], [third])):
        previous = SealHash(result[-1][0].hash) if result else None
        drafts = [with_body(header, body) for header, body in entries]
        result.append(seal_batch(drafts, session=SESSION, number=number, previous=previous, signer=NURSE_KEY))
    return result


def lone(header: bytes, body: bytes) -> tuple[bytes, WireEntry]:
    """An entry alone under seal 0, whatever its header is."""
    claim = decode(header)
    assert isinstance(claim, dict)
    stream, seq = claim[1], claim[3]
    assert isinstance(stream, bytes)
    assert isinstance(seq, int)
    leaf = seal_leaf(StreamId(stream), seq, EntryHash.of(header))
    record = Seal(session=SESSION.session, number=0, previous=None, root=merkle.root([leaf]), size=1)
    return single(pack(record), NURSE_KEY, Label.SEAL), WireEntry(header=header, body=body, index=0, path=())


def check_entry(item: dict[str, Any]) -> VerifiedEntry:
    """Verify one entry against its seal."""
    wire = unpack(WireEntry, bytes.fromhex(item["entry"]))
    return verify_entry(wire, claimed_header(wire), open_seal(bytes.fromhex(item["seal"]), NURSE_KEY.public))


def check_seal(item: dict[str, Any]) -> Verified[Seal]:
    """Verify one seal."""
    return open_seal(bytes.fromhex(item["seal"]), NURSE_KEY.public)


def case(name: str, seal: bytes, wire: WireEntry | bytes) -> dict[str, Any]:
    """One entry as it is written."""
    return {"name": name, "seal": seal.hex(), "entry": (wire if isinstance(wire, bytes) else pack(wire)).hex()}


def told(item: dict[str, Any]) -> dict[str, Any]:
    """An entry with what a reader finds in it."""
    entry = check_entry(item)
    return item | {
        "hash": entry.hash.hex(),
        "header": to_json(decode(entry.wire.header)),
        "associated_data": entry.associated_data.hex(),
        "body": entry.body.hex(),
    }


def make() -> dict[str, Any]:
    """Entries and seals as they hold, and the ways in which they do not."""
    (first_seal, (control, first, second)), (next_seal, (third,)) = batches()
    newer_header = with_keys(pack(first.header), _64="newer")
    newer_seal, newer = lone(newer_header, first.body)
    accepted = [
        case("a control entry, plain", first_seal.wire, control.wire),
        case("a content entry, sealed, with dependencies", first_seal.wire, first.wire),
        case("the next of its chain", first_seal.wire, second.wire),
        case("alone under the next seal", next_seal.wire, third.wire),
        case("a header with a key from 64 on, which is passed over and bound", newer_seal, newer),
    ]
    return {
        "about": "Entries {1: header, 2: body, 3: index, 4: path} with the seal that each names. The entry's hash is "
        "that of its header's bytes; a sealed body is bound to the header without keys 11 and 12.",
        "signer": NURSE_KEY.public.hex(),
        "content_key": KEY.reveal().hex(),
        "plaintext": PLAINTEXT.hex(),
        "accepted": [told(item) for item in accepted],
        "refused": [item | outcome(check_entry, item) for item in _refused(first_seal, first, second, third)],
        "seals": {
            "accepted": [
                {
                    "name": f"seal {seal.value.number}",
                    "seal": seal.wire.hex(),
                    "hash": seal.hash.hex(),
                    "fields": to_json(decode(pack(seal.value))),
                }
                for seal in (first_seal, next_seal)
            ],
            "refused": [item | outcome(check_seal, item) for item in _refused_seals(first_seal.value)],
        },
    }


def _refused(
    seal: Verified[Seal], first: VerifiedEntry, second: VerifiedEntry, third: VerifiedEntry
) -> list[dict[str, Any]]:
    wire, header = first.wire, first.header
    plain = decode(pack(header))
    assert isinstance(plain, dict)
    deps = plain[5]
    assert isinstance(deps, list)
    assert isinstance(deps[0], list)
    other = deps[0][0]

    def with_header(name: str, data: bytes) -> dict[str, Any]:
        return case(name, *lone(data, first.body))

    return [
        case("a byte of the header changed", seal.wire, replace(wire, header=pack(replace(header, lamport=31)))),
        case("a byte of the body changed", seal.wire, replace(wire, body=wire.body[:-1] + bytes([wire.body[-1] ^ 1]))),
        case("another entry's path", seal.wire, replace(wire, path=second.wire.path)),
        case("another index", seal.wire, replace(wire, index=2)),
        case("a hash too many on the path", seal.wire, replace(wire, path=(*wire.path, Hash(bytes(32))))),
        case("another seal than the one that it names", seal.wire, third.wire),
        case("a trailing byte", seal.wire, pack(wire) + b"\0"),
        case("an unknown critical key in the entry", seal.wire, with_keys(pack(wire), _5=0)),
        with_header("an unknown critical key in the header", with_keys(pack(header), _14=0)),
        with_header("a first entry with a predecessor", with_keys(pack(header), _4=draw("head"))),
        with_header("a second entry without a predecessor", with_keys(pack(header), _3=1)),
        with_header("dependencies in another order", encode({**plain, 5: [*deps[::-1]]})),
        with_header(
            "a dependency on its own session", encode({**plain, 5: [[bytes(SESSION.session), [0, draw("head")]]]})
        ),
        with_header("a session twice among the dependencies", encode({**plain, 5: [[other, [0, draw("a")]], *deps]})),
    ]


def _refused_seals(good: Seal) -> list[dict[str, Any]]:
    def sealed(name: str, payload: bytes, label: Label = Label.SEAL) -> dict[str, Any]:
        return {"name": name, "seal": single(payload, NURSE_KEY, label).hex()}

    return [
        sealed("a first seal with a predecessor", pack(replace(good, previous=SealHash(draw("seal"))))),
        sealed("a later seal without a predecessor", pack(replace(good, number=1))),
        sealed("over nothing", pack(replace(good, size=0, root=merkle.EMPTY_ROOT))),
        sealed("signed under another label", pack(good), Label.SESSION),
        sealed("an unknown critical key", with_keys(pack(good), _6=0)),
        {"name": "a trailing byte", "seal": single(pack(good), NURSE_KEY, Label.SEAL).hex() + "00"},
    ]
