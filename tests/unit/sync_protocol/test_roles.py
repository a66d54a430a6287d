"""Who may read which compartment."""

from __future__ import annotations

import pytest

from sync_protocol.roles import CONTENT, READABLE, Compartment, Role, entitled


def test_every_role_has_a_row():
    """No role is forgotten, so a look-up never fails and never falls back."""
    assert set(READABLE) == set(Role)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DATA_SCIENTIST])
def test_roles_without_patients_read_nothing(role: Role):
    """Minimum necessary: administration and analysis need no key to a chart."""
    assert READABLE[role] == frozenset()


def test_a_compliance_officer_reads_who_did_what_and_no_content():
    """The control of access is no access."""
    assert READABLE[Role.COMPLIANCE_OFFICER] == {Compartment.AUDIT}
    assert Compartment.AUDIT not in CONTENT
    assert {*CONTENT, Compartment.AUDIT} == set(Compartment)


def test_whoever_reads_content_reads_who_read_it():
    """The acts on a chart are no secret from those who care for its patient, and they must write their own."""
    assert all(Compartment.AUDIT in reads for reads in READABLE.values() if reads.intersection(CONTENT))


@pytest.mark.parametrize("role", list(Role))
def test_a_ledger_entitles_its_creator_to_its_audit_stream_whatever_the_role(role: Role):
    """And nobody to anything else."""
    assert entitled(role, ledger=True, creator=True) == {Compartment.AUDIT}
    assert entitled(role, ledger=True, creator=False) == READABLE[role] & {Compartment.AUDIT}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("creator", [False, True])
def test_a_chart_entitles_by_role_alone(role: Role, *, creator: bool):
    """Whoever creates a chart reads no more for it."""
    assert entitled(role, ledger=False, creator=creator) == READABLE[role]


def test_the_sensitive_compartment_is_the_physicians():
    """What law or patient keeps apart opens for one role only."""
    assert [role for role in Role if Compartment.SENSITIVE in READABLE[role]] == [Role.PHYSICIAN]


def test_the_table_cannot_be_changed():
    """A right is not granted at run time by writing into the table."""
    with pytest.raises(TypeError):
        READABLE[Role.ADMIN] = frozenset(Compartment)  # type: ignore[index]
