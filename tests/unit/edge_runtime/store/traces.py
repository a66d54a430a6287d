"""The traces that a secret would leave in a file."""

from __future__ import annotations

import base64


def traces(secret: bytes) -> list[bytes]:
    """The secret as bytes, hexadecimal digits, base64 at three alignments, UTF-16; its beginning, its end."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode(), secret[: len(secret) // 2], secret[-8:]]
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + secret)
        found.append(encoded[(shift * 8 + 5) // 6 : (len(secret) + shift) // 3 * 4])
        found.append(found[-1].replace(b"+", b"-").replace(b"/", b"_"))
    text = secret.decode("latin-1")
    found += [text.encode("utf-16-le"), text.encode("utf-16-be")]
    return [trace for trace in found if len(trace) >= 8]
