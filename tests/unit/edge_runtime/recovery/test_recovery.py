"""The recovery key is made, tried and used in one order; what is out of order is refused and leaves no key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.identity import ORGANISATION_KEYS, root_keys
from edge_runtime.recovery.create import (
    CANARY,
    Created,
    announce,
    canary_bound,
    canary_context,
    make_recovery,
    open_escrow,
)
from edge_runtime.recovery.drill import hold_drill
from edge_runtime.recovery.receipt import check_receipted
from edge_runtime.recovery.records import ROTATE_MS, present_record, recovery_status
from edge_runtime.recovery.run import announce_use, bring_root, grant, open_keys
from edge_runtime.recovery.seeds import DrillSeed, RecoveryKeys, RecoverySeed, drill_key
from edge_runtime.recovery.shares import combine_drill, split_live
from edge_runtime.store.boxes import Table
from edge_runtime.store.uploads import UploadState
from sync_protocol.control import unpack_control
from sync_protocol.emergency_records import (
    AnnounceRecovery,
    GrantRecovered,
    RunRecovery,
    check_recovered,
    issue_recovery,
    open_recovery,
)
from sync_protocol.errors import ForgedError
from sync_protocol.ids import EntryHash
from sync_protocol.key_wrap import unwrap
from sync_protocol.roles import Role
from sync_protocol.sealing import ContentKey, open_sealed
from sync_protocol.signing import HybridSigningKey
from tests.unit.edge_runtime.clinic import Clinic, Device, fact, settle


def _make(clinic: Clinic, **options: Any) -> Created:
    admin = clinic.admin
    settings: dict[str, Any] = {"threshold": 3, "shares": 5, "now_ms": clinic.clock(), "entropy": admin.entropy}
    return make_recovery(clinic.root, root_keys(admin.store, admin.identity), **(settings | options))


def _announce(clinic: Clinic, created: Created, *, remove_root: bool = False) -> Created:
    announce(clinic.admin.recorder, clinic.admin.store, created, remove_root=remove_root)
    return created


def _code(error: pytest.ExceptionInfo[Any]) -> str:
    return str(error.value.code)


def _controls(device: Device) -> list[Any]:
    arrivals = device.store.arrivals(after=0, limit=1000, streams=[device.identity.root.value.control])
    return [unpack_control(arrived.entry.body) for arrived in arrivals]


# ------------------------------------------------------------------------------------------------------- create


def test_a_recovery_key_is_the_root_s_word(clinic: Clinic):
    """The record opens under the root, everybody finds it, and the sheets are of its set."""
    created = _announce(clinic, _make(clinic))
    record = open_recovery(created.record.wire, clinic.root)
    assert (record.value.threshold, record.value.shares) == (3, 5)
    assert [sheet.head.number for sheet in created.sheets] == [1, 2, 3, 4, 5]
    assert {sheet.head.organisation for sheet in created.sheets} == {clinic.root.value.organisation.short}
    assert present_record(clinic.admin.keyring).hash == record.hash
    relay, nurse = clinic.start_relay(), clinic.device(Role.NURSE)
    settle(relay, clinic.admin, nurse)
    assert present_record(nurse.keyring).hash == record.hash


def test_only_who_has_the_root_s_keys_makes_one(clinic: Clinic):
    """Nobody else can sign for the organisation, and a stranger's keys are none."""
    nurse = clinic.device(Role.NURSE)
    with pytest.raises(RefusedError) as error:
        root_keys(nurse.store, nurse.identity)
    assert _code(error) == "no_root_keys"
    with nurse.store.writing() as writer:
        writer.put_value(ORGANISATION_KEYS, HybridSigningKey(bytes(64)).reveal())
    with pytest.raises(RefusedError):
        root_keys(nurse.store, nurse.identity)


def test_without_a_recovery_key_there_is_nothing_to_use(clinic: Clinic):
    """Drills and recoveries say so."""
    with pytest.raises(RefusedError) as error:
        present_record(clinic.admin.keyring)
    assert _code(error) == "no_recovery_key"
    status = recovery_status(clinic.admin.keyring)
    assert (status.record, status.uses, status.used, status.last_drill_ms()) == (None, (), False, None)
    assert status.due(0) is not None


