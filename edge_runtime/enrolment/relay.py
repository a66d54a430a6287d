"""The organisation's word for a relay: its root signs the relay's record at the first contact."""

from __future__ import annotations

import json

from edge_runtime.errors import RefusedError, RemoteError
from edge_runtime.identity import ORGANISATION_KEYS, Identity
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.device import DeviceStore
from edge_runtime.transports.http import HttpClient
from sync_protocol.certificates import RelayRecord
from sync_protocol.control import AnnounceRelay
from sync_protocol.labels import Label
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import HybridSigningKey, VerifyKey


def claim_relay(
    store: DeviceStore,
    identity: Identity,
    recorder: Recorder,
    http: HttpClient,
    *,
    fingerprint: str | None,
    now_ms: int,
) -> None:
    """Have the organisation's root sign the relay's record, unless it did.

    Args:
        fingerprint: what the relay printed at its start; None trusts the key that answers at this first contact.

    Raises:
        RefusedError: this device does not hold the root's keys, or the relay shows another fingerprint.
        RemoteError: the relay does not answer, or belongs to another organisation.
    """
    shown = relay_facts(http)
    if fingerprint is not None and _bare(fingerprint) != _bare(str(shown["fingerprint"])):
        raise RefusedError(
            "relay_fingerprint",
            expected=f"a relay with the fingerprint {fingerprint}",
            got=f"one with {shown['fingerprint']}",
            do="check the address, and the fingerprint that the relay printed; do not go on",
        )
    if shown["organisation"] != identity.root.value.organisation.hex():
        raise RefusedError(
            "relay_of_another_organisation",
            expected=f"a relay of organisation {identity.root.value.organisation.short}",
            got=f"one of organisation {str(shown['organisation'])[:8]}",
            do="check the relay's address",
        )
    if shown.get("record"):
        return
    root_keys = store.get_value(ORGANISATION_KEYS)
    if root_keys is None:
        raise RefusedError(
            "root_keys",
            expected="the organisation's root keys, to certify a new relay",
            got="a device without them",
            do="run the first invitation on the device on which 'fieldward org init' was run",
        )
    record = sign_hybrid(
        RelayRecord(
            organisation=identity.root.value.organisation,
            ed25519=VerifyKey.parse(str(shown["key"])),
            origin=str(shown["origin"]),
            addresses=(http.address,),
            issued_ms=now_ms,
        ),
        HybridSigningKey(root_keys),
        Label.RELAY,
    )
    http.request("POST", "/v1/relay/record", body=record.wire)
    batch = recorder.begin()
    batch.organisation_control(AnnounceRelay(record=record.wire))
    recorder.write(batch)


def relay_facts(http: HttpClient) -> dict[str, object]:
    """What a relay says of itself: organisation, key, origin, fingerprint, and its record once it has one.

    Raises:
        RemoteError: no answer, or not a relay's.
    """
    _, _, data = http.request("GET", "/v1/relay")
    try:
        facts = json.loads(data)
        return {name: facts.get(name) for name in ("organisation", "key", "origin", "fingerprint", "record")}
    except (ValueError, AttributeError):
        raise RemoteError(
            "not_a_relay", expected="a Fieldward relay", got="something else that answers", do="check the address"
        ) from None


def _bare(fingerprint: str) -> str:
    return "".join(character for character in fingerprint.lower() if character.isalnum())
