"""What every transport offers: frames out, frames in, one after the other."""

from __future__ import annotations

import re
from typing import Final, Protocol
from urllib.parse import urlsplit

from edge_runtime.errors import InputError, RemoteError
from sync_protocol.errors import malformed
from sync_protocol.frames import FrameReader

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
"""A name as DNS carries it, international ones in their ASCII form, or an address."""


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


def whole_frames(reader: FrameReader, message: bytes) -> list[bytes]:
    """The frames of one message, which has at least one and ends with one.

    Else somebody could say a byte now and then, and each time begin the wait for a frame anew.

    Raises:
        PeerError: it has none, ends within one, or claims one that is too long.
    """
    frames = list(reader.feed(message))
    reader.end()
    if not frames:
        raise malformed("whole frames in a message", "none")
    return frames


def address_of(url: str) -> str:
    """The form in which both sides sign an address: scheme, host in lower case, port.

    Raises:
        InputError: not an http or https URL of a relay.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _no_address(url) from None
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or port == 0 or extra:
        raise _no_address(url)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port or _PORTS[parts.scheme]}"


def unreachable(address: str, got: str) -> RemoteError:
    """Make the error for a relay that does not answer."""
    return RemoteError(
        "relay_unreachable",
        expected=f"a relay that answers at {address}",
        got=got,
        do="go on working; everything is kept on this device. Check the network and sync again",
    )


def silent() -> RemoteError:
    """Make the error for a relay from which an expected answer does not come."""
    return RemoteError(
        "relay_silent", expected="an answer of the relay in time", got="none", do="sync again; nothing was lost"
    )


def _no_address(url: str) -> InputError:
    return InputError(
        "relay_address",
        expected="a relay's address, such as https://relay.example.org",
        got=f"{len(url)} characters that are none",
        do="copy the address that 'fieldward server run' printed",
    )
