"""`fieldward break-glass`: what it prints to a person in a hurry, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.connections import Connections
from server.desk.app import found_desk, open_desk
from tests.unit.edge_runtime.break_glass.conftest import DESK_URL, WHY, DeskHttp
from tests.unit.edge_runtime.cli.world import CHEAP, World

OPEN = ("--reason", "unconscious", "--why", WHY, "--token", "token.txt")


class Clinic:
    """A world with a desk, a token, a chart of the doctor's, and a responder.

    Attributes:
        desk: how the desk is reached.
        chart: the chart's id.
        ids: of the devices.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        world.found()
        roles = {"doctor": "physician", "responder": "emergency_responder"}
        self.ids = {name: world.enrol(name, role) for name, role in roles.items()}
        Path("desk").mkdir()
        found_desk(Path("desk"), Path("clinic.org").read_bytes(), root=None)
        self.desk = DeskHttp(open_desk(Path("desk")).desk)
        self.chart = ""

    def announce(self) -> None:
        """Token and desk, known to all; then a chart."""
        run = self.world.json
        run("break-glass", "token", "create", "--out", "token.txt", "--public", "token.pub")
        run("break-glass", "announce", "--home", "admin", "--desk", DESK_URL, "--token-public", "token.pub")
        for name in ("admin", *self.ids):
            run("sync", "once", "--home", name)
        self.chart = run("chart", "create", "--home", "doctor", "--name", "Ana Lima")["chart"]
        run("sync", "once", "--home", "doctor")


