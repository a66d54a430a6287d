"""Every limit of the bridge, in one place, named with its unit. `hello` tells hosts the ones that they must keep."""

from __future__ import annotations

from typing import Final

FRAME_BYTES_MAX: Final = 256 * 1024
"""One frame of a host; decoding the worst one takes a quarter of a second."""
RESULT_BYTES_MAX: Final = 8 * 1024 * 1024
"""One frame of the runtime."""
RESULT_DEPTH_MAX: Final = 10
"""Lists and maps of clinical state, one within the other: what the encoding's 12 leave within frame and body."""
OP_BYTES_MAX: Final = 48
ID_MAX: Final = 2**53 - 1
"""Request ids and sequence numbers: what a JavaScript number holds exactly."""
DEADLINE_MS_MAX: Final = 24 * 3600 * 1000
REQUESTS_MAX: Final = 64
"""Requests and streams that one connection may have open."""
CREDIT_MAX: Final = 256
"""Items that one stream may be asked for ahead."""
CHARTS_IN_ITEM_MAX: Final = 1000
"""Charts that one `changed` item names; beyond it, it says that any may have changed."""
ALARMS_MAX: Final = 32
"""Different alarms that wait for a slow host."""
CONNECTIONS_MAX: Final = 8
"""Hosts at one time."""

INBOX_FRAMES_MAX: Final = 256
"""Frames that a host in this process handed over and that nobody has looked at."""
OUTBOX_FRAMES_LOW: Final = 64
"""Frames that wait for a host; while it has as many, nothing more is done for it."""
OUTBOX_BYTES_LOW: Final = 1024 * 1024
"""The same in bytes."""
OUTBOX_FRAMES_MAX: Final = 1024
"""Frames that wait for a host that only sends and never takes; then its connection ends."""

HOME_CHARS_MAX: Final = 64
PASSPHRASE_BYTES_MAX: Final = 4096
PIN_BYTES_MAX: Final = 64
LOCK_TICK_S: Final = 1.0
"""How often the device looks whether it must lock, while something is open; it also looks before each step."""
RELAY_BYTES_MAX: Final = 512
TEXT_BYTES_MAX: Final = 128 * 1024
"""One text section of a change; the clinical rules allow less."""
CHANGE_FACTS_MAX: Final = 64
DETAIL_CHARS_MAX: Final = 400
"""Each of the words of an error."""

BUSY_RETRY_MS: Final = 100
CORRELATION_BYTES: Final = 8
TOKEN_BYTES: Final = 32
HANDSHAKE_S: Final = 5.0
"""How long a WebSocket handshake may take."""
START_S: Final = 10.0
"""How long starting and stopping a thread or a server may take."""
SYNC_ATTEMPT_MAX: Final = 10
"""Attempts in a row that lengthen the pause between them; it has its longest by then."""
SYNC_LASTED_MS: Final = 30_000
"""A connection to the relay that lasted as long was a good one: the next pause is a short one again."""
AI_TEXT_BYTES_MAX: Final = 128 * 1024
"""What a draft is made from, where a host hands it in; the skills take 32,000 characters."""
AI_OPTIONS_MAX: Final = 16
INFERENCE_NAME_BYTES_MAX: Final = 128
INFERENCE_PIECE_BYTES_MAX: Final = 64 * 1024
"""One piece of a host's answer."""
INFERENCE_CONTEXT_MAX: Final = 16 * 1024 * 1024
"""Tokens that a host may say its model holds."""
INFERENCE_LOAD_S: Final = 120.0
"""How long a host may take to load its model; and to count tokens, below."""
INFERENCE_COUNT_S: Final = 10.0
