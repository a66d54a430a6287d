"""How vectors write what JSON has no form for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync_protocol.errors import ProtocolError


def to_json(value: Any) -> Any:
    """A CBOR value as JSON.

    Bytes become {"bytes": hex}, a map {"map": [[key, value], ...]} in its order, a large integer {"int": text}.
    """
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {"map": [[to_json(key), to_json(item)] for key, item in value.items()]}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return {"int": str(value)}
    return value


def from_json(form: Any) -> Any:
    """Reverse `to_json`."""
    if isinstance(form, list):
        return [from_json(item) for item in form]
    if not isinstance(form, dict):
        return form
    if "bytes" in form:
        return bytes.fromhex(form["bytes"])
    if "int" in form:
        return int(form["int"])
    return {from_json(key): from_json(value) for key, value in form["map"]}


def outcome(act: Callable[..., object], *arguments: object) -> dict[str, str]:
    """The name of the error by which `act` refuses its arguments; it must refuse them."""
    try:
        act(*arguments)
    except ProtocolError as error:
        return {"error": type(error).__name__}
    raise AssertionError(arguments)
