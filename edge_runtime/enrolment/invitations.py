"""Invitations: one line of text for a file, a QR code or paper, good for one device and three days."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from edge_runtime.enrolment.organisation import require_administrator
from edge_runtime.errors import InputError
from edge_runtime.identity import Entropy, Identity
from edge_runtime.recorder.record import Recorder
from sync_protocol.control import Invite
from sync_protocol.errors import PeerError
from sync_protocol.ids import DeviceId, InvitationId, RootHash, UserId
from sync_protocol.invitations import Invitation, proof_digest, proof_of
from sync_protocol.limits import HASH_BYTES, ID_BYTES
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role

INVITATION_LIFE_MS: Final = 72 * 3600 * 1000
INVITED: Final = "invitation/"
_PREFIX: Final = "FIELDWARD1-"


def write_invitation(invitation: Invitation) -> str:
    """The invitation as text: for a file, a QR code or paper."""
    return _PREFIX + base64.urlsafe_b64encode(pack(invitation)).decode().rstrip("=")


def read_invitation(text: str) -> Invitation:
    """Read an invitation.

    Raises:
        InputError: not an invitation, or damaged.
    """
    prefix, line = text.strip()[: len(_PREFIX)], text.strip()[len(_PREFIX) :]
    try:
        data = base64.b64decode(line + "=" * (-len(line) % 4), altchars=b"-_", validate=True)
        return unpack(Invitation, data if prefix == _PREFIX else b"")
    except (ValueError, binascii.Error, PeerError):
        raise InputError(
            "invitation",
            expected=f"an invitation, one line that begins with {_PREFIX}",
            got=f"{len(text)} characters that are none",
            do="ask the administrator for the file that 'fieldward device invite' wrote",
        ) from None


def invite(
    recorder: Recorder,
    identity: Identity,
    *,
    address: str,
    role: Role,
    now_ms: int,
    entropy: Entropy,
    user: UserId | None = None,
    device: DeviceId | None = None,
) -> Invitation:
    """Make a one-time invitation and put it on the organisation's control stream.

    Args:
        recorder: of an administrator's device.
        identity: who that is.
        address: the relay's.
        role: what the invited will be.
        now_ms: the time, for the invitation's end.
        entropy: for its secret.
        user: whose further device it is for; None for a new user. Neither this nor `device` is told to the relay.
        device: the device whose further user it is for; None for a new device.

    Raises:
        RefusedError: this device may not enrol others.
    """
    require_administrator(identity)
    invitation = Invitation(
        invitation=InvitationId(entropy(ID_BYTES)),
        root=RootHash(identity.root.hash),
        address=address,
        secret=entropy(HASH_BYTES),
        role=role,
        expires_ms=now_ms + INVITATION_LIFE_MS,
        user=user,
        device=device,
    )
    batch = recorder.begin()
    batch.organisation_control(
        Invite(
            invitation=invitation.invitation,
            role=role,
            expires_ms=invitation.expires_ms,
            proof=proof_digest(proof_of(invitation)),
        )
    )
    recorder.write(batch, also=lambda writer: writer.put_value(INVITED + invitation.invitation.hex(), pack(invitation)))
    return invitation
