"""Who this device is: its keys, its certificates, its session, as the encrypted store keeps them.

Owns the named values in which they lie. Refuses to make keys without given entropy, and never shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from edge_runtime.errors import RefusedError
from sync_protocol.certificates import Certificate, Root, Session, Trust, open_root
from sync_protocol.ids import CertificateHash
from sync_protocol.invitations import Invitation
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.labels import Label
from sync_protocol.limits import CERTIFICATES_MAX, ID_BYTES, RECORD_BYTES_MAX
from sync_protocol.records import key, many, octets, optional, pack, unpack
from sync_protocol.signed import Signed, Verified, sign
from sync_protocol.signing import HybridSigningKey, SigningKey
from sync_protocol.store import Store

Entropy = Callable[[int], bytes]
"""Draws that many random bytes."""
Clock = Callable[[], int]
"""The time in milliseconds since 1970, UTC."""

KEYS: Final = "identity/keys"
ROOT: Final = "identity/root"
CHAIN: Final = "identity/chain"
SESSION: Final = "identity/session"
INVITATION: Final = "identity/invitation"
RELAY_ADDRESS: Final = "relay/address"
"""The relay's address as it was last used, or as the invitation named it."""
ORGANISATION_KEYS: Final = "organisation/root-keys"
_SEED: Final = 32
_HYBRID_SEED: Final = 64


class Values(Protocol):
    """The small encrypted values of a store."""

    def get_value(self, name: str) -> bytes | None:
        """The value of that name."""
        ...


class ValueWriter(Protocol):
    """The writing side of the values, inside one `writing` block."""

    def put_value(self, name: str, value: bytes | None) -> None:
        """Keep a value, or forget it by None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _StoredKeys:
    ed25519: bytes = key(1, octets(_SEED, _SEED))
    wrap: bytes = key(2, octets(_SEED, _SEED))
    hybrid: bytes | None = key(3, optional(octets(_HYBRID_SEED, _HYBRID_SEED)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _StoredChain:
    certificates: tuple[bytes, ...] = key(1, many(octets(1, RECORD_BYTES_MAX), CERTIFICATES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceKeys:
    """The secret keys of a (device, user). An administrator's Ed25519 key is the first half of its hybrid key."""

    signer: SigningKey
    wrap: WrapPrivateKey
    administrator: HybridSigningKey | None

    @classmethod
    def make(cls, entropy: Entropy, *, administrator: bool) -> DeviceKeys:
        """Draw new keys."""
        seed = entropy(_SEED)
        hybrid = HybridSigningKey(seed + entropy(_SEED)) if administrator else None
        return cls(signer=SigningKey(seed), wrap=WrapPrivateKey(entropy(_SEED)), administrator=hybrid)

    def save(self, writer: ValueWriter) -> None:
        """Keep the keys in the encrypted store."""
        stored = _StoredKeys(
            ed25519=self.signer.reveal(),
            wrap=self.wrap.reveal(),
            hybrid=None if self.administrator is None else self.administrator.reveal(),
        )
        writer.put_value(KEYS, pack(stored))

    @classmethod
    def load(cls, values: Values) -> DeviceKeys | None:
        """Read the keys back."""
        data = values.get_value(KEYS)
        if data is None:
            return None
        stored = unpack(_StoredKeys, data)
        return cls(
            signer=SigningKey(stored.ed25519),
            wrap=WrapPrivateKey(stored.wrap),
            administrator=None if stored.hybrid is None else HybridSigningKey(stored.hybrid),
        )


@dataclass(slots=True, kw_only=True)
class Identity:
    """An enrolled device at work.

    Attributes:
        root: the organisation.
        chain: the certificates that show who this device is, its own and newest last.
        keys: the secret keys.
        session: the session that writes. Another takes its place when this one turns out to have written elsewhere.
        trust: every certificate of the organisation that is known here.
    """

    root: Verified[Root]
    chain: tuple[Verified[Certificate], ...]
    keys: DeviceKeys
    session: Verified[Session]
    trust: Trust

    @property
    def certificate(self) -> Certificate:
        """The device's own certificate."""
        return self.chain[-1].value

    @property
    def name(self) -> CertificateHash:
        """The hash of the device's own newest certificate: what it shows in handshakes and names in sessions."""
        return CertificateHash(self.chain[-1].hash)

    @property
    def principal(self) -> CertificateHash:
        """Who it is, whatever was renewed: what memberships, wraps and authorship go by."""
        return self.trust.principal(self.name)

    def renewal(self) -> Verified[Certificate] | None:
        """A certificate of this device that is good for longer than the one in use, if one is known."""
        newest = self.trust.newest(self.principal)
        later = newest is not None and newest.value.not_after_ms > self.certificate.not_after_ms
        return newest if later else None

    def renewed(self, certificate: Verified[Certificate], session: Verified[Session]) -> None:
        """Use another certificate and session from here on; both are stored already."""
        self.chain = self.trust.chain(certificate.hash)
        self.session = session


