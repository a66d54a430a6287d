"""The root's word for a desk and a token: from then on every new epoch is wrapped for emergencies too."""

from __future__ import annotations

from collections.abc import Sequence

from edge_runtime.audit.device_source import Holder
from edge_runtime.break_glass.desk import DeskFacts
from edge_runtime.errors import RefusedError
from edge_runtime.identity import root_keys
from edge_runtime.recorder.record import Recorder
from sync_protocol.emergency_records import AnnounceBreakGlass, BreakGlassRecord, issue_break_glass
from sync_protocol.key_wrap import WrapPublicKey
from sync_protocol.public_keys import check_wrap_key
from sync_protocol.signed import Verified


def announce(
    holder: Holder,
    recorder: Recorder,
    shown: DeskFacts,
    *,
    token: WrapPublicKey,
    addresses: Sequence[str],
    fingerprint: str | None,
    now_ms: int,
) -> Verified[BreakGlassRecord]:
    """Sign a record of the desk and the token as root, and put it on the organisation's control stream.

    Args:
        holder: the device that holds the root's keys.
        recorder: its recorder.
        shown: what the desk says of itself.
        token: the facility's token's public key.
        addresses: where the desk answers.
        fingerprint: what the desk printed when it was made; None trusts what answers at this first contact.
        now_ms: the time of issue.

    Raises:
        RefusedError: no root's keys here, another organisation's desk, or another fingerprint.
        MalformedError: a key to which nothing can be wrapped.
    """
    identity = holder.identity
    keys = root_keys(holder.store, identity)
    if shown.organisation != identity.root.value.organisation:
        raise RefusedError(
            "desk_of_another_organisation",
            expected=f"a desk of organisation {identity.root.value.organisation.short}",
            got=f"one of organisation {shown.organisation.short}",
            do="check the desk's address",
        )
    if fingerprint is not None and "".join(fingerprint.lower().split()) != shown.fingerprint:
        raise RefusedError(
            "desk_fingerprint",
            expected=f"a desk with the fingerprint {fingerprint[:100]}",
            got=f"one with {shown.fingerprint}",
            do="check the address, and the fingerprint that the desk printed; do not go on",
        )
    check_wrap_key(shown.desk)
    check_wrap_key(token)
    before = holder.keyring.organisation().now.break_glass
    record = issue_break_glass(
        BreakGlassRecord(
            organisation=identity.root.value.organisation,
            desk=bytes(shown.desk),
            desk_signer=shown.signer,
            token=bytes(token),
            addresses=tuple(addresses),
            issued_ms=now_ms if before is None else max(now_ms, before.value.issued_ms + 1),
        ),
        keys,
    )
    batch = recorder.begin()
    batch.organisation_control(AnnounceBreakGlass(record=record.wire))
    recorder.write(batch)
    return record


def present_glass(holder: Holder) -> Verified[BreakGlassRecord]:
    """The root's newest word on desk and token.

    Raises:
        RefusedError: none is known here.
    """
    found = holder.keyring.organisation().now.break_glass
    if found is None:
        raise RefusedError(
            "no_break_glass",
            expected="an organisation that has a break-glass desk",
            got="none known on this device",
            do="sync first; an administrator announces one with 'fieldward break-glass announce'",
        )
    return found