@pytest.fixture
def clinic(world: World, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    """A clinic whose desk nobody knows of yet."""
    monkeypatch.setenv("FIELDWARD_TOKEN_PASSPHRASE", "of the token")
    monkeypatch.setattr("edge_runtime.vault.passphrase.DEFAULT_COST", CHEAP)
    made = Clinic(world)
    relayed = Connections.http
    monkeypatch.setattr(
        Connections, "http", lambda self, address: made.desk if address == DESK_URL else relayed(self, address)
    )
    return made


def test_a_token_is_made_and_announced(clinic: Clinic):
    """Each step says what to do next; nothing secret is printed."""
    run = clinic.world.run
    said = run("break-glass", "token", "create", "--out", "token.txt", "--public", "token.pub")
    assert said.code == 0
    assert "emergency box" in said.out
    assert Path("token.txt").read_text().strip() not in said.out
    assert Path("token.txt").stat().st_mode & 0o077 == 0
    announce = ("break-glass", "announce", "--home", "admin", "--desk", DESK_URL, "--token-public")
    assert clinic.world.refused(*announce, "token.txt") == "token"
    assert clinic.world.refused(*announce, "none") == "token_file"
    assert clinic.world.refused(*announce, "token.pub", "--fingerprint", "0000") == "desk_fingerprint"
    said = run(*announce, "token.pub", "--fingerprint", clinic.desk.desk.keys.fingerprint)
    assert said.code == 0
    assert "fingerprint" in said.out


def test_a_token_needs_a_passphrase_of_its_own(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """The device's is not taken for it; a file will do."""
    create = ("break-glass", "token", "create", "--out", "token.txt", "--public", "token.pub")
    monkeypatch.delenv("FIELDWARD_TOKEN_PASSPHRASE")
    assert clinic.world.refused(*create) == "no_token_passphrase"
    Path("words").write_text("of the token\n")
    assert clinic.world.json(*create, "--token-passphrase-file", "words")["token"] == "token.txt"


def test_a_chart_is_opened_and_reviewed(clinic: Clinic):
    """What is printed leads from one step to the next; the banner stands until the review."""
    clinic.announce()
    run, name = clinic.world.run, clinic.chart[:8]
    spaced = " ".join(clinic.chart[at : at + 4] for at in range(0, 32, 4)).upper()
    said = run("break-glass", "open", spaced, "--home", "responder", *OPEN)
    assert said.code == 0, said.out + said.err
    assert "This will be reviewed" in said.out
    shown = run("chart", "show", name, "--purpose", "emergency", "--home", "responder")
    assert "THE GLASS IS BROKEN" in shown.out
    assert "Ana Lima" in shown.out
    said = run("sync", "once", "--home", "doctor")
    assert f"chart {name} was opened in an emergency" in said.out
    listed = run("break-glass", "list", "--home", "doctor")
    assert "emergency_responder" in listed.out
    assert "(you)" in run("break-glass", "list", "--home", "responder").out
    entry = clinic.world.json("break-glass", "list", "--home", "doctor")["accesses"][0]["entry"]
    assert "is closed" in run("break-glass", "close", name, entry[:8], "--home", "doctor").out
    assert "No emergency access" in run("break-glass", "list", "--home", "doctor").out
    assert "GLASS" not in run("chart", "show", name, "--home", "doctor").out


def test_a_chart_is_named_in_full(clinic: Clinic):
    """Half an id could be anybody's; nothing is recorded."""
    clinic.announce()
    refused = clinic.world.refused
    assert refused("break-glass", "open", clinic.chart[:8], "--home", "responder", *OPEN) == "chart_id"
    given = ("--why", WHY, "--token", "token.txt", "--home", "responder")
    assert refused("break-glass", "open", clinic.chart, "--reason", "curious", *given, code=2) == "usage"
    missing = ("--reason", "other", "--why", WHY, "--token", "none", "--home", "responder")
    assert refused("break-glass", "open", clinic.chart, *missing) == "token_file"
    assert clinic.world.json("break-glass", "list", "--home", "responder") == {"accesses": []}


def test_why_need_not_stand_in_the_list_of_processes(clinic: Clinic):
    """A file serves as well as the option; without either, and nobody to ask, nothing is broken."""
    clinic.announce()
    given = ("break-glass", "open", clinic.chart, "--reason", "other", "--token", "token.txt", "--home", "responder")
    assert clinic.world.refused(*given) == "no_why"
    assert clinic.world.refused(*given, "--why-file", "none") == "why_file"
    Path("why.txt").write_text(f"{WHY}\n")
    assert clinic.world.refused(*given, "--why", WHY, "--why-file", "why.txt") == "no_why"
    assert clinic.world.json("break-glass", "list", "--home", "responder") == {"accesses": []}
    assert clinic.world.json(*given, "--why-file", "why.txt")["closed"] == 0


def test_another_token_leaves_the_chart_closed_and_says_so(clinic: Clinic):
    """The act stands; with the right token it need not be broken again."""
    clinic.announce()
    clinic.world.json("break-glass", "token", "create", "--out", "other.txt", "--public", "other.pub")
    given = ("--reason", "other", "--why", WHY, "--home", "responder")
    said = clinic.world.run("break-glass", "open", clinic.chart, *given, "--token", "other.txt")
    assert "still closed" in said.out
    opened = clinic.world.json("break-glass", "open", clinic.chart, *given, "--token", "token.txt")
    assert opened["closed"] == 0
    assert len(clinic.world.json("break-glass", "list", "--home", "responder")["accesses"]) == 1


def test_a_kit_is_prepared(clinic: Clinic):
    """A member lets it carry a chart; a kit that nobody let says whom to ask."""
    clinic.announce()
    run = clinic.world.run
    assert "No member has let this kit" in run("break-glass", "load", "--home", "responder").out
    kit = clinic.ids["responder"][:8]
    said = run("break-glass", "preload", clinic.chart[:8], "--kit", kit, "--home", "doctor")
    assert "may carry 1 charts" in said.out
    told = clinic.world.json("break-glass", "preload", clinic.chart[:8], "--kit", kit, "--home", "doctor")
    assert told["charts"] == [clinic.chart]
    assert clinic.world.refused("break-glass", "preload", clinic.chart[:8], "--kit", "ffff", "--home", "doctor")


def test_the_desk_is_told(clinic: Clinic):
    """How much was new to it; without a desk, who can announce one."""
    assert clinic.world.refused("break-glass", "tell", "--home", "doctor") == "no_break_glass"
    clinic.announce()
    assert "records were new" in clinic.world.run("break-glass", "tell", "--home", "doctor").out
    assert clinic.world.json("break-glass", "tell", "--home", "doctor") == {"told": 0}
    clinic.desk.down = True
    assert clinic.world.refused("break-glass", "tell", "--home", "doctor") == "desk_unreachable"
