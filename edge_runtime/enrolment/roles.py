"""Changing what a user may do: a record of the organisation, which binds from there on by causality."""

from __future__ import annotations

from collections.abc import Sequence

from edge_runtime.enrolment.organisation import require_administrator
from edge_runtime.enrolment.register import Member, require_trusted
from edge_runtime.errors import RefusedError
from edge_runtime.identity import Identity
from edge_runtime.recorder.record import Recorder
from sync_protocol.control import SetRole
from sync_protocol.roles import Role


def set_role(recorder: Recorder, identity: Identity, chosen: Sequence[Member], role: Role) -> list[Member]:
    """Give users on devices another role; whoever has it alone already is left out.

    Returns:
        Whose role was changed, as they were before.

    Raises:
        RefusedError: this is no administrator's device, somebody is an administrator or is to become one, or nobody of
            them is trusted.
    """
    require_administrator(identity)
    trusted = require_trusted(chosen)
    for one in trusted:
        if Role.ADMIN in {role, one.certificate.role}:
            raise RefusedError(
                "administrator_role_is_fixed",
                expected="a change between roles other than the administrator's, which is bound to the device's keys",
                got=f"device {one.device.short}: from {one.role} to {role.value}",
                do="invite a device in the role that is wanted, and revoke this one",
            )
    changed = [one for one in trusted if one.roles != (role,)]
    if changed:
        batch = recorder.begin()
        for one in changed:
            batch.organisation_control(SetRole(certificate=one.principal, role=role))
        recorder.write(batch)
    return changed
