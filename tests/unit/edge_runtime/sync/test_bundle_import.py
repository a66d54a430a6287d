"""What an import says of a file is true, whoever made it: what is here, what waits, what is not kept, who made it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import StoreError
from edge_runtime.events import Alarmed
from edge_runtime.restored import RESTORED
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.bundle_export import BundleExport
from edge_runtime.sync.bundle_import import BundleReport
from edge_runtime.sync.bundles import Bundles
from sync_protocol.audit import Head
from sync_protocol.bundle import BundleReader, BundleWriter, Ending, head_of
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.frames import pack_frame, split_entries, split_proofs
from sync_protocol.ids import CertificateHash
from sync_protocol.intake import Proofs
from sync_protocol.messages import Entries
from sync_protocol.roles import Role
from sync_protocol.signing import SigningKey
from sync_protocol.steps import Take
from tests.unit.edge_runtime.clinic import Clinic, Device, fact


class _NoBlobs:
    """Stands in the place of a stock that has no attachments."""


class Desk:
    """Imports on one device, and what was recorded of it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.records: list[tuple[CertificateHash | None, int]] = []
        self.bundles = Bundles(
            store=device.store,
            identity=device.identity,
            keyring=device.keyring,
            events=device.events,
            clock=device.clinic.clock,
            entropy=device.entropy,
            record=self,
            mend=lambda _: None,
            settled=lambda: None,
            stock=_NoBlobs,  # type: ignore[arg-type]
        )

    def bundle_exported(self, **_: Any) -> None:
        """Not here."""

    def bundle_imported(self, peer: CertificateHash | None, heads: Iterable[Head], *, received: int) -> None:
        """Keep what is recorded."""
        assert [*heads] or not received
        self.records.append((peer, received))

    def take(self, data: bytes) -> BundleReport:
        """Take in a file."""
        report = self.bundles.take_in([data], progress=lambda _: None)
        refused = sum(report.refused.values())
        assert report.received + report.known + report.held + report.deferred + refused == report.entries
        assert min(report.received, report.known, report.held, report.deferred, report.waited) >= 0
        return report


class Stick:
    """A physician who shares a chart with a nurse, and files between them."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.maker = clinic.device(Role.PHYSICIAN)
        self.taker = clinic.device(Role.NURSE)
        self.chart, self.places = self.maker.charts.create((), workflow=WorkflowType.ENCOUNTER)
        self.maker.charts.share(self.chart, self.taker.id)
        self.desk = Desk(self.taker)

    def write(self, name: str) -> None:
        """State a name in the chart."""
        self.maker.charts.add_facts(self.chart, self.places[0], [fact("identity", name=name)])

    def export(self) -> bytes:
        """All of it."""
        out = bytearray()
        BundleExport(self.maker.store, self.maker.identity, self.maker.keyring).write(
            out.extend,
            charts=None,
            everything=True,
            made_ms=self.clinic.clock(),
            progress=lambda _: None,
            record=lambda _: None,
            attachments=lambda _: (),
        )
        return bytes(out)

    def parts(self) -> tuple[Proofs, list[WireEntry]]:
        """What an export holds."""
        proofs = Proofs()
        entries: list[WireEntry] = []
        for step in BundleReader().feed(self.export()):
            if isinstance(step, Take):
                proofs += step.proofs
                entries += step.entries
        return proofs, entries

    def written(
        self,
        proofs: Proofs,
        batches: Sequence[Sequence[WireEntry]],
        *,
        head: Any = None,
        signer: SigningKey | None = None,
    ) -> bytes:
        """A file of somebody's own making, by the physician unless another head or key is given."""
        out = bytearray()
        identity = self.maker.identity
        writer = BundleWriter(out.extend, head or head_of(identity.chain, made_ms=1))
        for message in split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals):
            writer.add(message)
        for batch in batches:
            for entries in split_entries(batch):
                writer.add(entries)
        writer.finish(signer or identity.keys.signer)
        return bytes(out)


@pytest.fixture(name="stick")
def fixture_stick(clinic: Clinic) -> Stick:
    """A stick of its own."""
    return Stick(clinic)


def test_what_waits_and_what_finds_its_place_is_counted_once(stick: Stick) -> None:
    """A file whose entries wait, then the file that they wait for: both sums come out, and nothing is below zero."""
    for name in ("Ana", "Bea", "Carla"):
        stick.write(name)
    proofs, entries = stick.parts()
    document = _content_of(entries)
    early = stick.desk.take(stick.written(proofs, [[one for one in entries if one not in document[:1]]]))
    assert (early.held, early.waited) == (len(document) - 1, 0)
    late = stick.desk.take(stick.written(proofs, [document[:1]]))
    assert (late.received, late.waited, late.held) == (1, len(document) - 1, 0)


