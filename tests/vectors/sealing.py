"""Vectors for sealed bodies, with fixed nonces, which real ones never have."""

from __future__ import annotations

from typing import Any

from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.sealing import ContentKey, open_sealed, seal, xaes_encrypt
from tests.vectors.forms import outcome

KEY = bytes(range(32))
NONCE = bytes(range(100, 124))
AAD = "Kopf: Strom 4711, Größe später".encode()
PLAINTEXTS = {
    "nothing": b"",
    "one byte": b"a",
    "text beyond ASCII": "Penicillin-Allergie: Ausschlag, Čapková 2026, 過敏症".encode(),
    "text that ends like padding": b"text\x80\0\0",
    "a long text": b"0123456789" * 200,
}
PADDINGS = {
    "no mark": b"text",
    "zeros only": bytes(8),
    "a zero too many": b"text\x80\0",
    "a zero too few": b"12345678\x80",
    "bytes behind the mark": b"text\x80\0x",
}


def make() -> dict[str, Any]:
    """Bodies that open, and bodies that do not."""
    key = ContentKey(KEY)
    accepted = []
    for number, (name, plaintext) in enumerate(PLAINTEXTS.items()):
        nonce = bytes([number]) + NONCE[1:]
        accepted.append(case(name, seal(key, plaintext, nonce=nonce, aad=AAD)) | {"plaintext": plaintext.hex()})
    good = seal(key, PLAINTEXTS["text beyond ASCII"], nonce=NONCE, aad=AAD)
    refused = [
        case("nothing", b""),
        case("a nonce alone", good[:24]),
        case("cut by a byte", good[:-1]),
        case("longer by a byte", good + b"\0"),
        case("the nonce changed", bytes([good[0] ^ 1]) + good[1:]),
        case("the second half of the nonce changed", good[:23] + bytes([good[23] ^ 1]) + good[24:]),
        case("the ciphertext changed", good[:24] + bytes([good[24] ^ 1]) + good[25:]),
        case("the tag changed", good[:-1] + bytes([good[-1] ^ 1])),
        case("another key", good, key=KEY[::-1]),
        case("another header", good, aad=AAD + b"x"),
        *(
            case(f"padding: {name}", NONCE + xaes_encrypt(key, padded, nonce=NONCE, aad=AAD))
            for name, padded in PADDINGS.items()
        ),
    ]
    return {
        "about": "XAES-256-GCM (C2SP) over plaintext, 80 and zeros up to Padme; body = nonce, ciphertext, tag.",
        "bytes_max": BODY_BYTES_MAX,
        "accepted": accepted,
        "refused": [item | outcome(check, item) for item in refused],
    }


def case(name: str, body: bytes, *, key: bytes = KEY, aad: bytes = AAD) -> dict[str, str]:
    """One case as it is written."""
    return {"name": name, "key": key.hex(), "aad": aad.hex(), "body": body.hex()}


def check(item: dict[str, str]) -> bytes:
    """Open one case."""
    key, aad, body = (bytes.fromhex(item[name]) for name in ("key", "aad", "body"))
    return open_sealed(ContentKey(key), body, aad=aad)
