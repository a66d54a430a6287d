"""A text worker that does what hostile bytes might make one do, when it is given a certain text.

Owns faults only; everything else is the real child. `python -m tests.unit.edge_runtime.text.bad_worker MEMORY SECONDS`.
"""

from __future__ import annotations

import os
import signal
import sys

from edge_runtime.text import worker_process
from edge_runtime.text.replica import InProcessReplica

HANG, CRASH, GLUTTON, GARBAGE, LIE, CHATTER = (
    b"it hangs",
    b"it crashes",
    b"it eats memory",
    b"it talks nonsense",
    b"it says another thing",
    b"it never stops talking",
)


class BadReplica(InProcessReplica):
    """Fails as the text says."""

    def apply(self, update: bytes) -> None:
        """Apply, or fail."""
        if HANG in update:
            while True:
                pass
        if CRASH in update:
            os.kill(os.getpid(), signal.SIGSEGV)
        if GLUTTON in update:
            bytearray(8 << 30)
        if GARBAGE in update:
            OUTPUT.write(b"\0\0\0\2\xff\xff")
        if LIE in update:
            OUTPUT.write(b"\0\0\0\3\x82\x01\x07")
        while CHATTER in update:
            OUTPUT.write(b"\0\0\0\2\x81\x00")
        super().apply(update)


OUTPUT = os.fdopen(os.dup(1), "wb", buffering=0)

if __name__ == "__main__":
    if len(sys.argv) > 1:
        vars(worker_process)["InProcessReplica"] = BadReplica
        worker_process.main()
