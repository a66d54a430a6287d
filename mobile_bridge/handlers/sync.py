"""Live sync and what happens on the device."""

from __future__ import annotations

from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.client import ALARM
from edge_runtime.sync.lacking import held_report
from edge_runtime.sync.safety import safe_count
from mobile_bridge.handlers.context import Context
from mobile_bridge.live import OFF, LiveSync, State, SyncState
from mobile_bridge.request import Request
from mobile_bridge.sources import Body, Source


def subscribe(context: Context, _request: Request) -> Source:
    """`events.subscribe`."""
    return context.device.subscribe(context.host)


def start(context: Context, request: Request) -> Body:
    """`sync.start`."""
    runtime = context.runtime
    _ = runtime.identity  # only an enrolled device has something to sync
    address = runtime.connections.relay_address(request.text_or_none("relay"))
    live = context.device.live(context.host)
    if live is None or live.address != address or live.state.state is State.FAILED:
        live = context.device.start_sync(context.host, address)
    return {"state": live.state.state.value}


def stop(context: Context, _request: Request) -> Body:
    """`sync.stop`."""
    context.device.stop_sync(context.host)
    return {"state": State.OFF.value}


def status(context: Context, _request: Request) -> Body:
    """`sync.status`."""
    store = context.runtime.store
    now_ms = context.device.ports.clock()
    state = _state(context.device.live(context.host))
    counts, oldest, alarm = store.upload_counts(), store.oldest_pending_ms(), store.get_value(ALARM)
    return {
        "state": state.state.value,
        "code": None if state.code is None else state.code.value,
        "retry_in_ms": None if state.retry_at_ms is None else max(0, state.retry_at_ms - now_ms),
        "pending": store.waiting(),
        "receipted": counts.get(UploadState.RECEIPTED, 0),
        "refused": counts.get(UploadState.REFUSED, 0),
        "oldest_pending_ms": None if oldest is None else max(0, now_ms - oldest),
        "alarm": None if alarm is None else alarm.decode(),
        "at_peer": counts.get(UploadState.AT_PEER, 0),
        "safe": safe_count(store),
        "held": sum(one.count for one in held_report(store)),
    }


def _state(live: LiveSync | None) -> SyncState:
    return OFF if live is None else live.state
