"""Vectors for the log as it is published: consistency proofs, tiles and bundles, cosigned notes."""

from __future__ import annotations

from typing import Any, Final

from sync_protocol.checkpoints import Checkpoint, NoteKey, NoteVerifyKey, sign_checkpoint
from sync_protocol.cosignatures import Cosigned, Cosigner, CosignerKey, cosigned_message, open_cosigned, parse_verifier
from sync_protocol.ids import Hash
from sync_protocol.merkle import consistency_path, leaf_hash, root, verify_consistency
from sync_protocol.signing import CosigningKey, SigningKey
from sync_protocol.tiles import Bundle, Tile, decode_bundle, encode_bundle, tiles_of
from tests.vectors import recorded
from tests.vectors.forms import outcome

HASHES: Final = [leaf_hash(f"Eintrag {number}, ß".encode()) for number in range(11)]
ORIGIN: Final = "log.example/krankenhaus-süd"
LOG: Final = NoteKey(ORIGIN, SigningKey(bytes(range(32))))
COSIGNER: Final = Cosigner(ORIGIN, CosigningKey(bytes(range(32, 64))))
TIME_S: Final = 1_760_000_000
POINT: Final = Checkpoint(origin=ORIGIN, size=70_000, root=Hash(bytes(range(32))))
OTHER: Final = Checkpoint(origin=ORIGIN, size=70_001, root=Hash(bytes(range(32))))
PUBLISHED: Final = {
    "key": "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "note": "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
}
BAD_PATHS: Final = (
    "tile/0/0",
    "tile/0/0000",
    "tile/00/000",
    "tile/0/x000/067",
    "tile/0/001/067",
    "tile/0/x001",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/6/000",
    "tile/5/001",
    "/tile/0/000",
    "tile/entries/0",
    "tile/entries/000.p/256",
)


def cosigned() -> bytes:
    """A cosigned note, to be recorded: ML-DSA's sign draws randomness."""
    return sign_checkpoint(POINT, LOG) + COSIGNER.sign(POINT, time_s=TIME_S)


def make() -> dict[str, Any]:
    """All of it."""
    return {
        "about": "The log as it is published. Consistency proofs after RFC 6962 section 2.1.2, over the leaf hashes "
        "given; paths, layouts and bundles after C2SP tlog-tiles; notes with an Ed25519 line and an ML-DSA-44 "
        "cosignature (C2SP tlog-cosignature, type 0x06), and C2SP signed-note's own example.",
        "consistency": consistency(),
        "paths": paths(),
        "layouts": [layout(size) for size in (0, 1, 255, 256, 257, 65_536, 70_000)],
        "bundles": bundles(),
        "cosignatures": cosignatures(),
        "published": PUBLISHED,
    }


def consistency() -> dict[str, Any]:
    """Proofs that hold and proofs that do not."""
    sizes = [(first, second) for second in (1, 2, 4, 7, 8, 11) for first in range(second + 1)]
    good = proof("", 3, 7)
    path: Any = good["path"]
    refused = [
        {**good, "name": "another first root", "first_root": HASHES[0].hex()},
        {**good, "name": "another second root", "second_root": HASHES[0].hex()},
        {**good, "name": "another first size", "first": 5},
        {**good, "name": "a first size above the second", "first": 8},
        {**good, "name": "a hash too few", "path": path[:-1]},
        {**good, "name": "a hash too many", "path": [*path, HASHES[0].hex()]},
        {**good, "name": "no hash", "path": []},
        {**good, "name": "two hashes exchanged", "path": [path[1], path[0], *path[2:]]},
        {**good, "name": "a short hash", "path": [path[0][2:], *path[1:]]},
        {**proof("", 0, 7), "name": "a path from the empty tree", "path": [HASHES[0].hex()]},
        {**proof("", 7, 7), "name": "two roots of one size", "first_root": HASHES[0].hex()},
    ]
    return {
        "leaves": [leaf.hex() for leaf in HASHES],
        "accepted": [proof(f"from {first} to {second}", first, second) for first, second in sizes],
        "refused": [item | outcome(check_consistency, item) for item in refused],
    }


def proof(name: str, first: int, second: int) -> dict[str, Any]:
    """One proof as it is written."""
    return {
        "name": name,
        "first": first,
        "first_root": root(HASHES[:first]).hex(),
        "second": second,
        "second_root": root(HASHES[:second]).hex(),
        "path": [node.hex() for node in consistency_path(HASHES[:second], first)],
    }


def check_consistency(item: dict[str, Any]) -> None:
    """Verify one proof."""
    verify_consistency(
        first=item["first"],
        first_root=bytes.fromhex(item["first_root"]),
        second=item["second"],
        second_root=bytes.fromhex(item["second_root"]),
        path=[bytes.fromhex(node) for node in item["path"]],
    )


