"""The closed list of error codes, and how every exception becomes one of them. Owns what a host hears of a failure.

Refuses the words of exceptions that nobody foresaw: they may quote patient data, so only their type leaves. The words
of an ExplainedError hold none by its contract, and are cut to a length.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.errors import BudgetError, EngineError, ModelError
from edge_runtime.errors import InputError, RefusedError, RemoteError, StoreError, VaultError
from edge_runtime.identity import Entropy
from edge_runtime.text.errors import DraftUnavailableError, HeldLimitError, ReplicaFailedError, UpdateRefusedError
from mobile_bridge.limits import CORRELATION_BYTES, DETAIL_CHARS_MAX
from sync_protocol.encoding import Value
from sync_protocol.errors import ExplainedError, LimitError, MisuseError, PeerError

_log = logging.getLogger(__name__)


class ErrorCode(StrEnum):
    """What went wrong. Closed: a host knows every code of the version that it speaks."""

    MALFORMED = "malformed"
    FRAME_TOO_LARGE = "frame_too_large"
    REPLAYED_ID = "replayed_id"
    NOT_TAKEN = "not_taken"
    VERSION = "version"
    HELLO_FIRST = "hello_first"
    UNKNOWN_OP = "unknown_op"
    INVALID_REQUEST = "invalid_request"
    BUSY = "busy"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"
    CREDIT_OVERFLOW = "credit_overflow"
    RESULT_TOO_LARGE = "result_too_large"
    INTERNAL = "internal"
    LOCKED = "locked"
    WRONG_PASSPHRASE = "wrong_passphrase"  # noqa: S105 a code
    WRONG_PIN = "wrong_pin"
    PASSPHRASE_NEEDED = "passphrase_needed"  # noqa: S105 a code
    HOME_IN_USE = "home_in_use"
    NOT_FOUND = "not_found"
    NOT_ENROLLED = "not_enrolled"
    NOT_ALLOWED = "not_allowed"
    INVALID_CHANGE = "invalid_change"
    CONFLICT = "conflict"
    LIMIT = "limit"
    STORAGE = "storage"
    DAMAGED = "damaged"
    UPDATE_NEEDED = "update_needed"
    NO_RELAY = "no_relay"
    RELAY_UNREACHABLE = "relay_unreachable"
    RELAY_BUSY = "relay_busy"
    RELAY_REFUSED = "relay_refused"
    ENGINE = "engine"
    MODEL = "model"


CONNECTION_ERRORS: Final = frozenset(
    {ErrorCode.MALFORMED, ErrorCode.FRAME_TOO_LARGE, ErrorCode.REPLAYED_ID, ErrorCode.NOT_TAKEN}
)
"""Codes that come with id 0 only, and end the connection."""
REQUEST_ERRORS: Final = frozenset(
    {
        ErrorCode.VERSION,
        ErrorCode.HELLO_FIRST,
        ErrorCode.UNKNOWN_OP,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.BUSY,
        ErrorCode.CANCELLED,
        ErrorCode.DEADLINE,
        ErrorCode.CREDIT_OVERFLOW,
        ErrorCode.RESULT_TOO_LARGE,
        ErrorCode.INTERNAL,
    }
)
"""Codes that may answer any request; each command lists its further ones."""
RETRYABLE: Final = frozenset(
    {
        ErrorCode.BUSY,
        ErrorCode.CONFLICT,
        ErrorCode.DEADLINE,
        ErrorCode.ENGINE,
        ErrorCode.RELAY_BUSY,
        ErrorCode.RELAY_UNREACHABLE,
        ErrorCode.STORAGE,
    }
)
"""Codes after which the same request may go through, at once or after something was done first."""

_CODES: Final[Mapping[str, ErrorCode]] = MappingProxyType(
    {
        "wrong_passphrase": ErrorCode.WRONG_PASSPHRASE,
        "wrong_pin": ErrorCode.WRONG_PIN,
        "passphrase_needed": ErrorCode.PASSPHRASE_NEEDED,
        "pin_unfit": ErrorCode.INVALID_REQUEST,
        "device_locked": ErrorCode.LOCKED,
        "other_home_open": ErrorCode.CONFLICT,
        "no_profile": ErrorCode.NOT_FOUND,
        "no_vault": ErrorCode.NOT_FOUND,
        "no_such_chart": ErrorCode.NOT_FOUND,
        "home_in_use": ErrorCode.HOME_IN_USE,
        "not_enrolled": ErrorCode.NOT_ENROLLED,
        "no_relay": ErrorCode.NO_RELAY,
        "relay_unreachable": ErrorCode.RELAY_UNREACHABLE,
        "relay_silent": ErrorCode.RELAY_UNREACHABLE,
        "busy": ErrorCode.RELAY_BUSY,
        "too_often": ErrorCode.RELAY_BUSY,
        "token": ErrorCode.RELAY_BUSY,
        "ambiguous_medication": ErrorCode.CONFLICT,
        "store_changed": ErrorCode.CONFLICT,
        "store_damaged": ErrorCode.DAMAGED,
        "store_foreign": ErrorCode.DAMAGED,
        "no_store": ErrorCode.DAMAGED,
        "vault_damaged": ErrorCode.DAMAGED,
        "store_newer": ErrorCode.UPDATE_NEEDED,
        "vault_newer": ErrorCode.UPDATE_NEEDED,
        "store_closed": ErrorCode.LOCKED,
        "cancelled": ErrorCode.CANCELLED,
        "queue_full": ErrorCode.BUSY,
    }
)
_KINDS: Final[tuple[tuple[type[ExplainedError], ErrorCode], ...]] = (
    (MisuseError, ErrorCode.INTERNAL),
    (InputError, ErrorCode.INVALID_CHANGE),
    (UpdateRefusedError, ErrorCode.INVALID_CHANGE),
    (DraftUnavailableError, ErrorCode.CONFLICT),
    (HeldLimitError, ErrorCode.LIMIT),
    (ReplicaFailedError, ErrorCode.INTERNAL),
    (BudgetError, ErrorCode.LIMIT),
    (EngineError, ErrorCode.ENGINE),
    (ModelError, ErrorCode.MODEL),
    (RefusedError, ErrorCode.NOT_ALLOWED),
    (VaultError, ErrorCode.STORAGE),
    (StoreError, ErrorCode.STORAGE),
    (RemoteError, ErrorCode.RELAY_REFUSED),
    (LimitError, ErrorCode.LIMIT),
    (PeerError, ErrorCode.INVALID_CHANGE),
)
"""By kind, where the code says no more; the first that fits."""


class BridgeError(ExplainedError):
    """Base of the room: what the bridge itself refuses.

    Attributes:
        fault: the code that the host hears.
        retry_after_ms: when to try again, where that is known.
    """

    def __init__(
        self, fault: ErrorCode, *, expected: str, got: str, do: str, retry_after_ms: int | None = None
    ) -> None:
        """Keep the code beside the explanation."""
        super().__init__(fault.value, expected=expected, got=got, do=do)
        self.fault = fault
        self.retry_after_ms = retry_after_ms


class HostError(ExplainedError):
    """The app that embeds the bridge called it wrongly, or its connection is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure as it travels.

    Attributes:
        reason: a finer word for machines; not from a closed list.
        expected, got, do: for developers and logs, in English; no patient data, no secret.
    """

    code: ErrorCode
    reason: str
    expected: str
    got: str
    do: str
    retry_after_ms: int | None = None

    def body(self, correlation: str) -> dict[str, Value]:
        """The body of an `err` frame."""
        words = {"reason": self.reason, "expected": self.expected, "got": self.got, "do": self.do}
        body: dict[str, Value] = {
            "code": self.code.value,
            "retryable": self.code in RETRYABLE,
            "correlation_id": correlation,
            "detail": {name: word[:DETAIL_CHARS_MAX] for name, word in words.items()},
        }
        return body if self.retry_after_ms is None else body | {"retry_after_ms": self.retry_after_ms}


def fault_of(error: Exception) -> Fault:
    """What a host may hear of an exception."""
    if isinstance(error, BridgeError):
        return Fault(
            code=error.fault,
            reason=error.code,
            expected=error.expected,
            got=error.got,
            do=error.do,
            retry_after_ms=error.retry_after_ms,
        )
    if isinstance(error, ExplainedError):
        code = _CODES.get(error.code) or next(
            (code for kind, code in _KINDS if isinstance(error, kind)), ErrorCode.INTERNAL
        )
        return Fault(code=code, reason=error.code, expected=error.expected, got=error.got, do=error.do)
    return Fault(
        code=ErrorCode.INTERNAL,
        reason=type(error).__name__,
        expected="no failure of this program",
        got=type(error).__name__,
        do="report this as a bug, with the correlation id",
    )


def failed(error: Exception, *, what: str, entropy: Entropy) -> dict[str, Value]:
    """The body of an `err` frame for an exception; what is our own fault is noted in the log, by type only."""
    fault = fault_of(error)
    correlation = entropy(CORRELATION_BYTES).hex()
    if fault.code is ErrorCode.INTERNAL:
        _log.error("%s failed: %s (%s)", what, type(error).__name__, correlation)
    return fault.body(correlation)
