"""The part of the relay's store that is no log: values under names, and enrolment requests until they are answered."""

from __future__ import annotations

from typing import Final

from sqlalchemy import insert, select, update

from server.relay import filing
from server.relay.filing import FiledRequest
from server.relay.log_store import LogStore
from server.relay.models import RelayValue, RequestState, table
from sync_protocol.ids import DeviceId, InvitationId

_VALUE: Final = table(RelayValue)


class FilingStore(LogStore):
    """What is on file beside the log. Threads may share one."""

    def get_value(self, name: str) -> bytes | None:
        """What is kept under a name, such as the relay's record."""
        found = self._column(select(_VALUE.c.value).where(_VALUE.c.name == name))
        return found[0] if found else None

    def put_value(self, name: str, value: bytes) -> None:
        """Keep something under a name, in place of what was there."""
        with self._changing() as connection:
            if not connection.execute(update(_VALUE).where(_VALUE.c.name == name).values(value=value)).rowcount:
                connection.execute(insert(_VALUE), {"name": name, "value": value})

    def file_request(self, *, invitation: InvitationId, device: DeviceId, wire: bytes, received_ms: int) -> bool:
        """File a pending enrolment request.

        Args:
            invitation: the invitation that it answers.
            device: the device that sends it.
            wire: the packed request, as received.
            received_ms: the relay's clock, in Unix milliseconds.

        Returns:
            Whether it is on file now, perhaps since earlier; False if another one holds the invitation.
        """
        with self._changing() as connection:
            return filing.file_request(
                connection,
                FiledRequest(
                    invitation=invitation,
                    device=device,
                    wire=wire,
                    state=RequestState.PENDING,
                    received_ms=received_ms,
                ),
            )

    def requests(self, state: RequestState) -> list[FiledRequest]:
        """The enrolment requests in a state, in the order in which they came."""
        with self._engine.connect() as connection:
            return filing.requests(connection, state)

    def request(self, device: DeviceId) -> FiledRequest | None:
        """A device's newest enrolment request."""
        with self._engine.connect() as connection:
            return filing.request(connection, device)

    def mark_request(self, device: DeviceId, state: RequestState) -> None:
        """Put a device's enrolment requests into a state."""
        with self._changing() as connection:
            filing.mark_request(connection, device, state)
