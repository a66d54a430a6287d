"""The root names desk and token, once their fingerprint was compared; from then on new keys are behind glass."""

from __future__ import annotations

import pytest

from edge_runtime.break_glass.announcing import present_glass
from edge_runtime.errors import RefusedError
from sync_protocol.errors import MalformedError
from sync_protocol.ids import OrganisationId
from sync_protocol.key_wrap import WrapPublicKey
from sync_protocol.roles import Compartment


def test_new_epochs_are_wrapped_for_emergencies(emergency):
    """Of the safety and clinical compartments, and of no other."""
    membership = emergency.doctor.keyring.membership(emergency.chart)
    in_glass = {one.record.compartment: bool(one.glass) for one in membership.epochs.values()}
    assert in_glass[Compartment.SAFETY]
    assert in_glass[Compartment.CLINICAL]
    assert not in_glass.get(Compartment.AUDIT, False)


def test_a_newer_word_counts(emergency):
    """Also where the founder's clock went backwards."""
    first = present_glass(emergency.holder(emergency.clinic.admin))
    second = emergency.announce(fingerprint=emergency.facts().fingerprint.upper(), addresses=("http://b:80",))
    assert second.value.issued_ms > first.value.issued_ms
    assert present_glass(emergency.holder(emergency.clinic.admin)).hash == second.hash


def test_only_the_root_names_a_desk(emergency):
    """Whoever could, could read charts by it."""
    with pytest.raises(RefusedError) as caught:
        emergency.announce(by=emergency.doctor)
    assert caught.value.code == "no_root_keys"


def test_what_is_not_the_desk_is_not_signed(emergency):
    """Another organisation's, another fingerprint, keys to which nothing can be wrapped."""
    with pytest.raises(RefusedError) as caught:
        emergency.announce(shown=emergency.facts(organisation=OrganisationId(b"x" * 16)))
    assert caught.value.code == "desk_of_another_organisation"
    with pytest.raises(RefusedError) as caught:
        emergency.announce(fingerprint="0000 1111")
    assert caught.value.code == "desk_fingerprint"
    with pytest.raises(MalformedError):
        emergency.announce(token=WrapPublicKey(b"\xff" * 1216))


def test_an_organisation_without_a_desk_says_so(clinic):
    """And who can announce one."""
    from edge_runtime.audit.device_source import Holder

    admin = clinic.admin
    with pytest.raises(RefusedError) as caught:
        present_glass(Holder(admin.store, admin.identity, admin.keyring))
    assert caught.value.code == "no_break_glass"
