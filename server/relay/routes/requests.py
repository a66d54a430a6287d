"""How the relay reads requests and answers errors."""

from __future__ import annotations

import logging
from typing import Final

from server.relay.errors import RelayError, SlowError, headers_of, status_of
from server.serving.answers import Answers

FRAMES: Final = "application/vnd.fieldward.frames"
ANSWERS: Final = Answers(
    server="relay",
    log=logging.getLogger("fieldward.relay"),
    error=RelayError,
    slow=SlowError,
    status_of=status_of,
    headers_of=headers_of,
)