def test_a_later_key_takes_the_place_of_the_one_before(clinic: Clinic):
    """Whatever the order in which they came; and a forged one never does."""
    first, second = _make(clinic), _make(clinic)
    _announce(clinic, second)
    _announce(clinic, first)
    forged = issue_recovery(replace(second.record.value, issued_ms=1 << 40), HybridSigningKey(bytes(64)))
    batch = clinic.admin.recorder.begin()
    batch.organisation_control(AnnounceRecovery(record=forged.wire))
    batch.organisation_control(AnnounceRecovery(record=b"no record"))
    clinic.admin.recorder.write(batch)
    assert present_record(clinic.admin.keyring).hash == second.record.hash


def test_root_keys_stay_until_they_are_to_go(clinic: Clinic):
    """Then they are nowhere in the file, and the live words bring them back."""
    seeds = clinic.admin.store.get_value(ORGANISATION_KEYS)
    _announce(clinic, _make(clinic))
    assert clinic.admin.store.get_value(ORGANISATION_KEYS) == seeds
    store = clinic.admin.store
    name = store._boxes.name(Table.VALUE, ORGANISATION_KEYS.encode())
    (box,) = store._reader_connection.execute("SELECT box FROM value WHERE name = ?", (name,)).fetchone()
    files = [clinic.admin.path, clinic.admin.path.with_name(clinic.admin.path.name + "-wal")]
    assert any(box in file.read_bytes() for file in files)
    _announce(clinic, _make(clinic), remove_root=True)
    assert store.get_value(ORGANISATION_KEYS) is None
    assert not any(box in file.read_bytes() for file in files)
    with pytest.raises(RefusedError):
        root_keys(clinic.admin.store, clinic.admin.identity)
    assert clinic.admin.store.check() == []


def test_the_escrow_opens_under_the_recovery_seed_alone(clinic: Clinic):
    """And holds this root's keys, or it is none."""
    created = _make(clinic)
    keys = _keys(clinic, created)
    assert open_escrow(keys, created.record.value, clinic.root).public == clinic.root.value.keys
    other = RecoveryKeys(RecoverySeed(bytes(32)))
    without = replace(created.record.value, root_escrow=None)
    for bad_keys, record in ((other, created.record.value), (keys, without)):
        with pytest.raises(RefusedError) as error:
            open_escrow(bad_keys, record, clinic.root)
        assert _code(error) == "no_root_escrow"


# -------------------------------------------------------------------------------------------------------- drill


def test_a_drill_opens_the_canary_and_is_recorded_first(clinic: Clinic):
    """Others see that it was held; nothing else is opened."""
    created = _announce(clinic, _make(clinic))
    admin = clinic.admin
    shares = [created.sheets[at].drill for at in (4, 0, 2)]
    size = admin.store.size()
    name = hold_drill(admin.recorder, admin.identity, created.record, shares, entropy=admin.entropy)
    assert admin.store.size() == size + 1
    assert admin.keyring._keys == {}
    arrived = admin.store.entry(name)
    assert arrived is not None
    record = unpack_control(arrived.entry.body)
    assert isinstance(record, RunRecovery)
    assert (record.recovery, record.drill) == (created.record.hash, True)
    status = recovery_status(admin.keyring)
    assert [(use.by, use.drill, use.granted) for use in status.uses] == [(admin.name, True, None)]
    assert not status.used
    assert status.last_drill_ms() == arrived.entry.header.wall_ms


def test_the_drill_s_key_opens_nothing_of_the_real_one(clinic: Clinic):
    """Not the escrow, and no wrap to the recovery key; the canary it does."""
    created = _make(clinic)
    value = created.record.value
    seed = combine_drill([sheet.drill for sheet in created.sheets[:3]], created.record)
    key = drill_key(seed)
    context = canary_context(clinic.root, canary=value.canary, drill=key.public)
    secret = ContentKey(unwrap(key, value.canary_wrap, context=context))
    assert open_sealed(secret, value.canary_body, aad=canary_bound(value.organisation, value.canary)) == CANARY
    as_if_live = RecoveryKeys(RecoverySeed(seed.reveal()))
    with pytest.raises(RefusedError):
        open_escrow(as_if_live, value, clinic.root)
    with pytest.raises(ForgedError):
        unwrap(_keys(clinic, created).wrap, value.canary_wrap, context=context)


