"""Who appears in the vectors of records: an organisation, its administrator, a nurse, a relay; keys from names.

Long-lived records are signed with ML-DSA, whose sign draws randomness: their bytes are recorded once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sync_protocol.certificates import Certificate, RelayRecord, Root, Session, Trust
from sync_protocol.encoding import Value, decode, encode
from sync_protocol.ids import CertificateHash, DeviceId, Hash, OrganisationId, StreamId, UserId
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.roles import Role
from sync_protocol.signed import Envelope, Signed, Verified, sign, sign_hybrid
from sync_protocol.signing import CosigningKey, HybridSigningKey, SigningKey
from tests.vectors import recorded

NOW: Final = 1_760_000_000_000


def draw(name: str, size: int = 32) -> bytes:
    """Bytes that follow from a name: SHAKE-256 of it."""
    return hashlib.shake_256(name.encode()).digest(size)


ROOT_KEY = HybridSigningKey(draw("root", 64))
ADMIN_KEY = HybridSigningKey(draw("administrator", 64))
NURSE_KEY = SigningKey(draw("nurse"))
RELAY_KEY = SigningKey(draw("relay"))
RELAY_COSIGNER = CosigningKey(draw("relay's cosigner"))
ROOT = Root(
    organisation=OrganisationId(draw("organisation", 16)),
    ed25519=ROOT_KEY.public.ed25519,
    ml_dsa=ROOT_KEY.public.ml_dsa,
    control=StreamId(draw("organisation's control stream", 16)),
    created_ms=NOW,
)
ROOT_HASH = Hash.of(pack(ROOT))
ADMIN = Certificate(
    organisation=ROOT.organisation,
    device=DeviceId(draw("administrator's device", 16)),
    user=UserId(draw("administrator", 16)),
    role=Role.ADMIN,
    ed25519=ADMIN_KEY.public.ed25519,
    wrap=bytes(WrapPrivateKey(draw("administrator's wrapping key")).public),
    issuer=ROOT_HASH,
    issued_ms=NOW,
    not_after_ms=NOW + 1,
    ml_dsa=ADMIN_KEY.public.ml_dsa,
)
NURSE = Certificate(
    organisation=ROOT.organisation,
    device=DeviceId(draw("nurse's device", 16)),
    user=UserId(draw("nurse", 16)),
    role=Role.NURSE,
    ed25519=NURSE_KEY.public,
    wrap=bytes(WrapPrivateKey(draw("nurse's wrapping key")).public),
    issuer=Hash.of(pack(ADMIN)),
    issued_ms=NOW,
    not_after_ms=NOW + 2**40,
)
NURSE_NAME = CertificateHash(Hash.of(pack(NURSE)))
ADMIN_NAME = CertificateHash(Hash.of(pack(ADMIN)))
RELAY = RelayRecord(
    organisation=ROOT.organisation,
    ed25519=RELAY_KEY.public,
    origin="relay.example/ærø",
    addresses=("https://relay.example:443", "https://klinik-zürich.example:8443"),
    issued_ms=NOW,
)
SESSION = Session(certificate=NURSE_NAME, nonce=draw("session", 16), started_ms=NOW)


def with_keys(payload: bytes, **extra: Value) -> bytes:
    """A record's bytes with further keys, given as `_64=...`."""
    fields = decode(payload)
    assert isinstance(fields, dict)
    return encode({**fields, **{int(name[1:]): value for name, value in extra.items()}})


def hybrid(payload: bytes, signer: HybridSigningKey, label: Label) -> Callable[[], bytes]:
    """Makes an envelope around any payload, well formed or not."""

    def make() -> bytes:
        both = signer.sign(label, payload)
        return pack(Envelope(payload=payload, ed25519=both.ed25519, ml_dsa=both.ml_dsa))

    return make


def single(payload: bytes, signer: SigningKey, label: Label) -> bytes:
    """An envelope around any payload with an Ed25519 signature alone."""
    return pack(Envelope(payload=payload, ed25519=signer.sign(label, payload)))


RENEWAL = replace(NURSE, issued_ms=NOW + 1, not_after_ms=NURSE.not_after_ms + 1, renews=NURSE_NAME)
OWN_RENEWAL = replace(ADMIN, issuer=ADMIN_NAME, not_after_ms=ADMIN.not_after_ms + 1, renews=ADMIN_NAME)

