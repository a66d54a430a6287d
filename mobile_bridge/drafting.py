"""A draft on its way to a host: pieces as they come, then the whole, checked, and kept where that was asked for.

Owns the thread in which a skill's questions are answered: never the bridge's. A host that takes nothing holds no engine
up: pieces that wait are put together. Whatever ends the stream before its time stops the model, and nothing is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from edge_runtime.ai.drafting import Drafted, Drafting
from mobile_bridge.sources import Body

_THREAD: Final = "fieldward-draft"


class DraftRun:
    """A `Source` of a draft's pieces."""

    def __init__(self, drafting: Drafting, *, wake: Callable[[], None], finish: Callable[[Drafted], Body]) -> None:
        """Begin.

        Args:
            drafting: what is to be made.
            wake: has the bridge look again; from any thread.
            finish: makes the body of the stream's end, and keeps the draft, in the bridge's thread, with the turn.
        """
        self._drafting = drafting
        self._wake = wake
        self._finish = finish
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._drafted: Drafted | None = None
        self._failure: Exception | None = None
        threading.Thread(target=self._run, name=_THREAD, daemon=True).start()

    @property
    def ready(self) -> bool:
        """See Source."""
        with self._lock:
            return bool(self._pieces)

    @property
    def finished(self) -> bool:
        """See Source: what came is with the host, and there is an end."""
        with self._lock:
            return not self._pieces and (self._drafted is not None or self._failure is not None)

    def take(self) -> Body:
        """See Source."""
        with self._lock:
            text = "".join(self._pieces)
            self._pieces.clear()
        return {"text": text}

    def final(self) -> Body:
        """See Source.

        Raises:
            Exception: what kept the draft from being made, or kept.
        """
        if self._failure is not None:
            raise self._failure
        assert self._drafted is not None, "a finished run has an end"
        return self._finish(self._drafted)

    def close(self) -> None:
        """See Source: nobody wants the rest; after the end it is nothing."""
        self._drafting.cancel()

    def _run(self) -> None:
        try:
            drafted = self._drafting.run(self._came)
        except Exception as error:  # noqa: BLE001 every failure is the stream's end; `failed` decides what is said
            with self._lock:
                self._failure = error
        else:
            with self._lock:
                self._drafted = drafted
        self._wake()

    def _came(self, piece: str) -> None:
        with self._lock:
            self._pieces.append(piece)
        self._wake()
