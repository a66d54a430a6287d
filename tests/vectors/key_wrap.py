"""Vectors for wrapped keys: recorded wraps to open under their context, because HPKE's encrypt draws randomness."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync_protocol.errors import forged
from sync_protocol.ids import CertificateHash, ChartId, Hash, OrganisationId
from sync_protocol.key_wrap import WrapContext, WrapPrivateKey, unwrap
from sync_protocol.labels import Label
from sync_protocol.records import unpack
from sync_protocol.roles import Compartment
from tests.vectors import recorded
from tests.vectors.forms import outcome

SEED = bytes(range(32))
KEY = bytes(range(32, 64))
RECIPIENT = WrapPrivateKey(SEED)
CHART = WrapContext(
    organisation=OrganisationId(b"o" * 16),
    chart=ChartId(b"c" * 16),
    compartment=Compartment.SENSITIVE,
    commitment=Hash(b"e" * 32),
    parents=(Hash(b"q" * 32), Hash(b"p" * 32)),
    recipient=RECIPIENT.public,
    minter=CertificateHash(b"m" * 32),
)
TEAM = replace(CHART, chart=None, compartment=None, parents=())


def make() -> dict[str, Any]:
    """Two recorded wraps that open, and the ways in which one does not."""
    wraps = {name: bytes.fromhex(recorded.read()[name]) for name in ("chart", "team")}
    good = wraps["chart"]
    accepted = [case("a chart's epoch", CHART, good), case("a team's epoch", TEAM, wraps["team"])]
    refused = [
        case("another chart", replace(CHART, chart=ChartId(b"x" * 16)), good),
        case("another compartment", replace(CHART, compartment=Compartment.SAFETY), good),
        case("another minter", replace(CHART, minter=CertificateHash(b"x" * 32)), good),
        case("a team's wrap for a chart", CHART, wraps["team"]),
        case("nothing", CHART, b""),
        case("cut by a byte", CHART, good[:-1]),
        case("the encapsulation changed", CHART, bytes([good[0] ^ 1]) + good[1:]),
        case("the tag changed", CHART, good[:-1] + bytes([good[-1] ^ 1])),
    ]
    return {
        "about": "HPKE base mode (RFC 9180), X-Wing (0x647a), HKDF-SHA256 (1), AES-256-GCM (2); "
        "wrap = enc (1,120 bytes), ciphertext, tag; info = label and record {1: organisation, 2: commitment, "
        "3: parents, 4: recipient, 5: minter, 6: chart, 7: compartment}.",
        "seed": SEED.hex(),
        "public": RECIPIENT.public.hex(),
        "accepted": [item | {"key": check(item).hex()} for item in accepted],
        "refused": [item | outcome(check, item) for item in refused],
    }


def case(name: str, context: WrapContext, wrapped: bytes) -> dict[str, str]:
    """One case as it is written."""
    return {"name": name, "info": context.info().hex(), "wrap": wrapped.hex()}


def check(item: dict[str, str]) -> bytes:
    """Open one case."""
    info = bytes.fromhex(item["info"])
    if not info.startswith(Label.EPOCH_WRAP):
        raise forged("the label of a wrap", "another")
    return unwrap(
        WrapPrivateKey(SEED),
        bytes.fromhex(item["wrap"]),
        context=unpack(WrapContext, info.removeprefix(Label.EPOCH_WRAP)),
    )
