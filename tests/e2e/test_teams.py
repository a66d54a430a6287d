"""A team on devices of their own, through a real relay: joined late, lost, and closed by the patient's word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli.main import run
from edge_runtime.runtime import open_home
from edge_runtime.sync.intake import Receiver
from sync_protocol.ids import ChartId
from sync_protocol.intake import Proofs
from sync_protocol.roles import Compartment
from sync_protocol.store import walk_seals
from tests.e2e.test_device_admin import PASSPHRASE, FoundedRelay, enrol, fixture_fieldward, fixture_relay

Fieldward = Callable[..., dict[str, Any]]
TEAM = ("tablet", "phone", "desk")
EVERYBODY = ("admin", *TEAM, "late")
__all__ = ["fixture_fieldward", "fixture_relay"]


class Ward:
    """A team of three that shares a chart, and a fourth who is in no team yet."""

    def __init__(self, fieldward: Fieldward, relay: FoundedRelay) -> None:
        self.fieldward = fieldward
        roles = {"tablet": "physician", "phone": "nurse", "desk": "nurse", "late": "nurse"}
        self.ids = {home: enrol(fieldward, relay, home, "--role", role) for home, role in roles.items()}
        self.sync(*EVERYBODY)
        self.team = str(self.told("team", "create", "--name", "Ward 3", home="tablet")["team"])
        for home in ("phone", "desk"):
            self.told("team", "add", self.team, self.ids[home], home="tablet")
        self.chart = str(self.told("chart", "create", "--name", "Ana Lima", home="tablet")["chart"])
        self.told("chart", "share", self.chart, "--team", "Ward 3", home="tablet")
        self.sync(*EVERYBODY)

    def told(self, *words: str, home: str, code: int = 0) -> dict[str, Any]:
        """Run a command on a home."""
        return self.fieldward(*words, "--home", home, code=code)

    def sync(self, *homes: str) -> None:
        """Sync homes, one after the other."""
        for home in homes:
            self.told("sync", "once", home=home)

    def writes(self, home: str, substance: str) -> None:
        """State an allergy on a home, and send it."""
        said = json.dumps({"kind": "allergy", "text": substance, "severity": "severe"})
        self.told("chart", "edit", self.chart, "--document", "chart", "--fact", said, home=home)
        self.sync(home)

    def reads(self, home: str) -> str:
        """What a home shows of the chart."""
        return json.dumps(self.told("chart", "show", self.chart, home=home))

    def refuses(self, home: str, *words: str) -> str:
        """The reason for which a home refuses a command."""
        return str(self.told(*words, home=home, code=1)["error"]["code"])


@pytest.fixture(name="ward")
def fixture_ward(fieldward: Fieldward, relay: FoundedRelay) -> Ward:
    """A ward of its own."""
    return Ward(fieldward, relay)


def closed(home: str, chart: str) -> int:
    """How many of a chart's content epochs a home has heard of and cannot open."""
    with open_home(Path(home), PASSPHRASE) as runtime:
        name = ChartId.parse(chart)
        known = runtime.keyring.membership(name)
        assert known is not None
        epochs = [one for one in known.epochs.values() if one.record.compartment is not Compartment.AUDIT]
        return sum(runtime.keyring.open_epoch(name, one) is None for one in epochs)


def test_a_team_works_is_joined_and_loses_a_phone(ward: Ward):
    """Who joins later reads the history; a revoked phone reads what it had and nothing that is written afterwards."""
    ward.writes("tablet", "Penicillin")
    ward.writes("phone", "Latex")
    ward.sync("desk")
    assert all(word in ward.reads("desk") for word in ("Penicillin", "Latex"))
    assert ward.refuses("late", "chart", "show", ward.chart) == "no_such_chart"
    ward.told("team", "add", ward.team, ward.ids["late"], home="desk")
    ward.sync("desk", "late")
    assert all(word in ward.reads("late") for word in ("Penicillin", "Latex"))
    assert closed("late", ward.chart) == 0
    members = ward.told("chart", "members", ward.chart, home="late")
    assert {one["device"] for one in members["members"]} == set(ward.ids.values())
    assert {tuple(one["ways"]) for one in members["members"]} == {("creator", "team"), ("team",)}

    ward.told("device", "revoke", ward.ids["phone"], "--reason", "lost", home="admin")
    ward.sync("admin", "tablet", "late")
    ward.writes("late", "Iodine")
    ward.sync("tablet", "desk")
    assert "Iodine" in ward.reads("tablet")
    assert "Iodine" in ward.reads("desk")
    ward.told("sync", "once", "--attempts", "1", home="phone", code=1)
    assert "Latex" in ward.reads("phone")
    assert handed("tablet", "phone", ward.chart) > 0
    assert ward.refuses("phone", "chart", "show", ward.chart) == "not_a_reader"
    assert closed("phone", ward.chart) == 1


def handed(source: str, target: str, chart: str) -> int:
    """Hand a thief all that the relay holds of a chart, as one who has broken into it would; how much is new."""
    with open_home(Path(source), PASSPHRASE) as from_:
        store = from_.store
        sessions = store.sessions()
        proofs = Proofs(
            certificates=tuple(one.wire for one in store.certificates()),
            sessions=tuple(one.wire for one in sessions),
            seals=tuple(seal.wire for one in sessions for seal in walk_seals(store, one.value.session)),
        )
        entries = [one.entry.wire for one in store.arrivals(after=0, limit=1 << 20)]
    with open_home(Path(target), PASSPHRASE) as to:
        assert ChartId.parse(chart) in to.keyring.charts()
        return Receiver(to.store, to.identity, to.keyring).take(proofs, entries).stored


def test_the_patients_denial_closes_the_chart_on_every_device(ward: Ward):
    """On the others once they sync; a permission that did not see it opens nothing, one that did opens all again."""
    ward.writes("tablet", "Penicillin")
    ward.sync("phone")
    assert "Penicillin" in ward.reads("phone")
    consent = ("chart", "consent", ward.chart, "treatment")
    ward.told(*consent, "--deny", home="tablet")
    ward.told(*consent, "--permit", home="phone")
    assert "Penicillin" in ward.reads("phone")
    ward.sync("tablet", "phone", "tablet", "desk")
    for home in TEAM:
        assert ward.refuses(home, "chart", "show", ward.chart) == "no_consent"
        assert ward.told("chart", "members", ward.chart, home=home)["consents"] == {"treatment": False}
    ward.told(*consent, "--permit", home="desk")
    ward.sync("desk", "tablet", "phone")
    for home in TEAM:
        assert "Penicillin" in ward.reads(home)


def test_a_team_that_leaves_a_chart_reads_nothing_new(ward: Ward, capsys: pytest.CaptureFixture[str]):
    """Its members keep what they read; whoever made the chart is told who is in it all the same: nobody else."""
    ward.writes("tablet", "Penicillin")
    ward.sync("phone")
    told = ward.told("chart", "unshare", ward.chart, "--team", "Ward 3", home="tablet")
    assert [one["device"] for one in told["still_in"]] == [ward.ids["tablet"]]
    ward.writes("tablet", "Iodine")
    ward.sync("phone")
    found = run(["chart", "show", ward.chart, "--home", "phone"])
    said = capsys.readouterr()
    assert "Iodine" not in said.out + said.err
    assert found in {0, 1}
    ward.told("chart", "purge", ward.chart, "--confirm", home="tablet", code=1)
