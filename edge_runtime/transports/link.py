"""What every transport offers: frames out, frames in, one after the other."""

from __future__ import annotations

from typing import Final, Protocol
from urllib.parse import urlsplit

from edge_runtime.errors import InputError, RemoteError

_PORTS: Final = {"http": 80, "https": 443}


class Link(Protocol):
    """A connection to a relay."""

    def send(self, frame: bytes) -> None:
        """Hand over one frame.

        Raises:
            RemoteError: the connection is gone.
        """
        ...

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame; None when none came in time, or none will come before something is sent.

        Raises:
            RemoteError: the connection is gone.
            PeerError: what came is not a frame.
        """
        ...

    def close(self) -> None:
        """End the connection; again is nothing."""
        ...


def address_of(url: str) -> str:
    """The form in which both sides sign an address: scheme, host in lower case, port.

    Raises:
        InputError: not an http or https URL of a relay.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in _PORTS or not parts.hostname or port == -1 or parts.username is not None:
        raise InputError(
            "relay_address",
            expected="a relay's address, such as https://relay.example.org",
            got=f"{len(url)} characters that are none",
            do="copy the address that 'fieldward server run' printed",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or _PORTS[parts.scheme]}"


def unreachable(address: str, got: str) -> RemoteError:
    """Make the error for a relay that does not answer."""
    return RemoteError(
        "relay_unreachable",
        expected=f"a relay that answers at {address}",
        got=got,
        do="go on working; everything is kept on this device. Check the network and sync again",
    )
