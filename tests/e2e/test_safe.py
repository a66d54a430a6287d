"""From the operator's backup to *safe* on a screen, and back after a restore; by the commands that people type."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

from sync_protocol.steps import RELAY_LOG_DIFFERS
from tests.e2e.test_device_admin import Fieldward, FoundedRelay, enrol, fixture_fieldward, fixture_relay
from tests.e2e.test_relay_upkeep import told

__all__ = ["fixture_fieldward", "fixture_relay"]


def again(relay: FoundedRelay) -> None:
    """Start the relay once more where it was: it looks for a backup at its start."""
    relay.options = ("--port", str(urlsplit(relay.url).port))
    relay.start()


def test_safe_is_what_a_backup_holds(fieldward: Fieldward, relay: FoundedRelay, tmp_path: Path):
    """Nothing before; all of it after; what is written later is not; and the same again after a restore."""
    enrol(fieldward, relay, "tablet", "--role", "physician")
    enrol(fieldward, relay, "phone", "--role", "nurse")
    fieldward("chart", "create", "--name", "Ana Lima", "--home", "tablet")
    for home in ("tablet", "phone"):
        fieldward("sync", "once", "--home", home)
        assert fieldward("sync", "status", "--home", home)["safe"] == 0
    place, out = ("--home", str(relay.home)), str(tmp_path / "backup")
    made = told("backup", *place, "--out", out, "--with-keys")
    relay.stop()
    again(relay)
    safe: dict[str, int] = {}
    for home in ("tablet", "phone"):
        fieldward("sync", "once", "--home", home)
        status = fieldward("sync", "status", "--home", home)
        safe[home] = status["safe"]
        assert status["backed_up"]["size"] == made["size"]
        assert status["safe"] + status["receipted"] + status["at_the_relay"] == status["entries"]
    assert safe["phone"] == fieldward("sync", "status", "--home", "phone")["entries"]
    fieldward("chart", "create", "--name", "Bo Berg", "--home", "tablet")
    fieldward("sync", "once", "--home", "tablet")
    assert fieldward("sync", "status", "--home", "tablet")["safe"] == safe["tablet"]

    relay.kill()
    shutil.rmtree(relay.home)
    told("restore", "--from", out, *place)
    again(relay)
    alarms = fieldward("sync", "once", "--home", "tablet", code=1)["alarms"]
    assert RELAY_LOG_DIFFERS in alarms
    fieldward("sync", "once", "--home", "tablet")
    status = fieldward("sync", "status", "--home", "tablet")
    assert (status["safe"], status["on_this_device_only"]) == (safe["tablet"], 0)
    told("backup", *place, "--out", out, "--with-keys")
    relay.stop()
    again(relay)
    fieldward("sync", "once", "--home", "tablet")
    status = fieldward("sync", "status", "--home", "tablet")
    assert status["safe"] == status["entries"] > safe["tablet"]
