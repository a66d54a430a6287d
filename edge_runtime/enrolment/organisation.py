"""A new organisation: its root, its first administrator's device, and who may act for it."""

from __future__ import annotations

from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.identity import (
    ORGANISATION_KEYS,
    Clock,
    DeviceKeys,
    Entropy,
    Identity,
    enrol,
    new_session,
    stored_root,
)
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.device import DeviceStore
from sync_protocol.certificates import Certificate, Root, issue, make_root
from sync_protocol.control import Certify
from sync_protocol.ids import DeviceId, Hash, OrganisationId, StreamId, UserId
from sync_protocol.limits import ID_BYTES
from sync_protocol.organisation_file import OrganisationFile
from sync_protocol.roles import Role
from sync_protocol.signing import HybridSigningKey

YEAR_MS: Final = 365 * 24 * 3600 * 1000
_HYBRID_SEED: Final = 64


def found_organisation(store: DeviceStore, *, clock: Clock, entropy: Entropy) -> OrganisationFile:
    """Make a new organisation's root and its first administrator's device, in an empty store.

    Raises:
        RefusedError: the store belongs to a device already.
    """
    require_new(store)
    now = clock()
    root_keys = HybridSigningKey(entropy(_HYBRID_SEED))
    root = make_root(
        Root(
            organisation=OrganisationId(entropy(ID_BYTES)),
            ed25519=root_keys.public.ed25519,
            ml_dsa=root_keys.public.ml_dsa,
            control=StreamId(entropy(ID_BYTES)),
            created_ms=now,
        ),
        root_keys,
    )
    keys = DeviceKeys.make(entropy, administrator=True)
    assert keys.administrator is not None, "an administrator's keys were asked for"
    certificate = issue(
        Certificate(
            organisation=root.value.organisation,
            device=DeviceId(entropy(ID_BYTES)),
            user=UserId(entropy(ID_BYTES)),
            role=Role.ADMIN,
            ed25519=keys.signer.public,
            wrap=bytes(keys.wrap.public),
            issuer=Hash(root.hash),
            issued_ms=now,
            not_after_ms=now + YEAR_MS,
            ml_dsa=keys.administrator.public.ml_dsa,
        ),
        root_keys,
    )
    session = new_session(keys, certificate, now_ms=now, entropy=entropy)
    with store.writing() as writer:
        writer.put_certificate(certificate)
        keys.save(writer)
        writer.put_value(ORGANISATION_KEYS, root_keys.reveal())
        enrol(writer, root=root, chain=(certificate,), session=session)
    return OrganisationFile(root=root.wire, administrator=certificate.wire)


def certify_self(recorder: Recorder, identity: Identity) -> None:
    """Put the first administrator's certificate on the organisation's control stream."""
    batch = recorder.begin()
    batch.organisation_control(Certify(certificate=identity.chain[-1].wire))
    recorder.write(batch)


def require_administrator(identity: Identity) -> HybridSigningKey:
    """The keys with which an administrator's device signs.

    Raises:
        RefusedError: this is no administrator's device.
    """
    if identity.keys.administrator is None:
        raise RefusedError(
            "not_an_administrator",
            expected="an administrator's device",
            got=f"role {identity.certificate.role.value}",
            do="do this on an administrator's device",
        )
    return identity.keys.administrator


def require_new(store: DeviceStore) -> None:
    """Refuse a store that belongs to a device already.

    Raises:
        RefusedError: it does.
    """
    if stored_root(store) is not None:
        raise RefusedError(
            "home_in_use_already",
            expected="a home without a device",
            got="one that has a device",
            do="name another --home",
        )
