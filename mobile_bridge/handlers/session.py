"""Opening, locking and closing homes, and who has one here."""

from __future__ import annotations

from edge_runtime.errors import RefusedError
from edge_runtime.runtime import Runtime
from mobile_bridge.handlers.context import Context
from mobile_bridge.request import Request
from mobile_bridge.schema.types import invalid
from mobile_bridge.sources import Body
from sync_protocol.encoding import Value


def open_session(context: Context, request: Request) -> Body:
    """`session.open`."""
    name = request.text("home")
    return _who(name, context.device.open(context.host, name, request.text("passphrase")))


def lock(context: Context, _request: Request) -> Body:
    """`session.lock`."""
    _ = context.runtime  # only who has it open may lock it
    context.device.lock()
    return {}


def set_pin(context: Context, request: Request) -> Body:
    """`session.pin`."""
    context.device.set_pin(context.host, request.text("pin"), request.text("passphrase"))
    return {}


def touch(context: Context, _request: Request) -> Body:
    """`session.touch`."""
    context.device.touch(context.host)
    return {}


def reopen(context: Context, request: Request) -> Body:
    """`session.reopen`."""
    name = request.text("home")
    return _who(name, context.device.reopen(context.host, name, request.text("pin")))


def switch(context: Context, request: Request) -> Body:
    """`session.switch`."""
    name, pin, passphrase = request.text("home"), request.text_or_none("pin"), request.text_or_none("passphrase")
    if (pin is None) == (passphrase is None):
        raise invalid("session.switch", "either `pin` or `passphrase`", "both, or none")
    return _who(name, context.device.switch(context.host, name, pin=pin, passphrase=passphrase))


def profiles(context: Context, _request: Request) -> Body:
    """`profiles.list`."""
    found: list[Value] = [
        {"home": one.name, "label": one.label, "state": one.state.value} for one in context.device.profiles()
    ]
    return {"profiles": found}


def close(context: Context, _request: Request) -> Body:
    """`session.close`."""
    context.device.close(context.host)
    return {}


def _who(home: str, runtime: Runtime) -> dict[str, Value]:
    try:
        identity = runtime.identity
    except RefusedError:
        return {"home": home, "enrolled": False, "waiting": runtime.waiting}
    return {
        "home": home,
        "enrolled": True,
        "waiting": False,
        "device": str(identity.certificate.device),
        "user": str(identity.certificate.user),
        "role": identity.certificate.role.value,
        "organisation": str(identity.root.value.organisation),
    }
