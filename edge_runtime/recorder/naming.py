"""Which of the things at hand a person means by the beginning of an id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from edge_runtime.errors import RefusedError
from sync_protocol.ids import CertificateHash, DeviceId, DocumentId, FixedBytes, UserId
from sync_protocol.organisation import Organisation

PREFIX_MIN: Final = 4
_SHOWN_MAX: Final = 32
_NAMED_MAX: Final = 8
"""Documents of one type whose ids a refusal lists."""
F = TypeVar("F", bound=FixedBytes)


def one_named(text: str, known: Iterable[F], what: str, do: str) -> F:
    """The one id that begins with `text`.

    Args:
        text: hexadecimal digits, PREFIX_MIN at least.
        known: the ids to choose from.
        what: the kind of thing, for the refusal.
        do: where to find the ids.

    Raises:
        RefusedError: none, or several.
    """
    wanted = text.lower()
    found = [name for name in known if len(wanted) >= PREFIX_MIN and str(name).startswith(wanted)]
    if len(found) != 1:
        raise RefusedError(
            f"no_such_{what}" if not found else f"ambiguous_{what}",
            expected=f"the id of one {what}, or at least its first {PREFIX_MIN} digits",
            got=f"{text[:_SHOWN_MAX]!r}, which fits {len(found)}",
            do=do,
        )
    return found[0]


def shared_type(documents: Sequence[DocumentId]) -> RefusedError:
    """What is said where a workflow type names several documents: their ids, because one of them is meant."""
    shown = ", ".join(document.short for document in documents[:_NAMED_MAX])
    more = f" and {len(documents) - _NAMED_MAX} more" if len(documents) > _NAMED_MAX else ""
    return RefusedError(
        "ambiguous_document",
        expected="the id of one document, or a workflow type that only one has",
        got=f"a type that {len(documents)} documents have: {shown}{more}",
        do="give one of these ids; 'fieldward workflow show CHART' says which is which",
    )


def principal_named(
    text: str, organisation: Organisation, *, among: Iterable[CertificateHash] | None = None
) -> CertificateHash:
    """The principal whose device id, or user id, begins with `text`.

    Args:
        text: hexadecimal digits; those of a user where a device has several.
        organisation: who there is.
        among: to choose from; None for everybody who is not revoked.

    Raises:
        RefusedError: none, or several.
    """
    known = organisation.trust.principals() if among is None else tuple(among)
    gone = organisation.now.revoked if among is None else frozenset[CertificateHash]()
    found: dict[DeviceId | UserId, list[CertificateHash]] = {}
    for name in known:
        certificate = organisation.trust.certificate(name)
        if certificate is not None and name not in gone:
            found.setdefault(certificate.value.device, []).append(name)
            found.setdefault(certificate.value.user, []).append(name)
    key = one_named(text, found, "device", "list them with 'fieldward device list', or sync first")
    if len(found[key]) != 1:
        raise RefusedError(
            "ambiguous_device",
            expected="a device with one user, or a user with one device",
            got=f"{len(found[key])} of them",
            do="name the user where a device has several, the device where a user has several",
        )
    return found[key][0]