def test_what_waits_within_one_file_is_new(stick: Stick) -> None:
    """Entries that stand in a file before what they follow are new, and nothing waits at its end."""
    for name in ("Ana", "Bea"):
        stick.write(name)
    proofs, entries = stick.parts()
    document = _content_of(entries)
    rest = [one for one in entries if one not in document]
    told = stick.desk.take(stick.written(proofs, [rest, *([one] for one in reversed(document))]))
    assert (told.held, told.waited, told.received + told.known) == (0, 0, len(entries))


def test_what_there_was_no_room_for_is_said(stick: Stick, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that was not kept is not called one that was here before."""
    monkeypatch.setattr("edge_runtime.sync.held.HELD_ENTRIES_PER_AUTHOR", 1)
    for name in ("Ana", "Bea", "Carla"):
        stick.write(name)
    proofs, entries = stick.parts()
    document = _content_of(entries)
    here = sum(stick.taker.store.arrival(one.hash) is not None for one in entries)
    told = stick.desk.take(stick.written(proofs, [[one for one in entries if one not in document[:1]]]))
    assert told.known == here
    assert (told.held, told.deferred, told.received) == (1, len(document) - 2, len(entries) - here - len(document))


def test_a_claim_to_be_somebody_is_no_proof(stick: Stick) -> None:
    """A head that names another's certificate makes nobody the maker: not in what is said, nor on record."""
    proofs, entries = stick.parts()
    thief = stick.clinic.device(Role.NURSE)
    told = stick.desk.take(stick.written(proofs, [entries], signer=thief.identity.keys.signer))
    assert told.ending is Ending.DAMAGED
    assert (told.maker is not None, told.is_proven) == (True, False)
    assert [peer for peer, _ in stick.desk.records] == [None]
    assert stick.desk.take(stick.export()).is_proven


def test_whose_certificate_is_unknown_is_nobody(stick: Stick) -> None:
    """A file that was signed as its own head says, by nobody of this organisation, has no maker."""
    (stick.clinic.folder / "other").mkdir()
    strangers = Clinic(stick.clinic.folder / "other", seed=9)
    stranger = strangers.device(Role.NURSE)
    own = head_of(stick.maker.identity.chain, made_ms=1)
    head = type(own)(
        version=1,
        organisation=own.organisation,
        certificates=tuple(one.wire for one in stranger.identity.chain),
        made_ms=1,
    )
    told = stick.desk.take(stick.written(*_batched(stick), head=head, signer=stranger.identity.keys.signer))
    assert (told.ending, told.maker, told.is_proven) == (Ending.WHOLE, None, False)
    strangers.close()


def test_rot_is_no_forgery(stick: Stick) -> None:
    """A bit that fell over in a body is damage of the file; a whole file with such an entry is somebody's doing."""
    proofs, entries = stick.parts()
    bad = WireEntry(
        header=entries[-1].header,
        body=entries[-1].body[:-1] + bytes([entries[-1].body[-1] ^ 1]),
        index=entries[-1].index,
        path=entries[-1].path,
    )
    whole = stick.written(proofs, [entries])
    (old,), (new,) = ([pack_frame(one) for one in split_entries(some)] for some in ([entries[-1]], [bad]))
    apart = stick.written(proofs, [entries[:-1], [entries[-1]]])
    assert apart.count(old) == 1
    rotten = stick.desk.take(apart.replace(old, new))
    assert (rotten.ending, rotten.alarms, sum(rotten.refused.values())) == (Ending.DAMAGED, [], 1)
    forged = stick.desk.take(stick.written(proofs, [entries[:-1], [bad]]))
    assert (forged.ending, len(forged.alarms)) == (Ending.WHOLE, 1)
    assert stick.desk.take(whole).received == 1


def test_frames_that_carry_nothing_cost_nothing(stick: Stick, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty frames, and entries that are here, do not make the device write; a file of empty frames is given up."""
    proofs, entries = stick.parts()
    stick.desk.take(stick.written(proofs, [entries]))
    blocks: list[int] = []
    writing = DeviceStore.writing

    def counted(store: DeviceStore) -> Any:
        blocks.append(1)
        return writing(store)

    monkeypatch.setattr(DeviceStore, "writing", counted)
    out = bytearray()
    writer = BundleWriter(out.extend, head_of(stick.maker.identity.chain, made_ms=1))
    for _ in range(5000):
        writer.add(Entries(entries=()))
    told = stick.desk.take(bytes(out))
    assert (told.ending, told.damaged) == (Ending.DAMAGED, 1024)
    again = stick.desk.take(stick.written(Proofs(), [[one] for one in entries] * 10))
    assert again.known == 10 * len(entries)
    assert len(blocks) <= 2


def test_a_file_of_forgeries_is_given_up(stick: Stick, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who writes entries that nobody signed does not keep a device busy for as long as the file is."""
    monkeypatch.setattr("edge_runtime.sync.bundle_import.UNSOUND_MAX", 10)
    proofs, entries = stick.parts()
    last = entries[-1]
    bad = WireEntry(header=last.header, body=b"other", index=last.index, path=last.path)
    told = stick.desk.take(stick.written(proofs, [*([bad] for _ in range(100)), entries]))
    assert (told.entries, told.received) == (11, 0)
    assert told.ending is Ending.DAMAGED
    assert told.alarms


def test_a_file_of_what_nothing_proves_is_given_up(stick: Stick, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries without end of sessions that nobody knows end the reading; what is proven between them begins anew."""
    monkeypatch.setattr("edge_runtime.sync.bundle_import.BARREN_MAX", 10)
    (stick.clinic.folder / "other").mkdir()
    other = Clinic(stick.clinic.folder / "other", seed=9)
    strange = [arrived.entry.wire for arrived in other.admin.store.arrivals(after=0, limit=2)]
    proofs, entries = stick.parts()
    told = stick.desk.take(stick.written(proofs, [*([strange[0]] for _ in range(8)), entries, *[strange[:1]] * 8]))
    assert (told.ending, told.refused["untrusted"], told.alarms) == (Ending.WHOLE, 16, [])
    endless = stick.desk.take(stick.written(Proofs(), [*[strange[:1]] * 100, entries]))
    assert (endless.ending, endless.entries, endless.alarms) == (Ending.DAMAGED, 11, [])
    other.close()


def test_what_waits_is_dated_by_this_devices_clock(stick: Stick) -> None:
    """Since when something waits is not for its author to say."""
    stick.clinic.clock.now_ms += 10_000_000
    stick.write("Ana")
    stick.clinic.clock.now_ms -= 10_000_000
    stick.write("Bea")
    proofs, entries = stick.parts()
    document = _content_of(entries)
    before = stick.clinic.clock()
    stick.desk.take(stick.written(proofs, [[one for one in entries if one not in document[:1]]]))
    assert all(before < one.since_ms < before + 1000 for one in stick.taker.store.held())


def test_own_work_that_comes_back_is_told(stick: Stick) -> None:
    """A file with entries of this device's own session that are not here: it goes on in another, and says so."""
    maker = stick.maker
    before = maker.identity.session.value.session
    copy = maker.path.with_name("copy")
    maker.store.copy(copy)
    stick.write("Lost")
    lost = stick.export()
    old = Device(stick.clinic, copy, maker.entropy)
    old.load()
    Desk(old).take(lost)
    assert old.identity.session.value.session != before
    assert Alarmed(RESTORED) in old.heard
    old.store.close()


def test_a_full_disk_does_not_say_that_nothing_was_changed(stick: Stick, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before the disk was full is here, and that is said; other damage is told as it is."""
    errors = iter(["disk_full", "disk_failed"])

    def fails(*_: Any, **__: Any) -> None:
        raise StoreError(next(errors), expected="room", got="none", do="nothing was changed")

    stick.write("Ana")
    data = stick.export()
    monkeypatch.setattr(stick.desk, "bundle_imported", fails)
    with pytest.raises(StoreError, match="what came before is kept"):
        stick.desk.take(data)
    with pytest.raises(StoreError, match="nothing was changed"):
        stick.desk.take(data)
    monkeypatch.undo()
    assert stick.desk.take(data).received == 0


def test_what_came_waits_for_the_relay_and_is_elsewhere(stick: Stick) -> None:
    """What a file brought is to be pushed, and counts as at a peer as well: its maker had it."""
    stick.write("Ana")
    store = stick.taker.store
    before, alone = store.waiting(), store.upload_counts()[UploadState.PENDING]
    told = stick.desk.take(stick.export())
    assert store.waiting() == before + told.received
    assert store.upload_counts()[UploadState.PENDING] == alone


def _batched(stick: Stick) -> tuple[Proofs, list[list[WireEntry]]]:
    proofs, entries = stick.parts()
    return proofs, [entries]


def _content_of(entries: Iterable[WireEntry]) -> list[WireEntry]:
    """The longest chain of content among entries, in order."""
    chains: dict[Any, list[WireEntry]] = {}
    for one in entries:
        header = VerifiedEntry.from_store(one).header
        if header.epoch is not None:
            chains.setdefault((header.stream, header.session), []).append(one)
    return max(chains.values(), key=len)
