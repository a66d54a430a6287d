"""What the bridge pulls in: a phone's embedded Python has to carry all of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("fastapi", "starlette", "sqlmodel", "sqlalchemy", "pydantic", "numpy", "click", "rich", "typer", "server")
CODE = "import sys, {module}; print([name for name in {heavy} if name in sys.modules])"


@pytest.mark.parametrize(
    "module",
    ["mobile_bridge.dispatcher", "mobile_bridge.transports.inprocess", "mobile_bridge.transports.loopback"],
)
def test_nothing_heavy_is_loaded(module: str) -> None:
    """No web framework, no ORM, no command line, no server."""
    command = [sys.executable, "-c", CODE.format(module=module, heavy=HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_bridge_itself_needs_no_asyncio_server() -> None:
    """An embedded host loads no WebSocket server: that is the loopback transport's."""
    code = "import sys, mobile_bridge.transports.inprocess; print('websockets.asyncio.server' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