def paths() -> dict[str, Any]:
    """Names of tiles and bundles; a bundle has no level."""
    tiles = [
        Tile(level=0, number=0),
        Tile(level=0, number=999),
        Tile(level=0, number=1000),
        Tile(level=0, number=1_234_067),
        Tile(level=1, number=1, width=17),
        Tile(level=2, number=0, width=1),
        Tile(level=5, number=0, width=255),
    ]
    others = [Bundle(number=1_234_067), Bundle(number=273, width=112)]
    named: list[Tile | Bundle] = [*tiles, *others]
    accepted = [
        {"name": item.path, "path": item.path, "number": item.number, "width": item.width}
        | ({"level": item.level} if isinstance(item, Tile) else {})
        for item in named
    ]
    refused = [{"name": path, "path": path} for path in BAD_PATHS]
    return {"accepted": accepted, "refused": [item | outcome(check_path, item) for item in refused]}


def check_path(item: dict[str, Any]) -> Tile | Bundle:
    """Read one path."""
    path = item["path"]
    return Bundle.parse(path) if path.startswith("tile/entries/") else Tile.parse(path)


def layout(size: int) -> dict[str, Any]:
    """How many full tiles a tree has on each level, and how wide the partial one is."""
    levels: list[dict[str, int]] = []
    for tile in tiles_of(size):
        if tile.level == len(levels):
            levels.append({"full": 0, "partial": 0})
        if tile.width == Tile(level=0, number=0).width:
            levels[-1]["full"] += 1
        else:
            levels[-1]["partial"] = tile.width
    return {"size": size, "levels": levels}


def bundles() -> dict[str, Any]:
    """Bundles of entries."""
    lists = [[b"abc"], [b"", b"a", bytes(258)], [bytes(HASHES[0]), bytes(HASHES[1])]]
    refused = [
        {"name": "nothing", "data": "", "width": 1},
        {"name": "half a length", "data": "00", "width": 1},
        {"name": "half an entry", "data": "000261", "width": 1},
        {"name": "too few", "data": "000161", "width": 2},
        {"name": "too many", "data": "000161000162", "width": 1},
    ]
    accepted = [
        {
            "name": f"{len(items)}",
            "width": len(items),
            "entries": [i.hex() for i in items],
            "data": encode_bundle(items).hex(),
        }
        for items in lists
    ]
    return {"accepted": accepted, "refused": [item | outcome(check_bundle, item) for item in refused]}


def check_bundle(item: dict[str, Any]) -> list[bytes]:
    """Decode one bundle."""
    return decode_bundle(bytes.fromhex(item["data"]), item["width"])


def cosignatures() -> dict[str, Any]:
    """A note with both lines, and notes in which one of them does not hold."""
    note = bytes.fromhex(recorded.read()["cosigned"])
    text, _, lines = note.decode().partition("\n\n")
    log_line, cosigned_line = lines.splitlines(keepends=True)
    refused = {
        "the log's line alone": f"{text}\n\n{log_line}",
        "the cosignature alone": f"{text}\n\n{cosigned_line}",
        "another size under the cosignature": (sign_checkpoint(OTHER, LOG)).decode() + cosigned_line,
        "a changed cosignature": note.decode()[:-10] + ("A" if note.decode()[-10] != "A" else "B") + note.decode()[-9:],
        "a good and a bad cosignature": note.decode()
        + cosigned_line[:-10]
        + ("A" if cosigned_line[-10] != "A" else "B")
        + cosigned_line[-9:],
    }
    return {
        "log_seed": bytes(range(32)).hex(),
        "log_key": LOG.public.text,
        "cosigner_seed": bytes(range(32, 64)).hex(),
        "cosigner_key": COSIGNER.public.text,
        "accepted": [
            {
                "name": "both lines",
                "note": note.decode(),
                "size": POINT.size,
                "root": POINT.root.hex(),
                "time_s": TIME_S,
                "message": cosigned_message(ORIGIN, TIME_S, POINT).hex(),
            }
        ],
        "refused": [
            {"name": name, "note": text} | outcome(check_cosigned, {"note": text}) for name, text in refused.items()
        ],
    }


def check_cosigned(item: dict[str, Any]) -> Cosigned:
    """Open one cosigned note, by keys read from their texts."""
    log, cosigner = parse_verifier(LOG.public.text), parse_verifier(COSIGNER.public.text)
    assert isinstance(log, NoteVerifyKey)
    assert isinstance(cosigner, CosignerKey)
    return open_cosigned(item["note"].encode(), log, cosigner)
