"""Which function carries out which command. `hello` is the connection's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mobile_bridge.handlers import ai, charts, session, sync
from mobile_bridge.handlers.context import Handler

HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "session.open": session.open_session,
        "session.lock": session.lock,
        "session.close": session.close,
        "session.pin": session.set_pin,
        "session.touch": session.touch,
        "session.reopen": session.reopen,
        "session.switch": session.switch,
        "profiles.list": session.profiles,
        "charts.list": charts.list_charts,
        "chart.open": charts.open_chart,
        "document.read": charts.read_document,
        "document.change": charts.change_document,
        "events.subscribe": sync.subscribe,
        "sync.start": sync.start,
        "sync.stop": sync.stop,
        "sync.status": sync.status,
        "ai.skills": ai.skills,
        "ai.run": ai.run,
        "inference.offer": ai.offer,
        "inference.answer": ai.answer,
    }
)
