"""Nobody of the team is left, and three holders with a device of the organisation open what the team wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.identity import root_keys
from edge_runtime.recovery.create import announce, make_recovery
from edge_runtime.recovery.receipt import check_receipted
from edge_runtime.recovery.run import Rewrapped, announce_use, grant, open_keys, recovered_keys, rewrap
from edge_runtime.recovery.seeds import RecoveryKeys, RecoverySeed
from sync_protocol.emergency_records import RecoveryRecord
from sync_protocol.ids import ChartId
from sync_protocol.roles import CONTENT, Compartment, Role
from sync_protocol.signed import Verified
from tests.unit.edge_runtime.clinic import Clinic, Device, fact, settle
from tests.unit.edge_runtime.relay_shell import RelayShell


@dataclass
class Loss:
    """A physician who is gone, with two charts: one from before the recovery key, one from after."""

    clinic: Clinic
    relay: RelayShell
    physician: Device
    before: ChartId
    after: ChartId
    created: Any

    @property
    def record(self) -> Verified[RecoveryRecord]:
        """The recovery record."""
        return self.created.record  # type: ignore[no-any-return]

    def keys(self, device: Device, *numbers: int) -> RecoveryKeys:
        """Announce, have it receipted, and put the key together on a device."""
        name = announce_use(device.recorder, self.record, drill=False, entropy=device.entropy)
        settle(self.relay, device)
        receipted = check_receipted(device.store, device.identity, name)
        return open_keys(receipted, [self.created.sheets[at - 1].live for at in numbers], self.record)

    def run(self, device: Device, *numbers: int, named: Device | None = None) -> Rewrapped:
        """A whole recovery."""
        keys = self.keys(device, *numbers)
        grant(device.recorder, keys, self.record, (named or device).name)
        settle(self.relay, device)
        found = rewrap(device.recorder, device.keyring, device.identity, keys, self.record)
        settle(self.relay, device)
        return found


def _chart(device: Device, name: str) -> ChartId:
    chart: ChartId
    chart, (document, _) = device.charts.create([fact("identity", name=name)], workflow=WorkflowType.ENCOUNTER)
    device.charts.add_facts(chart, document, [fact("allergy", text="Penicillin", severity="severe")], compartment=None)
    device.charts.add_facts(
        chart, document, [fact("allergy", text="Kept apart", severity="mild")], compartment=Compartment.SENSITIVE
    )
    return chart


@pytest.fixture(name="loss")
def fixture_loss(clinic: Clinic) -> Loss:
    """Charts of one physician, wrapped to recovery."""
    relay, physician = clinic.start_relay(), clinic.device(Role.PHYSICIAN)
    before = _chart(physician, "Before")
    settle(relay, clinic.admin, physician)
    admin = clinic.admin
    created = make_recovery(
        clinic.root,
        root_keys(admin.store, admin.identity),
        threshold=3,
        shares=5,
        now_ms=clinic.clock(),
        entropy=admin.entropy,
    )
    announce(admin.recorder, admin.store, created, remove_root=False)
    settle(relay, clinic.admin, physician)
    after = _chart(physician, "After")
    settle(relay, clinic.admin, physician)
    return Loss(clinic, relay, physician, before, after, created)


def test_three_sheets_open_every_chart_of_a_team_that_is_gone(loss: Loss):
    """On a device that belonged to none; those from before the recovery key too, once a member had synced."""
    nurse = loss.clinic.device(Role.NURSE)
    settle(loss.relay, nurse)
    assert nurse.keyring.charts() == []
    found = loss.run(nurse, 1, 3, 4)
    assert (found.charts, found.closed) == (2, 0)
    assert found.epochs > 0
    assert set(nurse.keyring.charts()) == {loss.before, loss.after}
    for chart in (loss.before, loss.after):
        shown = str(nurse.shown(chart))
        assert "Penicillin" in shown
        assert nurse.shown(chart)["chart"] == str(chart)


def test_afterwards_the_seed_is_not_needed(loss: Loss):
    """The keys are wrapped to the device itself: a restart reads and writes on, and the relay feeds it."""
    nurse = loss.clinic.device(Role.NURSE)
    settle(loss.relay, nurse)
    loss.run(nurse, 1, 2, 5)
    nurse.restart()
    assert "Penicillin" in str(nurse.shown(loss.after))
    documents = nurse.keyring.membership(loss.after)
    assert documents is not None
    nurse.charts.add_facts(loss.after, documents.chart_document, [fact("allergy", text="Latex", severity="mild")])
    settle(loss.relay, nurse, loss.physician)
    assert "Latex" in str(loss.physician.shown(loss.after))


def test_a_role_opens_no_more_than_it_reads(loss: Loss):
    """What the physician keeps apart stays so for a nurse; the recovery key would open it."""
    nurse = loss.clinic.device(Role.NURSE)
    settle(loss.relay, nurse)
    keys = loss.keys(nurse, 1, 2, 3)
    grant(nurse.recorder, keys, loss.record, nurse.name)
    settle(loss.relay, nurse)
    membership = nurse.keyring.membership(loss.after)
    assert membership is not None
    assert Compartment.SENSITIVE not in membership.members[nurse.name]
    rewrap(nurse.recorder, nurse.keyring, nurse.identity, keys, loss.record)
    apart = membership.epochs_of(Compartment.SENSITIVE)
    assert apart
    assert all(nurse.keyring.open_epoch(loss.after, epoch) is None for epoch in apart)
    assert "Kept apart" not in str(nurse.shown(loss.after))
    colleague = loss.clinic.device(Role.PHYSICIAN)
    settle(loss.relay, colleague)
    loss.run(colleague, 2, 3, 4)
    assert "Kept apart" in str(colleague.shown(loss.after))


def test_another_key_opens_nothing(loss: Loss):
    """Not under the record's name, and not what is wrapped to others."""
    physician, stranger = loss.physician, RecoveryKeys(RecoverySeed(bytes(32)))
    membership = physician.keyring.membership(loss.after)
    assert membership is not None
    epochs = [epoch for one in CONTENT for epoch in membership.epochs_of(one)]
    assert epochs
    assert not list(recovered_keys(physician.keyring, stranger, loss.record, chart=loss.after, epochs=epochs))
    right = loss.keys(loss.clinic.admin, 1, 2, 3)
    found = recovered_keys(physician.keyring, right, loss.record, chart=loss.after, epochs=epochs)
    assert {name for name, _ in found} == {epoch.id for epoch in epochs}


