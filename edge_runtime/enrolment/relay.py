"""The organisation's word for a relay: its root signs the relay's record at the first contact."""

from __future__ import annotations

import json
from dataclasses import dataclass

from edge_runtime.errors import RefusedError, RemoteError
from edge_runtime.identity import ORGANISATION_KEYS, Identity
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.device import DeviceStore
from edge_runtime.transports.http import HttpClient
from sync_protocol.certificates import RelayRecord, open_relay
from sync_protocol.control import AnnounceRelay
from sync_protocol.errors import PeerError
from sync_protocol.ids import Hash, OrganisationId
from sync_protocol.labels import Label
from sync_protocol.limits import ADDRESS_BYTES_MAX
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import CosignVerifyKey, Ed25519Signature, HybridSigningKey, VerifyKey, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayFacts:
    """What a relay says of itself; only the record, once it has one, is anybody else's word.

    Attributes:
        cosigner: the key that cosigns its log; None at a relay that has none.
        cosigner_proof: by `key`, over that key; not verified yet.
        record: the root's record, not verified yet; None where there is none.
    """

    organisation: OrganisationId
    key: VerifyKey
    origin: str
    cosigner: CosignVerifyKey | None
    cosigner_proof: Ed25519Signature | None
    record: bytes | None

    @property
    def fingerprint(self) -> str:
        """The key's SHA-256 in hexadecimal: computed here, because a stranger could show anybody's."""
        return Hash.of(self.key).hex()


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
        store: holds the root's keys, on the device where the organisation was founded.
        identity: of that device.
        recorder: announces the relay to the organisation.
        http: the relay.
        fingerprint: what the relay printed at its start; None trusts the key that answers at this first contact.
        now_ms: the time of issue.

    Raises:
        RefusedError: this device does not hold the root's keys, or the relay shows another fingerprint.
        RemoteError: the relay does not answer, or belongs to another organisation.
        UntrustedError, ForgedError: its record is not the root's, or its key did not sign its cosigning key.
    """
    shown = relay_facts(http)
    _check_shown(shown, identity, fingerprint)
    root_keys = store.get_value(ORGANISATION_KEYS)
    if shown.record is not None:
        known = open_relay(shown.record, identity.root).value
        # A record from before the relay had a cosigning key is renewed where that can be done, and good where not.
        if known.ed25519 == shown.key and (root_keys is None or shown.cosigner in {None, known.cosigner}):
            return
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
            ed25519=shown.key,
            origin=shown.origin,
            addresses=(http.address,),
            issued_ms=now_ms,
            cosigner=shown.cosigner,
        ),
        HybridSigningKey(root_keys),
        Label.RELAY,
    )
    http.request("POST", "/v1/relay/record", body=record.wire)
    batch = recorder.begin()
    batch.organisation_control(AnnounceRelay(record=record.wire))
    recorder.write(batch)


def relay_facts(http: HttpClient) -> RelayFacts:
    """Ask a relay who it is.

    Raises:
        RemoteError: no answer, or not a relay's.
    """
    _, _, data = http.request("GET", "/v1/relay")
    try:
        told = json.loads(data)
        record, origin = told["record"], told["origin"]
        cosigner, proof = told.get("cosigner"), told.get("cosigner_proof")
        facts = RelayFacts(
            organisation=OrganisationId.parse(told["organisation"]),
            key=VerifyKey.parse(told["key"]),
            origin=origin,
            cosigner=None if cosigner is None else CosignVerifyKey.parse(cosigner),
            cosigner_proof=None if proof is None else Ed25519Signature.parse(proof),
            record=None if record is None else bytes.fromhex(record),
        )
        well_formed = isinstance(origin, str) and 0 < len(origin.encode()) <= ADDRESS_BYTES_MAX
        well_formed = well_formed and (cosigner is None) == (proof is None)
    except (ValueError, KeyError, TypeError, RecursionError, PeerError):
        well_formed = False
    if not well_formed:
        raise RemoteError(
            "not_a_relay", expected="a Fieldward relay", got="something else that answers", do="check the address"
        )
    return facts


def _check_shown(shown: RelayFacts, identity: Identity, fingerprint: str | None) -> None:
    """Check what a relay says of itself, before anything is signed for it."""
    if fingerprint is not None and _bare(fingerprint) != shown.fingerprint:
        raise RefusedError(
            "relay_fingerprint",
            expected=f"a relay with the fingerprint {fingerprint[:100]}",
            got=f"one with {shown.fingerprint}",
            do="check the address, and the fingerprint that the relay printed; do not go on",
        )
    if shown.organisation != identity.root.value.organisation:
        raise RefusedError(
            "relay_of_another_organisation",
            expected=f"a relay of organisation {identity.root.value.organisation.short}",
            got=f"one of organisation {shown.organisation.short}",
            do="check the relay's address",
        )
    if shown.cosigner is not None and shown.cosigner_proof is not None:
        verify(shown.key, Label.RELAY_COSIGNER, shown.cosigner, shown.cosigner_proof)


def _bare(fingerprint: str) -> str:
    return "".join(character for character in fingerprint.lower() if character.isalnum())