def test_a_drill_with_bad_shares_is_refused_before_it_is_recorded(clinic: Clinic):
    """Too few, one twice, of another set."""
    created, other = _announce(clinic, _make(clinic)), _make(clinic)
    admin, size = clinic.admin, clinic.admin.store.size()
    drills = [sheet.drill for sheet in created.sheets]
    for shares in (drills[:2], [drills[0], drills[0], drills[1]], [*drills[:2], other.sheets[2].drill]):
        with pytest.raises(InputError):
            hold_drill(admin.recorder, admin.identity, created.record, shares, entropy=admin.entropy)
    assert admin.store.size() == size


def test_a_drill_whose_shares_make_another_key_says_so(clinic: Clinic):
    """Shares that somebody made to fit the record's name."""
    created = _announce(clinic, _make(clinic))
    from edge_runtime.recovery.shares import split_drill

    public = created.record.value.drill
    fake = split_drill(DrillSeed(bytes(32)), public=public, threshold=3, shares=5)
    with pytest.raises(InputError) as error:
        hold_drill(clinic.admin.recorder, clinic.admin.identity, created.record, fake[:3], entropy=clinic.admin.entropy)
    assert _code(error) == "shares_wrong"


def test_a_record_with_a_bad_canary_is_found_by_a_drill(clinic: Clinic):
    """The shares are right, and what they should open is not there."""
    created = _make(clinic)
    bad = issue_recovery(
        replace(created.record.value, canary_body=bytes(100)), root_keys(clinic.admin.store, clinic.admin.identity)
    )
    shares = [sheet.drill for sheet in created.sheets[:3]]
    with pytest.raises(RefusedError) as error:
        hold_drill(clinic.admin.recorder, clinic.admin.identity, bad, shares, entropy=clinic.admin.entropy)
    assert _code(error) == "canary"


# ---------------------------------------------------------------------------------------------------- the receipt


def test_no_share_is_combined_before_the_relay_has_the_record(clinic: Clinic):
    """Pending is not receipted, refused is not, and what came back in the feed without a proven place is not."""
    created = _announce(clinic, _make(clinic))
    admin = clinic.admin
    name = announce_use(admin.recorder, created.record, drill=False, entropy=admin.entropy)
    with pytest.raises(RefusedError) as error:
        check_receipted(admin.store, admin.identity, name)
    assert _code(error) == "not_receipted"
    with admin.store.writing() as writer:
        writer.mark_refused(name, "full", "no room")
    with pytest.raises(RefusedError, match="refusal: full"):
        check_receipted(admin.store, admin.identity, name)
    arrived = admin.store.entry(name)
    assert arrived is not None
    with admin.store.writing() as writer:
        writer.append([arrived.entry], state=UploadState.RECEIPTED)
    with pytest.raises(RefusedError):
        check_receipted(admin.store, admin.identity, name)


def test_a_receipt_of_something_else_does_not_count(clinic: Clinic):
    """A drill's record, another entry, none, or one that an earlier session wrote."""
    created, relay = _announce(clinic, _make(clinic)), clinic.start_relay()
    admin = clinic.admin
    drilled = announce_use(admin.recorder, created.record, drill=True, entropy=admin.entropy)
    used = announce_use(admin.recorder, created.record, drill=False, entropy=admin.entropy)
    settle(relay, admin)
    first = admin.store.arrivals(after=0, limit=1)[0].entry.hash
    for name in (drilled, first, EntryHash(bytes(32))):
        with pytest.raises(RefusedError) as error:
            check_receipted(admin.store, admin.identity, name)
        assert _code(error) == "no_announcement"
    receipted = check_receipted(admin.store, admin.identity, used)
    assert (receipted.recovery, receipted.entry) == (created.record.hash, used)
    nurse = clinic.device(Role.NURSE)
    settle(relay, admin, nurse)
    with pytest.raises(RefusedError):
        check_receipted(nurse.store, nurse.identity, used)


