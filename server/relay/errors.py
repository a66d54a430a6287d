"""The errors of the relay's room, and what each kind of error is over HTTP: the one mapping there is.

Their messages name kinds, sizes and shortened ids; no bodies, no passwords, no tokens.
"""

from __future__ import annotations

from typing import Final

from server.serving.errors import OF_PROTOCOL, RETRY, Statuses, status_in
from sync_protocol.errors import ExplainedError


class RelayError(ExplainedError):
    """Base of the room."""


class StorageError(RelayError):
    """The database cannot do what was asked: missing, locked, full, damaged, or of another version."""


class StartError(RelayError):
    """The relay cannot start as it was told to."""


class UnclaimedError(RelayError):
    """No root-signed record of this relay is here yet, so it cannot prove itself to devices."""


class BusyError(RelayError):
    """More work than the relay takes at once; the same request is welcome later."""


class RateError(RelayError):
    """More requests from one address than a person makes."""


class QuotaError(RelayError):
    """More from one author's device than the relay takes from one in an hour; welcome later.

    Attributes:
        retry_after_s: in how many seconds.
    """

    def __init__(self, *, expected: str, got: str, do: str, retry_after_s: int) -> None:
        """Make the error; its code is always `quota`."""
        super().__init__("quota", expected=expected, got=got, do=do)
        self.retry_after_s = retry_after_s


class SlowError(RelayError):
    """The other side took longer than it may."""


class TokenError(RelayError):
    """No token, an unknown one, or one that has ended or was revoked."""


class RevokedError(RelayError):
    """The device, or its user, is trusted no longer."""


class MissingError(RelayError):
    """There is no such thing here."""


class ConflictError(RelayError):
    """Well formed, but against what is here already."""


RETRY_AFTER_S: Final = 5
"""What a busy relay asks for; clients add jitter."""

_STATUS: Final[Statuses] = (
    (RateError, 429),
    (QuotaError, 429),
    (SlowError, 408),
    (BusyError, 503),
    (UnclaimedError, 503),
    (StorageError, 503),
    (TokenError, 401),
    (RevokedError, 403),
    (MissingError, 404),
    (ConflictError, 409),
    *OF_PROTOCOL,
)
"""Kinds of error and their HTTP status, more special ones first."""
_NO_TOKEN: Final = 401


def status_of(error: ExplainedError) -> int:
    """The HTTP status that says the same as the error."""
    return status_in(_STATUS, error)


def headers_of(status: int) -> dict[str, str]:
    """The headers that go with a status."""
    if status in RETRY:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {"WWW-Authenticate": "Bearer"} if status == _NO_TOKEN else {}


def retry_after_s(error: ExplainedError | None) -> int | None:
    """In how many seconds somebody may come back who was put off; None where nobody was."""
    if isinstance(error, QuotaError):
        return error.retry_after_s
    put_off = isinstance(error, BusyError | UnclaimedError | RateError | StorageError)
    return RETRY_AFTER_S if put_off else None


def unclaimed() -> UnclaimedError:
    """Make the error of a relay that waits for its record."""
    return UnclaimedError(
        "relay_unclaimed",
        expected="a relay that the organisation's root has recorded",
        got="a relay without such a record",
        do="let an administrator sign the relay's record and send it to this relay, then try again",
    )


def revoked() -> RevokedError:
    """Make the error of a device that is no longer served; it tells nothing of who revoked it."""
    return RevokedError(
        "revoked",
        expected="a certificate that the organisation trusts",
        got="one that an administrator revoked",
        do="ask the organisation's administrator; what was written here stays here and can be handed over",
    )


def busy(what: str, limit: int, unit: str) -> BusyError:
    """Make a BusyError that names the limit which was reached."""
    return BusyError(
        "busy",
        expected=f"{what} of at most {limit} {unit} at once",
        got="more",
        do=f"try again in {RETRY_AFTER_S} seconds or later",
    )
