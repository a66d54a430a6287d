"""Who may read which compartment."""

from __future__ import annotations

import pytest

from sync_protocol.roles import READABLE, Compartment, Role


def test_every_role_has_a_row():
    """No role is forgotten, so a look-up never fails and never falls back."""
    assert set(READABLE) == set(Role)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DATA_SCIENTIST, Role.COMPLIANCE_OFFICER])
def test_roles_without_patients_read_nothing(role: Role):
    """Minimum necessary: administration, analysis and audit need no key to a chart."""
    assert READABLE[role] == frozenset()


def test_the_sensitive_compartment_is_the_physicians():
    """What law or patient keeps apart opens for one role only."""
    assert [role for role in Role if Compartment.SENSITIVE in READABLE[role]] == [Role.PHYSICIAN]


def test_the_table_cannot_be_changed():
    """A right is not granted at run time by writing into the table."""
    with pytest.raises(TypeError):
        READABLE[Role.ADMIN] = frozenset(Compartment)  # type: ignore[index]
