"""`fieldward server break-glass-desk`: made once, refused in words, and its journal readable."""

from __future__ import annotations

import json
import socket
from typing import Any

import click
import pytest
from click.testing import CliRunner
from filelock import FileLock

from server.desk import journal_check
from server.desk.app import open_desk
from server.desk.commands import desk
from server.desk.journal import JOURNAL, JournalLine
from server.desk.journal_check import Damage
from server.relay.commands import server
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.organisation_file import make_organisation_file
from tests.support.glass import CHART, Scene


class Asked:
    """Runs a command of the desk in a folder with an organisation file: exit code, and what it says."""

    def __init__(self, folder):
        self.scene = Scene()
        self.home = folder / "desk"
        self.file = folder / "clinic.org"
        self.file.write_bytes(make_organisation_file(self.scene.world.root, self.scene.world.admin.certificate))

    def __call__(self, name, *more):
        """One command."""
        options = ("--organisation", str(self.file)) if name == "init" else ()
        done = CliRunner().invoke(desk, [name, "--home", str(self.home), *options, *more])
        return done.exit_code, done.output


@pytest.fixture
def asked(tmp_path):
    """The commands of a desk that is not made yet."""
    return Asked(tmp_path)


def test_a_desk_is_made_once(asked):
    """For the root that was named; its fingerprint is for comparing."""
    code, said = asked("init", "--root", "00" * 32, "--json")
    assert (code, json.loads(said)["error"]["code"]) == (1, "organisation_file")
    code, said = asked("init", "--root", asked.scene.world.root.hash.hex())
    assert code == 0
    assert "fingerprint" in said
    assert "break-glass-desk run" in said
    code, said = asked("init")
    assert code == 1
    assert "a home without a desk's keys" in said
    assert asked.home.stat().st_mode & 0o077 == 0


def test_the_journal_is_read_while_the_desk_runs(asked):
    """A line a request; by ids alone."""
    asked("init", "--json")
    code, said = asked("journal")
    assert code == 1
    opened = open_desk(asked.home).desk
    opened._now_ms = lambda: 1_760_000_000_500
    assert "Nobody asked yet." in asked("journal")[1]
    opened.answer(asked.scene.request().wire)
    code, said = asked("journal")
    assert code == 0
    assert "2025-10-09" in said
    assert "answered" in said
    (line,) = json.loads(asked("journal", "--json")[1])["lines"]
    assert line["outcome"] == "answered"
    assert line["epochs"] == 1
    assert line["checkpoint"].startswith("relay.example/log\n3\n")


def test_a_journal_that_was_changed_is_named(asked):
    """Nobody reads on as if nothing was."""
    asked("init", "--json")
    (asked.home / JOURNAL).write_bytes(bytes(100))
    code, said = asked("journal", "--json")
    assert (code, json.loads(said)["error"]["code"]) == (1, "desk_damaged")


def test_a_desk_that_cannot_run_says_why(asked):
    """No keys; a taken port; a home in use; a folder that is none."""
    code, said = asked("run", "--json")
    assert code == 1
    asked("init", "--json")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = asked("run", "--port", str(taken.getsockname()[1]), "--json")
    assert (code, json.loads(said)["error"]["code"]) == (1, "address")
    with FileLock(asked.home / "desk.lock"):
        code, said = asked("run", "--json")
    assert (code, json.loads(said)["error"]["code"]) == (1, "home_in_use")
    (asked.home / "desk.key").unlink()
    code, said = asked("run", "--port", "0", "--json")
    assert (code, json.loads(said)["error"]["code"]) == (1, "desk_keys")


def test_the_desk_stands_among_the_server_s_commands():
    """The relay knows where its commands are, and nothing else of it."""
    context = click.Context(server)
    assert "break-glass-desk" in server.list_commands(context)
    assert server.get_command(context, "break-glass-desk") is desk
    assert server.get_command(context, "run") is not None
    assert server.get_command(context, "none") is None


@pytest.mark.parametrize("code", ["not_in_log", "log_differs", "log_shrank", "other_relay"])
def test_a_journal_that_the_log_does_not_bear_out_ends_with_3(asked, monkeypatch, code):
    """And names the line, in words and for machines; one that holds ends with 0."""
    asked("init", "--json")
    line = JournalLine(at_ms=1, outcome="answered", request=Hash(bytes(32)), chart=CHART, entry=EntryHash(bytes(32)))
    found: list[Any] = []
    monkeypatch.setattr(journal_check, "check_journal", lambda *_: found)
    options = ("--check", "--relay", "http://relay.example")
    open_desk(asked.home).desk.journal.close()
    assert asked("journal", *options)[0] == 0
    assert json.loads(asked("journal", *options, "--json")[1])["damage"] == []
    found.append(Damage(line, code))
    status, said = asked("journal", *options)
    assert (status, f"chart {CHART.hex()}" in said) == (3, True)
    status, said = asked("journal", *options, "--json")
    assert (status, json.loads(said)["damage"][0]["code"]) == (3, code)


def test_a_check_takes_a_relay(asked):
    """Neither goes without the other, and it must be an address."""
    asked("init", "--json")
    open_desk(asked.home).desk.journal.close()
    assert asked("journal", "--check")[0] == 2
    assert asked("journal", "--relay", "http://relay.example")[0] == 2
    status, said = asked("journal", "--check", "--relay", "relay.example", "--json")
    assert (status, json.loads(said)["error"]["code"]) == (1, "relay_address")
