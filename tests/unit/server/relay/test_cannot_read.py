"""The relay cannot read: nothing that could open or wrap content is even loaded in its process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FORBIDDEN = (
    "pycrdt",
    "edge_runtime",
    "sync_protocol.sealing",
    "sync_protocol.key_wrap",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.hpke",
)
RUNNING = """
import asyncio, json, sys, tempfile, pathlib
import server.relay.app, server.relay.commands, server.relay.sockets, uvicorn
from server.relay.settings import RelaySettings
home = pathlib.Path(tempfile.mkdtemp())
relay = server.relay.app.open_relay(RelaySettings(home=home), pathlib.Path(sys.argv[1]).read_bytes())
async def main():
    said = []
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        said.append(message)
    scope = {"type": "http", "method": "GET", "path": "/v1/health", "headers": [], "query_string": b"", "client": None}
    async with relay.app.router.lifespan_context(relay.app):
        await relay.app(scope, receive, send)
    assert said[0]["status"] == 200
asyncio.run(main())
print(json.dumps(sorted(sys.modules)))
"""


def modules(code: str, *arguments: str) -> list[str]:
    """Run Python in a process of its own; the modules that it has loaded in the end."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_importing_the_relay_loads_nothing_that_opens_or_wraps():
    """Not directly, not by a third party, not by a package's own `__init__`."""
    loaded = modules("import json, sys, server.relay.app; print(json.dumps(sorted(sys.modules)))")
    assert "server.relay.app" in loaded
    assert [name for name in loaded if name.startswith(FORBIDDEN)] == []


def test_running_the_relay_loads_nothing_that_opens_or_wraps(tmp_path: Path):
    """Nor does it happen later: its database is open and it has answered a request."""
    from sync_protocol.organisation_file import make_organisation_file
    from tests.support.people import Organisation

    organisation = Organisation.make(1)
    file = tmp_path / "clinic.org"
    file.write_bytes(make_organisation_file(organisation.root, organisation.admin.certificate))
    assert [name for name in modules(RUNNING, str(file)) if name.startswith(FORBIDDEN)] == []


@pytest.mark.parametrize("name", FORBIDDEN)
def test_the_names_are_right(name: str):
    """A test for something that is never called by that name would prove nothing."""
    if not name.startswith("edge_runtime"):
        assert name in modules(f"import json, sys, {name}; print(json.dumps(sorted(sys.modules)))")