def stored_root(values: Values) -> Verified[Root] | None:
    """The organisation's root, as this device accepted it."""
    data = values.get_value(ROOT)
    return None if data is None else open_root(data, expected=None)


def stored_root_keys(values: Values) -> HybridSigningKey | None:
    """The organisation's root keys, where this vault holds them."""
    seeds = values.get_value(ORGANISATION_KEYS)
    return None if seeds is None else HybridSigningKey(seeds)


def root_keys(values: Values, identity: Identity) -> HybridSigningKey:
    """The root's keys, which only the device that founded the organisation has, or one that recovered them.

    Raises:
        RefusedError: they are not on this device.
    """
    keys = stored_root_keys(values)
    if keys is None or keys.public != identity.root.value.keys:
        raise RefusedError(
            "no_root_keys",
            expected="the root's keys on this device",
            got="a device without them",
            do="do this on the founder's device, or bring them back with 'fieldward recovery run --root'",
        )
    return keys


def stored_invitation(values: Values) -> Invitation | None:
    """The invitation that this device has answered and whose approval it awaits."""
    data = values.get_value(INVITATION)
    return None if data is None else unpack(Invitation, data)


def trust_of(store: Store, root: Verified[Root]) -> Trust:
    """Every certificate that the store kept."""
    trust = Trust(root)
    for certificate in store.certificates():
        trust.restore(certificate)
    return trust


def enrol(
    writer: ValueWriter, *, root: Verified[Root], chain: tuple[Verified[Certificate], ...], session: Verified[Session]
) -> None:
    """Keep what makes a device a member; its keys are kept already."""
    writer.put_value(ROOT, root.wire)
    writer.put_value(CHAIN, pack(_StoredChain(certificates=tuple(c.wire for c in chain))))
    writer.put_value(SESSION, session.wire)
    writer.put_value(INVITATION, None)


def take_renewal(
    writer: ValueWriter, trust: Trust, certificate: Verified[Certificate], session: Verified[Session]
) -> None:
    """Keep a renewal of this device's certificate and the first session under it, in one transaction."""
    writer.put_value(CHAIN, pack(_StoredChain(certificates=tuple(c.wire for c in trust.chain(certificate.hash)))))
    writer.put_value(SESSION, session.wire)


def new_session(
    keys: DeviceKeys, certificate: Verified[Certificate], *, now_ms: int, entropy: Entropy
) -> Verified[Session]:
    """Open a session of a device."""
    record = Session(certificate=CertificateHash(certificate.hash), nonce=entropy(ID_BYTES), started_ms=now_ms)
    return sign(record, keys.signer, Label.SESSION)


def is_enrolled(values: Values) -> bool:
    """Whether the store belongs to an enrolled device."""
    return values.get_value(CHAIN) is not None


def load_identity(values: Values, store: Store) -> Identity:
    """Read back who this device is.

    Raises:
        RefusedError: the device is not enrolled, or waits for its approval.
    """
    root, keys = stored_root(values), DeviceKeys.load(values)
    chain, session = values.get_value(CHAIN), values.get_value(SESSION)
    if root is None or keys is None or chain is None or session is None:
        waiting = stored_invitation(values) is not None
        raise RefusedError(
            "not_enrolled",
            expected="an enrolled device",
            got="a device that waits for its approval" if waiting else "a device of no organisation",
            do="have an administrator approve it, then run 'fieldward sync once'"
            if waiting
            else "run 'fieldward device enrol --invitation FILE'",
        )
    trust = trust_of(store, root)
    certificates = tuple(
        trust.certificate(Signed(Certificate, wire).hash) or trust.admit(Signed(Certificate, wire))
        for wire in unpack(_StoredChain, chain).certificates
    )
    return Identity(
        root=root, chain=certificates, keys=keys, session=Verified.from_store(Session, session), trust=trust
    )