def test_an_administrator_who_runs_it_reads_nothing(loss: Loss):
    """Its role reads no chart, whoever lets it in."""
    found = loss.run(loss.clinic.admin, 1, 2, 3)
    assert (found.charts, found.epochs, found.closed) == (0, 0, 0)


def test_somebody_else_is_let_in_by_name(loss: Loss):
    """The administrator's device runs it for a nurse; members whose devices still sync wrap the keys for her."""
    nurse = loss.clinic.device(Role.NURSE)
    settle(loss.relay, nurse)
    loss.run(loss.clinic.admin, 1, 2, 3, named=nurse)
    settle(loss.relay, loss.physician, nurse)
    assert "Penicillin" in str(nurse.shown(loss.before))


def test_the_access_ends_with_the_next_recovery_key(loss: Loss):
    """Which is made after each use: from then on what is written is closed to who was let in."""
    nurse = loss.clinic.device(Role.NURSE)
    settle(loss.relay, nurse)
    loss.run(nurse, 1, 2, 3)
    admin = loss.clinic.admin
    later = make_recovery(
        loss.clinic.root,
        root_keys(admin.store, admin.identity),
        threshold=3,
        shares=5,
        now_ms=loss.clinic.clock(),
        entropy=admin.entropy,
    )
    announce(admin.recorder, admin.store, later, remove_root=False)
    settle(loss.relay, admin, loss.physician)
    membership = loss.physician.keyring.membership(loss.after)
    assert membership is not None
    assert nurse.name not in membership.members
    keys = RecoveryKeys(RecoverySeed(_seed(later)))
    epochs = [epoch for one in CONTENT for epoch in membership.epochs_of(one)]
    found = recovered_keys(loss.physician.keyring, keys, later.record, chart=loss.after, epochs=epochs)
    assert {name for name, _ in found} == {epoch.id for epoch in epochs}


def _seed(created: Any) -> bytes:
    from shamir_mnemonic import combine_mnemonics

    seed: bytes = combine_mnemonics([" ".join(sheet.live.words) for sheet in created.sheets[:3]])
    return seed
