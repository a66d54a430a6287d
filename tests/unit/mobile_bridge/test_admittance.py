"""Who may connect to the loopback server: every condition alone is not enough."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mobile_bridge.transports.admittance import Admittance, Handshake, Refusal

TOKEN = "ab" * 32
PAGE = "http://127.0.0.1:8080"
DOOR = Admittance(port=4711, origins=frozenset({PAGE}), native=False, token=TOKEN)
GOOD = Handshake(path="/bridge", hosts=("127.0.0.1:4711",), origins=(PAGE,), protocols=("mb.v1, bearer." + TOKEN,))


def test_the_right_page_with_the_right_token() -> None:
    """All conditions hold, in either way to write them."""
    assert DOOR.refusal(GOOD) is None
    assert DOOR.refusal(replace(GOOD, hosts=("localhost:4711",))) is None
    assert DOOR.refusal(replace(GOOD, protocols=("bearer." + TOKEN, "mb.v1"))) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": "/"}, Refusal.PATH),
        ({"path": "/bridge?x=1"}, Refusal.PATH),
        ({"hosts": ()}, Refusal.HOST),
        ({"hosts": ("evil.example:4711",)}, Refusal.HOST),
        ({"hosts": ("127.0.0.1",)}, Refusal.HOST),
        ({"hosts": ("127.0.0.1:4712",)}, Refusal.HOST),
        ({"hosts": ("127.0.0.1:4711", "evil.example:4711")}, Refusal.HOST),
        ({"hosts": ("127.0.0.1.evil.example:4711",)}, Refusal.HOST),
        ({"origins": ()}, Refusal.ORIGIN),
        ({"origins": ("null",)}, Refusal.ORIGIN),
        ({"origins": ("http://127.0.0.1:8081",)}, Refusal.ORIGIN),
        ({"origins": ("https://127.0.0.1:8080",)}, Refusal.ORIGIN),
        ({"origins": (PAGE + ".evil.example",)}, Refusal.ORIGIN),
        ({"origins": (PAGE, "http://evil.example")}, Refusal.ORIGIN),
        ({"protocols": ()}, Refusal.SUBPROTOCOL),
        ({"protocols": ("mb.v1",)}, Refusal.SUBPROTOCOL),
        ({"protocols": ("bearer." + TOKEN,)}, Refusal.SUBPROTOCOL),
        ({"protocols": ("mb.v2, bearer." + TOKEN,)}, Refusal.SUBPROTOCOL),
        ({"protocols": (f"mb.v1, bearer.{TOKEN}, bearer.{TOKEN}",)}, Refusal.SUBPROTOCOL),
        ({"protocols": ("mb.v1, bearer.",)}, Refusal.TOKEN),
        ({"protocols": ("mb.v1, bearer." + TOKEN[:-1],)}, Refusal.TOKEN),
        ({"protocols": ("mb.v1, bearer." + TOKEN.upper(),)}, Refusal.TOKEN),
        ({"protocols": ("mb.v1, bearer.\udcff",)}, Refusal.TOKEN),
    ],
)
def test_anything_else_is_refused(changes: dict[str, Any], reason: Refusal) -> None:
    """One condition that does not hold is enough to be refused."""
    assert DOOR.refusal(replace(GOOD, **changes)) is reason


def test_apps_send_no_origin() -> None:
    """Where it is configured, a host without an Origin may connect; a page still needs its own to be listed."""
    native = replace(DOOR, native=True)
    assert native.refusal(replace(GOOD, origins=())) is None
    assert native.refusal(replace(GOOD, origins=("http://evil.example",))) is Refusal.ORIGIN
    assert native.refusal(replace(GOOD, origins=(), protocols=("mb.v1, bearer.x",))) is Refusal.TOKEN


def test_the_token_is_not_shown() -> None:
    """No repr holds it."""
    assert TOKEN not in repr(DOOR)