RECORDINGS: dict[str, Callable[[], bytes]] = {
    "root": lambda: sign_hybrid(ROOT, ROOT_KEY, Label.ROOT).wire,
    "administrator": lambda: sign_hybrid(ADMIN, ROOT_KEY, Label.CERTIFICATE).wire,
    "nurse": lambda: sign_hybrid(NURSE, ADMIN_KEY, Label.CERTIFICATE).wire,
    "relay": lambda: sign_hybrid(RELAY, ROOT_KEY, Label.RELAY).wire,
    "newer root": hybrid(with_keys(pack(ROOT), _64="newer"), ROOT_KEY, Label.ROOT),
    "root with a critical key": hybrid(with_keys(pack(ROOT), _6=0), ROOT_KEY, Label.ROOT),
    "root under another label": hybrid(pack(ROOT), ROOT_KEY, Label.CERTIFICATE),
    "relay of the administrator": hybrid(pack(RELAY), ADMIN_KEY, Label.RELAY),
    "relay of another organisation": hybrid(
        pack(replace(RELAY, organisation=OrganisationId(bytes(16)))), ROOT_KEY, Label.RELAY
    ),
    "nurse of another organisation": hybrid(
        pack(replace(NURSE, organisation=OrganisationId(bytes(16)))), ADMIN_KEY, Label.CERTIFICATE
    ),
    "nurse of an unknown issuer": hybrid(pack(replace(NURSE, issuer=Hash(bytes(32)))), ADMIN_KEY, Label.CERTIFICATE),
    "nurse by a nurse": hybrid(pack(replace(NURSE, issuer=NURSE_NAME)), ADMIN_KEY, Label.CERTIFICATE),
    "nurse with an ML-DSA key": hybrid(
        pack(replace(NURSE, ml_dsa=ADMIN_KEY.public.ml_dsa)), ADMIN_KEY, Label.CERTIFICATE
    ),
    "nurse with a wrapping key that is not reduced": hybrid(
        pack(replace(NURSE, wrap=b"\xff\xff\xff" + NURSE.wrap[3:])), ADMIN_KEY, Label.CERTIFICATE
    ),
    "nurse with a wrapping key of small order": hybrid(
        pack(replace(NURSE, wrap=NURSE.wrap[:1184] + b"\x01" + bytes(31))), ADMIN_KEY, Label.CERTIFICATE
    ),
    "nurse renewed": hybrid(pack(RENEWAL), ADMIN_KEY, Label.CERTIFICATE),
    "nurse renewed in another role": hybrid(pack(replace(RENEWAL, role=Role.PHYSICIAN)), ADMIN_KEY, Label.CERTIFICATE),
    "nurse renewed without a later end": hybrid(
        pack(replace(RENEWAL, not_after_ms=NURSE.not_after_ms)), ADMIN_KEY, Label.CERTIFICATE
    ),
    "a stranger renewed": hybrid(
        pack(replace(RENEWAL, renews=CertificateHash(bytes(32)))), ADMIN_KEY, Label.CERTIFICATE
    ),
    "administrator renewed by itself": hybrid(pack(OWN_RENEWAL), ADMIN_KEY, Label.CERTIFICATE),
    "relay with a cosigner": hybrid(pack(replace(RELAY, cosigner=RELAY_COSIGNER.public)), ROOT_KEY, Label.RELAY),
    "relay with a cosigner of another length": hybrid(
        with_keys(pack(RELAY), _6=RELAY_COSIGNER.public[:-1]), ROOT_KEY, Label.RELAY
    ),
}


def wire(name: str) -> bytes:
    """What was recorded under a name."""
    return bytes.fromhex(recorded.read()[name])


def root() -> Verified[Root]:
    """The organisation's root."""
    return Signed(Root, wire("root")).verify_hybrid(ROOT.keys, Label.ROOT)


def trust() -> Trust:
    """The root, the administrator and the nurse."""
    found = Trust(root())
    for name in ("administrator", "nurse"):
        found.admit(Signed(Certificate, wire(name)))
    return found


def session() -> Verified[Session]:
    """The nurse's session."""
    return sign(SESSION, NURSE_KEY, Label.SESSION)


def about_keys() -> dict[str, Any]:
    """How to make the keys again."""
    return {
        "seeds": {
            "root": draw("root", 64).hex(),
            "administrator": draw("administrator", 64).hex(),
            "nurse": draw("nurse").hex(),
            "relay": draw("relay").hex(),
            "relay's cosigner": draw("relay's cosigner").hex(),
        },
        "root_hash": ROOT_HASH.hex(),
    }
