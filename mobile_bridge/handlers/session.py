"""Opening, locking and closing the home."""

from __future__ import annotations

from edge_runtime.errors import RefusedError
from edge_runtime.runtime import Runtime
from mobile_bridge.handlers.context import Context
from mobile_bridge.request import Request
from mobile_bridge.sources import Body
from sync_protocol.encoding import Value


def open_session(context: Context, request: Request) -> Body:
    """`session.open`."""
    name = request.text("home")
    return _facts(context.device.open(context.host, name, request.text("passphrase"))) | {"home": name}


def lock(context: Context, _request: Request) -> Body:
    """`session.lock`."""
    _ = context.runtime  # only who has it open may lock it
    for host in context.device.lock():
        host.notify("session.locked", {})
    return {}


def close(context: Context, _request: Request) -> Body:
    """`session.close`."""
    context.device.close(context.host)
    return {}


def _facts(runtime: Runtime) -> dict[str, Value]:
    try:
        identity = runtime.identity
    except RefusedError:
        return {"enrolled": False, "waiting": runtime.waiting}
    return {
        "enrolled": True,
        "waiting": False,
        "device": str(identity.certificate.device),
        "user": str(identity.certificate.user),
        "role": identity.certificate.role.value,
        "organisation": str(identity.root.value.organisation),
    }
