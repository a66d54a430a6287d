"""A device is stolen, open as it is, and later revoked with a cut; what its thief does meanwhile is in `hostile`."""

from __future__ import annotations

import shutil
from typing import Any, Final

from edge_runtime.enrolment.register import members, of_device
from edge_runtime.enrolment.revoking import authority, revoke, subject_of
from edge_runtime.enrolment.sessions import SessionBook
from server.relay.routes.principals import _answer
from sync_protocol.revocation import RevocationReason
from tests.simulation.device import SimDevice
from tests.simulation.template import ADMIN
from tests.simulation.world import Act, World

THIEF: Final = "thief"
VICTIMS: Final = ("nurse", "kit", "second")
_PATIENCE_MS: Final = 90 * 60_000
"""How long an administrator takes to hear of a theft."""


def steal(world: World, device: SimDevice) -> None:
    """Somebody takes a device, open as it is. Its owner has it no more."""
    if world.stolen or device.name not in VICTIMS or device.busy:
        return
    world.fault("theft")
    device.stop()
    shutil.copytree(device.folder, world.folder / THIEF)
    device.lost = True
    thief = world.machine(THIEF, key_of=device.name)
    thief.hostile = True
    world.devices[THIEF] = thief
    world.stolen[device.name] = world.relay.clock()
    world.stolen_at_ms = world.time.now_ms
    world.disown(device)
    thief.start()
    thief.noted = thief.store.size()


def revoke_thief(world: World, device: SimDevice) -> None:
    """The administrator revokes what was stolen: what came to the relay after the theft is outside the cut."""
    del device
    admin = world.devices[ADMIN]
    if not world.stolen or not admin.up or admin.busy or not world.relay.up or is_revoked(world):
        return
    if not world.healing and world.time.now_ms < world.stolen_at_ms + _PATIENCE_MS:
        return
    (victim,) = world.stolen

    def work() -> None:
        runtime = admin.runtime
        chosen = of_device(members(runtime.identity, runtime.keyring.organisation()), str(world.ids[victim]))
        subject = subject_of(chosen, user=False, again=False)
        book = SessionBook(runtime.identity.trust, subject.covers)
        told: Any = _answer(world.relay.services, bytes(world.ids[victim]), world.stolen[victim])
        book.add_told(told["certificates"], told["sessions"], [seal for _, seal, _ in told["seals"]])
        by = authority(runtime.store, runtime.identity, chosen, subject, root=False)
        endings = book.endings()
        reason = RevocationReason.STOLEN
        revoke(runtime.recorder, runtime.identity, by, subject, endings, reason=reason, now_ms=admin.clock())
        world.oracle.cut = dict(endings.cuts)

    if world.guard(admin, "revoke", work) == "done":
        world.fault("revocation_with_cut")


def is_revoked(world: World) -> bool:
    """Whether the administrator's device knows the stolen one as revoked; one that was restored may have forgotten."""
    revoked = world.devices[ADMIN].runtime.keyring.organisation().now.revoked
    return any(world.principals[name] in revoked for name in world.stolen)


THEFT: Final[tuple[Act, ...]] = (Act("theft", 0.5, steal), Act("revoke", 1.5, revoke_thief))
