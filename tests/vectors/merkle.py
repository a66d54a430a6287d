"""Vectors for Merkle roots and inclusion paths."""

from __future__ import annotations

from typing import Any

from sync_protocol.ids import Hash
from sync_protocol.merkle import inclusion_path, leaf_hash, root, verify_inclusion
from tests.vectors.forms import outcome

LEAVES = [f"Eintrag {number}, ß".encode() for number in range(11)]
HASHES = [leaf_hash(data) for data in LEAVES]


def make() -> dict[str, Any]:
    """Roots at every size, paths that lead to them, and paths that do not."""
    accepted = [case("a path", index, size) for size in (1, 2, 3, 8, 11) for index in range(size)]
    good = case("", 4, 11)
    path: Any = good["path"]
    refused = [
        {**good, "name": "another leaf", "leaf": HASHES[5].hex()},
        {**good, "name": "another index", "index": 5},
        {**good, "name": "another size", "size": 5},
        {**good, "name": "an index outside", "index": 11},
        {**good, "name": "a hash too few", "path": path[:-1]},
        {**good, "name": "a hash too many", "path": [*path, HASHES[0].hex()]},
        {**good, "name": "two hashes exchanged", "path": [path[1], path[0], *path[2:]]},
        {**good, "name": "another root", "root": HASHES[0].hex()},
        {**good, "name": "no tree", "index": 0, "size": 0, "path": []},
        {
            "name": "a byte moved from the sibling to the leaf",
            "leaf": (HASHES[0] + HASHES[1][:1]).hex(),
            "index": 0,
            "size": 2,
            "path": [HASHES[1][1:].hex()],
            "root": root(HASHES[:2]).hex(),
        },
    ]
    return {
        "about": "RFC 6962 section 2.1 over SHA-256; leaf hash = SHA-256(00 data), node = SHA-256(01 left right).",
        "leaves": [{"data": data.hex(), "hash": leaf_hash(data).hex()} for data in LEAVES],
        "roots": [root(HASHES[:size]).hex() for size in range(len(HASHES) + 1)],
        "accepted": accepted,
        "refused": [item | outcome(check, item) for item in refused],
    }


def case(name: str, index: int, size: int) -> dict[str, Any]:
    """One case as it is written."""
    return {
        "name": name,
        "leaf": HASHES[index].hex(),
        "index": index,
        "size": size,
        "path": [part.hex() for part in inclusion_path(HASHES[:size], index)],
        "root": root(HASHES[:size]).hex(),
    }


def check(item: dict[str, Any]) -> None:
    """Check one case."""
    verify_inclusion(
        bytes.fromhex(item["leaf"]),
        index=item["index"],
        size=item["size"],
        path=[bytes.fromhex(part) for part in item["path"]],
        root=Hash.parse(item["root"]),
    )
