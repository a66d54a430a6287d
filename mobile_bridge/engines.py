"""What answers for the hosts of this device: a model that a host runs, otherwise one of this runtime.

Owns the desks, one an engine, so that many hosts share one model and none waits for ever. Opens nothing before
somebody asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from edge_runtime.ai.engine.desk import Desk
from edge_runtime.ai.engine.host import HostEngine
from edge_runtime.ai.models.opening import Opened
from mobile_bridge.inference import HostedInference

OpenEngine = Callable[[str], Opened]
"""Chooses the model for a skill; loads nothing."""
HOST_WORDS: Final = "The host app runs this model."


class Engines:
    """The desks of one bridge; for its thread alone."""

    def __init__(self, open_engine: OpenEngine) -> None:
        """Open nothing yet."""
        self._open = open_engine
        self._local: Desk | None = None
        self._words = ""
        self._hosted: dict[str, Desk] = {}

    def desk(self, home: str | None, skill: str) -> tuple[Desk | None, str]:
        """What answers for a skill, and why in words; None: templates and rules.

        A model that is loaded goes on to answer until it was let go: it takes the memory for want of which another
        look would choose a smaller one, and somebody may be waiting for what it says.

        Raises:
            ModelError: a model that is damaged.
        """
        hosted = self._hosted.get(home or "")
        if hosted is not None:
            return hosted, HOST_WORDS
        local = self._local
        if local is not None and local.loaded:
            return local, self._words
        opened = self._open(skill)
        if opened.engine is None:
            return None, opened.choice.words
        if local is None or local.facts != opened.engine.facts:
            if local is not None:
                _end(local)
            local = self._local = Desk(opened.engine)
        self._words = opened.choice.words
        return local, self._words

    def offer(self, home: str, hosted: HostedInference) -> None:
        """Let a host answer for a home from now on."""
        self._hosted[home] = Desk(HostEngine(hosted))

    def withdraw(self, home: str) -> None:
        """It does no more."""
        desk = self._hosted.pop(home, None)
        if desk is not None:
            _end(desk)

    def offered(self, home: str) -> bool:
        """Whether a host answers for a home."""
        return home in self._hosted

    def low_memory(self) -> None:
        """Give the memory of the local model back, as soon as it answers nobody."""
        if self._local is not None:
            self._local.low_memory()

    def close(self) -> None:
        """Let go of everything."""
        for home in list(self._hosted):
            self.withdraw(home)
        if self._local is not None:
            self._local.close()
            self._local = None


def _end(desk: Desk) -> None:
    """Close a desk without waiting for it: the bridge's thread waits for nobody."""
    threading.Thread(target=desk.close, name="fieldward-desk-end", daemon=True).start()
