"""Enrolment requests on file: one an invitation, until an administrator's certificate answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from server.relay.models import EnrolmentRequest, RequestState, table
from sync_protocol.ids import DeviceId, InvitationId

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_REQUEST: Final = table(EnrolmentRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledRequest:
    """A request as it was filed.

    Attributes:
        wire: the packed `WireRequest`, as received.
        received_ms: the relay's clock when it came, in Unix milliseconds.
    """

    invitation: InvitationId
    device: DeviceId
    wire: bytes
    state: RequestState
    received_ms: int


def file_request(connection: Connection, request: FiledRequest) -> bool:
    """File a request, unless another one holds its invitation.

    Returns:
        Whether this request is on file now; the same bytes again are.
    """
    query = select(_REQUEST.c.wire).where(_REQUEST.c.invitation == request.invitation)
    held = connection.execute(query).scalar()
    if held is None:
        row = {name: getattr(request, name) for name in ("invitation", "device", "wire", "received_ms")}
        connection.execute(insert(_REQUEST), {**row, "state": request.state.value})
    return held is None or held == request.wire


def requests(connection: Connection, state: RequestState) -> list[FiledRequest]:
    """The requests in a state, in the order in which they came."""
    query = select(_REQUEST).where(_REQUEST.c.state == state.value)
    return [_filed(row) for row in connection.execute(query.order_by(_REQUEST.c.received_ms, _REQUEST.c.invitation))]


def request(connection: Connection, device: DeviceId) -> FiledRequest | None:
    """A device's newest request; it may have filed one with each of several invitations."""
    query = select(_REQUEST).where(_REQUEST.c.device == device)
    newest = query.order_by(_REQUEST.c.received_ms.desc(), _REQUEST.c.invitation).limit(1)
    row = connection.execute(newest).one_or_none()
    return None if row is None else _filed(row)


def mark_request(connection: Connection, device: DeviceId, state: RequestState) -> None:
    """Put all requests of a device into a state: a certificate answers the device."""
    connection.execute(update(_REQUEST).where(_REQUEST.c.device == device).values(state=state.value))


def _filed(row: Row[tuple[object, ...]]) -> FiledRequest:
    return FiledRequest(
        invitation=InvitationId(row.invitation),
        device=DeviceId(row.device),
        wire=row.wire,
        state=RequestState(row.state),
        received_ms=row.received_ms,
    )
