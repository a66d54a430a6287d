"""Whose adapters this device takes: keys, and why each is trusted.

Owns the file. A key comes in by the hand of a person who gives it, or as that of an administrator of the organisation
whose home was open. It stays until somebody takes it out; the adapters that it signed then load no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.strict_json import HEX_DIGEST, Fields, read_object, write_object
from edge_runtime.errors import InputError
from edge_runtime.settings import replace_file
from sync_protocol.errors import PeerError
from sync_protocol.signing import VerifyKey, check_verify_key

if TYPE_CHECKING:
    from edge_runtime.clinical.fact_json import Json

SIGNERS_MAX: Final = 64
_BYTES_MAX: Final = 64 * 1024
_VERSION: Final = 1
_ORGANISATION: Final = re.compile(rf"|{HEX_DIGEST.pattern}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A trusted key.

    Attributes:
        key: which.
        organisation: hash of the root of the organisation that vouched for it, hex; empty: a person gave it.
        role: of its holder there.
        since_ms: when it was trusted.
    """

    key: VerifyKey
    organisation: str
    role: str
    since_ms: int


def parse_key(text: str) -> VerifyKey:
    """Read a key that a person gives.

    Raises:
        InputError: no Ed25519 key in hexadecimal.
    """
    try:
        found = VerifyKey(bytes.fromhex(text))
        check_verify_key(found)
    except (ValueError, PeerError):
        raise InputError(
            "signer_key",
            expected="an Ed25519 key, 64 hexadecimal digits, as 'fieldward model adapter sign' printed it",
            got=f"{len(text)} characters that are none",
            do="compare it with what the signer sees",
        ) from None
    return found


def read_signers(path: Path) -> tuple[Signer, ...]:
    """The trusted keys; none where there is no file.

    Raises:
        ModelError: `signers_damaged`: nobody is trusted until it is mended.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES_MAX + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _damaged((error.strerror or "an error").lower()) from None
    try:
        fields = read_object(data, bytes_max=_BYTES_MAX)
        fields.number("fieldward_signers", least=_VERSION, most=_VERSION)
        found = tuple(_signer(one) for one in fields.objects("signers", items_max=SIGNERS_MAX))
        fields.end()
    except (ValueError, PeerError) as error:
        raise _damaged(str(error) if isinstance(error, ValueError) else "a key that is none") from None
    return found


def write_signers(path: Path, signers: tuple[Signer, ...]) -> None:
    """Keep the trusted keys.

    Raises:
        InputError: more than SIGNERS_MAX.
        OSError: it cannot be written; the old ones stand.
    """
    if len(signers) > SIGNERS_MAX:
        raise InputError(
            "signers_full",
            expected=f"at most {SIGNERS_MAX} trusted signers",
            got="one more",
            do="take one out first: fieldward model adapter distrust KEY",
        )
    rows: list[Json] = [
        {"key": one.key.hex(), "organisation": one.organisation, "role": one.role, "since_ms": one.since_ms}
        for one in signers
    ]
    replace_file(path, write_object({"fieldward_signers": _VERSION, "signers": rows}))


def _signer(fields: Fields) -> Signer:
    found = Signer(
        key=VerifyKey(bytes.fromhex(fields.digest("key"))),
        organisation=fields.text("organisation", chars_max=64, form=_ORGANISATION),
        role=fields.text("role", chars_max=40),
        since_ms=fields.number("since_ms"),
    )
    fields.end()
    check_verify_key(found.key)
    return found


def _damaged(got: str) -> ModelError:
    return ModelError(
        "signers_damaged",
        expected="the file of trusted signers as this program wrote it",
        got=got,
        do="remove signers.json in the folder of models, and trust each signer anew",
    )
