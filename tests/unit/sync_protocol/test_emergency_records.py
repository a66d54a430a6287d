"""The root alone names the keys for emergencies, and whoever used the recovery key shows that it had it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from sync_protocol.emergency_records import (
    AnnounceRecovery,
    BreakGlassRecord,
    GrantRecovered,
    RecoveryRecord,
    check_recovered,
    grant_recovered,
    issue_break_glass,
    issue_recovery,
    open_break_glass,
    open_recovery,
)
from sync_protocol.errors import ForgedError, LimitError, MalformedError, MisuseError, UntrustedError
from sync_protocol.ids import CertificateHash, ChartId, Hash
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.labels import Label
from sync_protocol.limits import CANARY_BYTES_MAX, RECOVERY_SHARES_MAX, WRAP_BYTES
from sync_protocol.records import pack
from sync_protocol.signed import Signed, Verified, sign_hybrid
from sync_protocol.signing import HybridSigningKey, SigningKey, VerifyKey
from tests.support.people import Organisation

SIGNER = SigningKey(b"s" * 32)
SMALL_ORDER = VerifyKey(bytes(32))
NO_KEY = b"\xff" * 1216


@cache
def _organisation(seed: int = 1) -> Organisation:
    return Organisation.make(seed)


@cache
def _wrap(mark: str) -> bytes:
    return bytes(WrapPrivateKey(mark.encode() * 32).public)


def _recovery(organisation: Organisation, **changes: Any) -> RecoveryRecord:
    record = RecoveryRecord(
        organisation=organisation.root.value.organisation,
        wrap=_wrap("w"),
        signer=SIGNER.public,
        threshold=3,
        shares=5,
        drill=_wrap("d"),
        canary=ChartId(b"c" * 16),
        canary_wrap=b"w" * WRAP_BYTES,
        canary_body=b"body",
        issued_ms=7,
    )
    return replace(record, **changes)


def _break_glass(organisation: Organisation, **changes: Any) -> BreakGlassRecord:
    record = BreakGlassRecord(
        organisation=organisation.root.value.organisation,
        desk=_wrap("k"),
        desk_signer=SIGNER.public,
        token=_wrap("t"),
        addresses=("https://desk.example",),
        issued_ms=7,
    )
    return replace(record, **changes)


def _signed(record: RecoveryRecord, organisation: Organisation) -> Verified[RecoveryRecord]:
    return issue_recovery(record, organisation.root_key)


# ------------------------------------------------------------------------------------------------ the recovery record


@pytest.mark.parametrize("escrow", [None, b"sealed keys of the root"])
def test_a_recovery_record_is_the_root_s(escrow: bytes | None):
    """What the root signed opens under the root, with the root's keys in it or without."""
    organisation = _organisation()
    issued = _signed(_recovery(organisation, root_escrow=escrow), organisation)
    opened = open_recovery(issued.wire, organisation.root)
    assert (opened.value, opened.hash) == (issued.value, issued.hash)


def test_nobody_but_the_root_names_a_recovery_key():
    """Not even an administrator, who could otherwise read every chart written from then on."""
    organisation = _organisation()
    admin = organisation.admin.key
    assert isinstance(admin, HybridSigningKey)
    forged = issue_recovery(_recovery(organisation), admin)
    with pytest.raises(ForgedError):
        open_recovery(forged.wire, organisation.root)


def test_a_changed_recovery_record_is_forged():
    """One byte of the signed bytes, anywhere."""
    organisation = _organisation()
    wire = bytearray(_signed(_recovery(organisation), organisation).wire)
    wire[wire.index(_wrap("w")) + 100] ^= 1
    with pytest.raises(ForgedError):
        open_recovery(bytes(wire), organisation.root)


def test_a_record_signed_for_another_purpose_is_none():
    """The label keeps the root's signatures apart."""
    organisation = _organisation()
    wire = sign_hybrid(_recovery(organisation), organisation.root_key, Label.BREAK_GLASS).wire
    with pytest.raises(ForgedError):
        open_recovery(wire, organisation.root)


def test_another_organisation_s_recovery_key_is_refused():
    """Whether its own root signed it, or this root was brought to sign a record that names another."""
    organisation, other = _organisation(), _organisation(2)
    with pytest.raises(ForgedError):
        open_recovery(_signed(_recovery(other), other).wire, organisation.root)
    with pytest.raises(UntrustedError):
        open_recovery(_signed(_recovery(other), organisation).wire, organisation.root)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"wrap": NO_KEY}, MalformedError),
        ({"drill": NO_KEY}, MalformedError),
        ({"signer": SMALL_ORDER}, ForgedError),
        ({"drill": _wrap("w")}, MalformedError),
        ({"threshold": 1}, MalformedError),
        ({"threshold": 0, "shares": 0}, MalformedError),
        ({"threshold": 6}, MalformedError),
    ],
)
def test_a_record_that_could_not_be_used_is_refused(changes: dict[str, Any], error: type[Exception]):
    """Keys that take no wrap or check nothing, one key for drills and the real thing, shares that cannot be."""
    organisation = _organisation()
    wire = _signed(_recovery(organisation, **changes), organisation).wire
    with pytest.raises(error):
        open_recovery(wire, organisation.root)


