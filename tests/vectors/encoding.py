"""Vectors for the deterministic encoding: values with their one form, and forms that are refused."""

from __future__ import annotations

from typing import Any

from sync_protocol.encoding import decode, encode
from sync_protocol.limits import CBOR_DEPTH_MAX, RECORD_BYTES_MAX
from tests.vectors.forms import outcome, to_json


def nested(levels: int) -> Any:
    """Lists inside one another."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


ACCEPTED: dict[str, Any] = {
    "zero": 0,
    "the largest integer in a head": 23,
    "the smallest integer behind a head": 24,
    "one byte full": 255,
    "two bytes": 256,
    "two bytes full": 65535,
    "four bytes": 65536,
    "four bytes full": 2**32 - 1,
    "eight bytes": 2**32,
    "eight bytes full": 2**64 - 1,
    "minus one": -1,
    "minus twenty-five": -25,
    "the smallest integer": -(2**64),
    "false": False,
    "true": True,
    "null": None,
    "no bytes": b"",
    "bytes": bytes(range(24)),
    "no text": "",
    "text beyond ASCII": "Patientin: Čapková, 39,5 °C 💉 発熱",
    "text is not normalised: composed": "\u00e9",
    "text is not normalised: decomposed": "e\u0301",
    "a NUL in text": "a\0b",
    "no items": [],
    "items": [1, [b"2", "3"], {}],
    "no pairs": {},
    "integer keys": {1: "one", 2: b"two", 24: None},
    "keys in order of length, then bytes": {10: 0, -1: 0, "a": 0, 100: 0, "ab": 0, 1000: 0},
    "the deepest nesting": nested(CBOR_DEPTH_MAX),
}

REFUSED: dict[str, str] = {
    "nothing": "",
    "an integer with a head too long": "1817",
    "an integer with two bytes too many": "190017",
    "a negative integer with a head too long": "3800",
    "a length with a head too long": "580161",
    "a count with a head too long": "980101",
    "a reserved head": "1c",
    "an indefinite byte string": "5f4101ff",
    "an indefinite text": "7f6161ff",
    "an indefinite list": "9f01ff",
    "an indefinite map": "bf0101ff",
    "a break alone": "ff",
    "a cut integer": "1900",
    "a cut byte string": "4301",
    "a cut list": "8201",
    "a cut map": "a101",
    "a claimed length of 2**64 - 1": "5bffffffffffffffff",
    "a claimed count of 2**63 pairs": "bb8000000000000000",
    "text that is not UTF-8": "62c328",
    "a lone surrogate": "63eda080",
    "a duplicate key": "a201010102",
    "keys out of order": "a202010101",
    "keys in bytewise instead of length-first order": "a21903e8002000",
    "a boolean for a key": "a1f501",
    "null for a key": "a1f601",
    "bytes for a key": "a1410101",
    "a list for a key": "a18001",
    "a half-precision float": "f93c00",
    "a single-precision float": "fa3f800000",
    "a double-precision float": "fb3ff0000000000000",
    "undefined": "f7",
    "an unassigned simple value": "e0",
    "true in two bytes": "f8f5",
    "a date tag": "c074323032362d30312d30315430303a30303a30305a",
    "a bignum": "c249010000000000000000",
    "trailing bytes": "0000",
    "one level too deep": "81" * CBOR_DEPTH_MAX + "80",
}


def make() -> dict[str, Any]:
    """Values and bytes, both ways, and bytes that decode to nothing."""
    return {
        "about": "Deterministic CBOR, RFC 8949 section 4.2.3, of integers, bytes, text, lists, maps, "
        "booleans and null.",
        "bytes_max": RECORD_BYTES_MAX,
        "depth_max": CBOR_DEPTH_MAX,
        "accepted": [
            {"name": name, "value": to_json(decode(encode(value))), "bytes": encode(value).hex()}
            for name, value in ACCEPTED.items()
        ],
        "refused": [
            {"name": name, "bytes": data, **outcome(decode, bytes.fromhex(data))} for name, data in REFUSED.items()
        ],
    }