def test_a_body_that_is_no_control_record_announces_nothing(clinic: Clinic):
    """Content entries have sealed bodies."""
    nurse = clinic.device(Role.NURSE)
    nurse.charts.create((fact("identity", name="Ana Lima"),), workflow=WorkflowType.ENCOUNTER)
    content = [a for a in nurse.store.arrivals(after=0, limit=100) if a.entry.header.epoch is not None]
    with pytest.raises(RefusedError) as error:
        check_receipted(nurse.store, nurse.identity, content[0].entry.hash)
    assert _code(error) == "no_announcement"


# ------------------------------------------------------------------------------------------------------------ run


def _used(clinic: Clinic, device: Device, created: Created) -> Any:
    relay = clinic.start_relay()
    settle(relay, clinic.admin, device)
    name = announce_use(device.recorder, created.record, drill=False, entropy=device.entropy)
    settle(relay, device)
    return check_receipted(device.store, device.identity, name)


def _keys(clinic: Clinic, created: Created) -> RecoveryKeys:
    from shamir_mnemonic import combine_mnemonics

    del clinic
    words = [" ".join(sheet.live.words) for sheet in created.sheets[:3]]
    return RecoveryKeys(RecoverySeed(combine_mnemonics(words)))


def test_a_recovery_lets_a_device_in_by_the_key_s_own_signature(clinic: Clinic):
    """Receipted record, then the key, then the grant; everybody can check it."""
    created = _announce(clinic, _make(clinic))
    nurse = clinic.device(Role.NURSE)
    receipted = _used(clinic, nurse, created)
    keys = open_keys(receipted, [created.sheets[at].live for at in (1, 2, 4)], created.record)
    grant(nurse.recorder, keys, created.record, nurse.name)
    granted = [record for record in _controls(nurse) if isinstance(record, GrantRecovered)]
    assert [record.certificate for record in granted] == [nurse.name]
    check_recovered(granted[0], created.record)
    status = recovery_status(nurse.keyring)
    assert [(use.drill, use.granted) for use in status.uses] == [(False, None), (False, nurse.name)]
    assert status.used
    assert status.due(0) == "it was used"


def test_shares_that_make_another_key_open_nothing(clinic: Clinic):
    """Though they bear the record's name and fit each other."""
    created = _announce(clinic, _make(clinic))
    receipted = _used(clinic, clinic.admin, created)
    public = created.record.value.wrap
    fake = split_live(RecoverySeed(bytes(32)), public=public, threshold=3, shares=5)
    with pytest.raises(InputError) as error:
        open_keys(receipted, fake[:3], created.record)
    assert _code(error) == "shares_wrong"


def test_a_forged_grant_is_not_counted_as_a_use(clinic: Clinic):
    """Anybody may write one; without the key it says nothing."""
    created = _announce(clinic, _make(clinic))
    stranger = RecoveryKeys(RecoverySeed(bytes(32)))
    nurse = clinic.device(Role.NURSE)
    settle(clinic.start_relay(), clinic.admin, nurse)
    grant(nurse.recorder, stranger, created.record, nurse.name)
    assert recovery_status(nurse.keyring).uses == ()


def test_a_key_is_due_after_a_year_and_after_use(clinic: Clinic):
    """And not before."""
    created = _announce(clinic, _make(clinic))
    status = recovery_status(clinic.admin.keyring)
    issued = created.record.value.issued_ms
    assert status.due(issued + ROTATE_MS) is None
    assert status.due(issued + ROTATE_MS + 1) == "it is older than a year"


def test_the_root_comes_back_on_an_administrator_s_device(clinic: Clinic):
    """From the sheets alone; on no other device, and from no record without it."""
    created = _announce(clinic, _make(clinic), remove_root=True)
    admin = clinic.admin
    receipted = _used(clinic, admin, created)
    keys = open_keys(receipted, [sheet.live for sheet in created.sheets[:3]], created.record)
    nurse = clinic.device(Role.NURSE)
    with pytest.raises(RefusedError) as error:
        bring_root(nurse.store, nurse.identity, keys, created.record)
    assert _code(error) == "not_an_administrator"
    bring_root(admin.store, admin.identity, keys, created.record)
    assert root_keys(admin.store, admin.identity).public == clinic.root.value.keys
    later = _announce(clinic, _make(clinic))
    assert present_record(admin.keyring).hash == later.record.hash