def test_an_author_is_held_to_the_limits_of_a_recovery_record():
    """Lengths and numbers are checked before the root signs."""
    organisation = _organisation()
    for changes in (
        {"wrap": b"short"},
        {"canary_wrap": bytes(WRAP_BYTES - 1)},
        {"canary_body": b""},
        {"canary_body": bytes(CANARY_BYTES_MAX + 1)},
        {"shares": RECOVERY_SHARES_MAX + 1},
    ):
        with pytest.raises((MisuseError, LimitError)):
            _signed(_recovery(organisation, **changes), organisation)


def test_an_announcement_fits_into_one_entry():
    """The record travels whole, in one control record."""
    organisation = _organisation()
    record = _recovery(organisation, canary_body=bytes(CANARY_BYTES_MAX), root_escrow=bytes(CANARY_BYTES_MAX))
    wire = _signed(record, organisation).wire
    assert len(pack(AnnounceRecovery(record=wire))) < 32 * 1024


# ------------------------------------------------------------------------------------------------ grants by recovery


def test_a_grant_shows_that_its_author_had_the_key():
    """It is signed by what the recovery seed makes, for one certificate under one record."""
    organisation = _organisation()
    recovery = _signed(_recovery(organisation), organisation)
    name = CertificateHash(b"n" * 32)
    check_recovered(grant_recovered(recovery.hash, name, SIGNER), recovery)


def test_a_grant_that_the_recovery_key_did_not_sign_is_forged():
    """By another key, for another certificate, or with a bad signature."""
    organisation = _organisation()
    recovery = _signed(_recovery(organisation), organisation)
    name = CertificateHash(b"n" * 32)
    grant = grant_recovered(recovery.hash, name, SIGNER)
    stolen = grant_recovered(recovery.hash, name, SigningKey(b"x" * 32))
    moved = GrantRecovered(recovery=grant.recovery, certificate=CertificateHash(b"m" * 32), signature=grant.signature)
    for bad in (stolen, moved):
        with pytest.raises(ForgedError):
            check_recovered(bad, recovery)


def test_a_grant_ends_with_its_record():
    """Under a later record an earlier grant is worth nothing, though the same seed had signed it."""
    organisation = _organisation()
    early, late = (_signed(_recovery(organisation, issued_ms=ms), organisation) for ms in (5, 9))
    grant = grant_recovered(early.hash, CertificateHash(b"n" * 32), SIGNER)
    check_recovered(grant, early)
    with pytest.raises(ForgedError):
        check_recovered(grant, late)
    with pytest.raises(ForgedError):
        check_recovered(replace(grant, recovery=Hash(late.hash)), late)


# ------------------------------------------------------------------------------------------------------ break-glass


def test_a_break_glass_record_is_the_root_s():
    """What the root signed opens under the root."""
    organisation = _organisation()
    issued = issue_break_glass(_break_glass(organisation), organisation.root_key)
    opened = open_break_glass(issued.wire, organisation.root)
    assert (opened.value, opened.hash) == (issued.value, issued.hash)


def test_nobody_but_the_root_names_a_desk():
    """Whoever could would strip the outer layer of every chart's emergency key."""
    organisation = _organisation()
    admin = organisation.admin.key
    assert isinstance(admin, HybridSigningKey)
    forged = issue_break_glass(_break_glass(organisation), admin).wire
    with pytest.raises(ForgedError):
        open_break_glass(forged, organisation.root)
    other_purpose = sign_hybrid(_break_glass(organisation), organisation.root_key, Label.RECOVERY).wire
    with pytest.raises(ForgedError):
        open_break_glass(other_purpose, organisation.root)


def test_another_organisation_s_desk_is_refused():
    """Whether its own root signed it, or this root was brought to sign a record that names another."""
    organisation, other = _organisation(), _organisation(2)
    with pytest.raises(ForgedError):
        open_break_glass(issue_break_glass(_break_glass(other), other.root_key).wire, organisation.root)
    with pytest.raises(UntrustedError):
        open_break_glass(issue_break_glass(_break_glass(other), organisation.root_key).wire, organisation.root)


@pytest.mark.parametrize("field", ["desk", "token"])
def test_a_desk_to_which_nothing_can_be_wrapped_is_refused(field: str):
    """Otherwise nobody could mint an epoch any more."""
    organisation = _organisation()
    wire = issue_break_glass(_break_glass(organisation, **{field: NO_KEY}), organisation.root_key).wire
    with pytest.raises(MalformedError):
        open_break_glass(wire, organisation.root)


def test_one_record_is_not_read_as_the_other():
    """A record of another kind is malformed even where a signature would hold."""
    organisation = _organisation()
    wire = sign_hybrid(_break_glass(organisation), organisation.root_key, Label.RECOVERY).wire
    with pytest.raises(MalformedError):
        Signed(RecoveryRecord, wire).verify_hybrid(organisation.root.value.keys, Label.RECOVERY)
    with pytest.raises(MalformedError):
        open_recovery(b"\xa0", organisation.root)
