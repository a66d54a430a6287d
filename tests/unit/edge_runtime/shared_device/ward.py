"""A tablet of a ward: homes of several people on one device, and clocks that a test moves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.shared_device.device import SharedDevice
from edge_runtime.shared_device.locking import Locked, Moment
from edge_runtime.shared_device.profiles import set_label
from edge_runtime.store.device import DeviceStore
from sync_protocol.audit import AuditRecord
from sync_protocol.control import ledger_id
from sync_protocol.ids import CertificateHash
from sync_protocol.roles import Role
from tests.support.audit_records import opened
from tests.support.people import Device, Entropy, Organisation
from tests.unit.mobile_bridge.homes import CHEAP, PASSPHRASE, make_home

if TYPE_CHECKING:
    import pytest

PIN: Final = "271828"
OTHER_PIN: Final = "314159"
PEOPLE: Final = {"ana": Role.NURSE, "ben": Role.PHYSICIAN, "cleo": Role.NURSE}
START_MS: Final = 1_760_000_000_000


class Clocks:
    """Two clocks and a calendar, moved together by `work`, and apart by `sleep`."""

    def __init__(self) -> None:
        self.awake_ms = 5_000
        self.lasting_ms = 9_000_000

    def work(self, ms: int) -> None:
        """Time passes while the device is awake."""
        self.awake_ms += ms
        self.lasting_ms += ms

    def sleep(self, ms: int) -> None:
        """Time passes while it sleeps."""
        self.lasting_ms += ms

    def moment(self) -> Moment:
        """The present."""
        return Moment(awake_ms=self.awake_ms, lasting_ms=self.lasting_ms)

    def wall(self) -> int:
        """The calendar."""
        return START_MS + self.lasting_ms


class Tablet:
    """A folder of homes and the device over it, as one run of the program holds it."""

    def __init__(self, folder: Path, clocks: Clocks | None = None) -> None:
        self.folder = folder
        self.clocks = clocks or Clocks()
        self.told: list[Locked] = []
        self.shared = SharedDevice(
            folder,
            clock=self.clocks.wall,
            moment=self.clocks.moment,
            entropy=Entropy(3),
            told=self.told.append,
            pin_cost=CHEAP,
        )

    def open(self, name: str, *, pin: str | None = PIN) -> None:
        """Open a home and set its PIN."""
        self.shared.unlock(name, PASSPHRASE)
        if pin is not None:
            self.shared.set_pin(pin, passphrase=PASSPHRASE)

    def acts(self, *kinds: str) -> list[tuple[str, str | None, int | None]]:
        """What the ledger of the home in front says of opening and locking: kind, by what, how often."""
        runtime = self.shared.runtime
        found = opened(runtime.store, runtime.keyring, ledger_id(runtime.identity.name))
        wanted = kinds or ("unlocked", "locked", "unlock_failed")
        return [
            (one.kind.name, dict(one.detail).get("by"), one.count)
            for _, one in found
            if isinstance(one, AuditRecord) and one.kind.name in wanted
        ]

    def close(self) -> None:
        """The program ends."""
        for name in self.shared.held:
            self.shared.close(name)


def make_ward(folder: Path) -> dict[str, Device]:
    """Make the homes of PEOPLE, all of one device."""
    organisation = Organisation.make(7)
    first = organisation.device(Role.NURSE)
    people: dict[str, Device] = {}
    for name, role in PEOPLE.items():
        people[name] = organisation.device(role, device=first.certificate.value.device)
        make_home(folder / name, people[name])
        set_label(folder, name, name.title())
    return people


def authors(store: DeviceStore) -> set[CertificateHash]:
    """Whose sessions wrote what lies in a store."""
    sessions = {arrived.entry.header.session for arrived in store.arrivals(after=0, limit=1 << 20)}
    found = [store.session(name) for name in sessions]
    return {session.value.certificate for session in found if session is not None}


def unsealed(store: DeviceStore) -> list[int]:
    """Entries, by their numbers, whose seal is not there."""
    missing: list[int] = []
    entries = (arrived.entry for arrived in store.arrivals(after=0, limit=1 << 20))
    for entry in entries:
        last = store.last_seal(entry.header.session)
        if last is None or last.value.number < entry.header.seal:
            missing.append(entry.header.seq)
    return missing


def quick_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open stores that do not wait for the disk: no test here cuts the power."""

    def open_quickly(*arguments: Any, **options: Any) -> DeviceStore:
        store = DeviceStore(*arguments, **options)
        store._writer_connection.execute("PRAGMA synchronous=OFF")
        return store

    monkeypatch.setattr("edge_runtime.runtime.DeviceStore", open_quickly)


def words(told: Iterable[Locked]) -> list[tuple[str, str, bool]]:
    """What an owner was told, in short."""
    return [(one.name, one.reason.value, one.held) for one in told]
