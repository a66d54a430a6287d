"""Devices of an organisation of their own, with real keys and real encrypted stores, made without waiting for people.

Owns the short way from an empty folder to a device at work: an administrator signs its certificate directly, where a
clinic compares codes, and the data key is drawn, where a vault would spend half a second on a passphrase. Everything
that a benchmark then measures is the program as it ships.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from edge_runtime.clinical.layout import Kind
from edge_runtime.enrolment.organisation import YEAR_MS, certify_self, found_organisation
from edge_runtime.facts import Fact
from edge_runtime.identity import DeviceKeys, enrol, new_session
from edge_runtime.runtime import Runtime, clock, entropy
from edge_runtime.settings import Home
from edge_runtime.store.device import DeviceStore
from edge_runtime.vault.keys import DataKey
from sync_protocol.certificates import Certificate, issue
from sync_protocol.control import Certify
from sync_protocol.ids import DeviceId, Hash, UserId
from sync_protocol.limits import ID_BYTES
from sync_protocol.organisation_file import OrganisationFile
from sync_protocol.roles import Role
from sync_protocol.signed import Signed

DATA_KEY: Final = DataKey(bytes(range(32)))
"""Of every device here, so that a second process can open its store; nothing in it is anybody's."""


class Practice:
    """An organisation with its administrator's device, in a folder; close its devices by leaving the `with` block.

    Attributes:
        administrator: founded the organisation and signs certificates.
        file: what a relay needs to know of it.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Found it. Made by `practice`."""
        self._folder = folder
        self._stack = stack
        self.administrator = self._open("administrator")
        self.file: OrganisationFile = found_organisation(self.administrator.store, clock=clock, entropy=entropy)
        certify_self(self.administrator.recorder, self.administrator.identity)

    def device(self, name: str, role: Role = Role.PHYSICIAN) -> Runtime:
        """A new device, certified and with a session."""
        identity, store = self.administrator.identity, self.administrator.store
        keys = DeviceKeys.make(entropy, administrator=False)
        assert identity.keys.administrator is not None, "administrators sign certificates"
        now_ms = clock()
        issued = issue(
            Certificate(
                organisation=identity.root.value.organisation,
                device=DeviceId(entropy(ID_BYTES)),
                user=UserId(entropy(ID_BYTES)),
                role=role,
                ed25519=keys.signer.public,
                wrap=bytes(keys.wrap.public),
                issuer=Hash(identity.name),
                issued_ms=now_ms,
                not_after_ms=now_ms + YEAR_MS,
                ml_dsa=None,
            ),
            identity.keys.administrator,
        )
        certificate = identity.trust.admit(Signed(Certificate, issued.wire))
        batch = self.administrator.recorder.begin()
        batch.organisation_control(Certify(certificate=certificate.wire))
        self.administrator.recorder.write(batch, also=lambda writer: writer.put_certificate(certificate))
        device = self._open(name)
        session = new_session(keys, certificate, now_ms=clock(), entropy=entropy)
        with device.store.writing() as writer:
            for known in store.certificates():
                writer.put_certificate(known)
            keys.save(writer)
            enrol(writer, root=identity.root, chain=(*identity.chain, certificate), session=session)
        return device

    def _open(self, name: str) -> Runtime:
        home = Home(self._folder / name)
        home.make()
        return self._stack.enter_context(opened(home, create=True))


@contextmanager
def practice(folder: Path) -> Iterator[Practice]:
    """An organisation whose devices live in `folder`."""
    with ExitStack() as stack:
        yield Practice(folder, stack)


@contextmanager
def opened(home: Home, *, create: bool = False) -> Iterator[Runtime]:
    """A device's home at work, as after its passphrase was typed."""
    with DeviceStore(home.store, DATA_KEY, entropy, create=create) as store:
        yield Runtime(home, store)


def observation(number: int) -> Fact:
    """A heart rate: the change that a device records most often."""
    payload = {
        "code": "8867-4",
        "system": "http://loinc.org",
        "text": "Heart rate",
        "value": str(60 + number % 60),
        "unit": "/min",
    }
    return Fact(kind=Kind.OBSERVATION, payload=payload, supersedes=())
