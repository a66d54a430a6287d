"""A device keeps the relay to its word: receipts, checkpoints and accusations that stand before everybody."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from edge_runtime.errors import RemoteError
from edge_runtime.events import Alarmed
from edge_runtime.sync import log_keeping
from edge_runtime.sync.log_keeping import Heard, LogKeeper
from edge_runtime.sync.log_shelf import LogShelf
from edge_runtime.sync.progress import ALARM, RELAY, load_newest
from edge_runtime.transports.http import HttpLink
from sync_protocol.accusations import Denial, Rewrite, Split, Verdict, check_receipt, judge
from sync_protocol.certificates import open_relay
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.entries import VerifiedEntry
from sync_protocol.findings import FindingKind
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.greeting_messages import Hello
from sync_protocol.limits import FRAME_BYTES_MAX, GOSSIP_NOTES_MAX, NOTE_BYTES_MAX
from sync_protocol.log_messages import Page
from sync_protocol.memory_store import MemoryStore
from sync_protocol.merkle import leaf_hash, root, verify_consistency
from sync_protocol.messages import Message
from sync_protocol.signing import SigningKey
from sync_protocol.steps import (
    RELAY_LOG_DENIED,
    RELAY_LOG_DIFFERS,
    RELAY_LOG_REWROTE,
    RELAY_LOG_SPLIT,
    RELAY_LOG_UNPROVEN,
    Doubted,
)
from tests.unit.edge_runtime.clinic import ADDRESS, Clinic, Device, fact
from tests.unit.edge_runtime.relay_shell import RelayLink, RelayRequests, RelayShell
from tests.unit.edge_runtime.sync.test_client import Ward, _refusal


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> Ward:
    """A ward of its own, everybody up to date."""
    ward = Ward(clinic)
    ward.settle()
    return ward


def keeper(device: Device, told: list[Verdict] | None = None) -> LogKeeper:
    """What keeps a device's log."""
    accused = None if told is None else told.append
    return LogKeeper(device.store, device.identity, events=device.events, accused=accused)


def verdicts(device: Device) -> list[Verdict]:
    """What stands against the relay, judged again by somebody who has the organisation's root alone."""
    organisation = device.identity.root
    return [
        judge(charge.accusation, organisation, open_relay(charge.record, organisation).value)
        for charge in LogShelf(device.store).accusations()
    ]


def kinds(device: Device) -> list[FindingKind]:
    """Of what the relay was convicted."""
    return [verdict.finding.kind for verdict in verdicts(device)]


def hello_of(link: RelayLink) -> Hello:
    """What a device said first."""
    message = unpack_frame(link.up[0])
    assert isinstance(message, Hello)
    return message


def tampered(link: RelayLink, change: Callable[[Message], Message]) -> RelayLink:
    """A link on which the relay says something else."""
    link.tamper = lambda frame: pack_frame(change(unpack_frame(frame)))
    return link


def without(store: MemoryStore, dropped: VerifiedEntry) -> MemoryStore:
    """The store of a relay that took an entry out of its log, and everything after it in its chain."""
    rest = MemoryStore()
    with rest.writing() as writer:
        for certificate in store.certificates():
            writer.put_certificate(certificate)
        for session in store.sessions():
            writer.put_session(session)
            for seal in store.seals_from(session.value.session, 0, limit=1 << 30):
                writer.put_seal(seal)
        entries = [arrived.entry for arrived in store.arrivals(after=0, limit=1 << 30)]
        writer.append([entry for entry in entries if entry.hash != dropped.hash])
    return rest


# ------------------------------------------------------------------------------------------------------- receipts


def test_every_receipt_is_kept_with_its_proof(ward: Ward):
    """Of each entry that this device pushed, its leaf, its path and the note over it, in the mark's own transaction."""
    mine = [a.entry for a in ward.one.store.arrivals(after=0, limit=1000)]
    receipts = {receipt.entry: receipt for receipt in keeper(ward.one).receipts()}
    pushed = {entry.hash for entry in mine if entry.header.session == ward.one.identity.session.value.session}
    assert receipts.keys() == pushed
    for receipt in receipts.values():
        checkpoint = check_receipt(receipt, ward.relay.record.value)
        assert ward.relay.store.arrivals(after=receipt.index, limit=1)[0].entry.hash == receipt.entry
        assert checkpoint.root == ward.relay.root(checkpoint.size)
    assert ward.one.store.check() == []


def test_a_device_keeps_the_newest_checkpoint_and_the_proofs_of_its_contacts(ward: Ward):
    """Each contact proves what the device held before; the proofs chain up, without the relay."""
    for _ in range(3):
        ward.write(ward.two)
        ward.two.sync(ward.relay)
        ward.one.sync(ward.relay)
    shelf = keeper(ward.one)
    held = shelf.known()[0]
    assert held == ward.relay.note(ward.relay.store.size())
    assert load_newest(ward.one.store).size == ward.relay.store.size()
    for proof in shelf.consistency():
        first, second = (
            Checkpoint.parse(note.decode().partition("\n\n")[0] + "\n") for note in (proof.first, proof.second)
        )
        verify_consistency(
            first=first.size, first_root=first.root, second=second.size, second_root=second.root, path=proof.path
        )
    assert len(shelf.consistency()) >= 3
    assert set(shelf.checkpoints()) >= {held}
    assert shelf.relays() == (ward.relay.record.wire,)
    assert (shelf.transcripts(), shelf.accusations()) == ((), ())


def test_a_contact_without_news_writes_nothing(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """The same checkpoint as before is no reason for a transaction."""
    ward.one.sync(ward.relay)
    before = ward.one.store.values("log/")
    monkeypatch.setattr(LogKeeper, "keep", lambda *_: None)
    ward.one.sync(ward.relay)
    assert ward.one.store.values("log/") == before


# --------------------------------------------------------------------------------------------------------- attacks


def test_a_rollback_is_a_denial_at_the_next_contact(ward: Ward):
    """The database was replaced by an older copy and grew on: the transcript convicts, and nothing is lost."""
    backup = ward.relay.snapshot()
    ward.write(ward.one)
    ward.one.sync(ward.relay)
    ward.relay.store = backup
    ward.write(ward.two)
    ward.two.sync(ward.relay)
    told: list[Verdict] = []
    client = ward.one.client
    client._log = keeper(ward.one, told)
    report = client.run(ward.relay.link(), ADDRESS)
    assert report.alarms[-2:] == [RELAY_LOG_DENIED, RELAY_LOG_DIFFERS]
    assert FindingKind.RELAY_DENIED in kinds(ward.one)
    assert [verdict.fact for verdict in told] == [verdict.fact for verdict in verdicts(ward.one)]
    assert len(keeper(ward.one).transcripts()) == 1
    assert ward.one.pending() == 0
    again = ward.one.sync(ward.relay)
    assert again.alarms == []
    assert len(keeper(ward.one).transcripts()) == 1


def test_what_was_put_in_the_place_of_what_was_lost_is_a_rewrite(ward: Ward):
    """The old receipt is set aside before its entry counts as pending again, and meets the new one at its index."""
    backup = ward.relay.snapshot()
    first = ward.write(ward.one)
    ward.one.sync(ward.relay)
    ward.relay.store = backup
    ward.relay.refuse = lambda entry: _refusal() if entry.hash == first.hash else None
    second = {
        entry.hash for entry in ward.one.charts.add_facts(ward.chart, ward.document, [fact("identity", name="A")])
    }
    report = ward.one.sync(ward.relay)
    assert report.alarms == [RELAY_LOG_DENIED, RELAY_LOG_DIFFERS, RELAY_LOG_REWROTE]
    assert kinds(ward.one) == [FindingKind.RELAY_DENIED, FindingKind.RELAY_REWROTE]
    rewrite = keeper(ward.one).accusations()[1].accusation
    assert isinstance(rewrite, Rewrite)
    assert rewrite.first.entry == first.hash
    assert rewrite.second.entry != first.hash
    assert rewrite.second.entry in ward.relay.names()
    assert second <= ward.relay.names()
    ward.relay.refuse = lambda _: None
    ward.one.sync(ward.relay)
    assert ward.one.pending() == 0
    assert [receipt.entry for receipt in keeper(ward.one).receipts()].count(first.hash) == 2


def test_a_dropped_leaf_is_a_denial_at_the_next_contact(ward: Ward):
    """The log was made again without one entry, and signed again; the device sends the entry again."""
    dropped = ward.write(ward.one)
    ward.one.sync(ward.relay)
    ward.write(ward.two)
    ward.two.sync(ward.relay)
    ward.relay.store = without(ward.relay.store, dropped)
    report = ward.one.sync(ward.relay)
    assert RELAY_LOG_DENIED in report.alarms
    assert FindingKind.RELAY_DENIED in kinds(ward.one)
    assert dropped.hash in ward.relay.names()


def test_a_split_view_is_caught_by_gossip_at_equal_sizes(ward: Ward):
    """Two relays with one key show two devices two logs: two notes of one size convict at the first meeting."""
    fork = _fork(ward)
    ward.write(ward.one)
    ward.one.sync(ward.relay)
    ward.write(ward.two)
    ward.two.sync(fork)
    told: list[Verdict] = []
    one, two = keeper(ward.one, told), keeper(ward.two)
    assert one.gossip(two.known()[0]) is Heard.SPLIT
    assert isinstance(one.accusations()[0].accusation, Split)
    assert kinds(ward.one) == [FindingKind.RELAY_SPLIT]
    assert [verdict.finding.kind for verdict in told] == [FindingKind.RELAY_SPLIT]
    assert ward.one.heard[-1] == Alarmed(RELAY_LOG_SPLIT)
    assert ward.one.store.get_value(ALARM) == RELAY_LOG_SPLIT.encode()
    assert one.gossip(two.known()[0]) is Heard.SPLIT
    assert len(one.accusations()) == len(told) == 1
    report = ward.one.sync(ward.relay)
    assert report.alarms == [RELAY_LOG_SPLIT]


def test_a_split_view_of_other_sizes_is_caught_at_the_next_contact(ward: Ward):
    """The relay is shown what it signed elsewhere, cannot prove it, and is convicted by its own answer."""
    fork = _fork(ward)
    ward.write(ward.one)
    ward.one.sync(ward.relay)
    for _ in range(3):
        ward.write(ward.two)
        ward.two.sync(fork)
    one, two = keeper(ward.one), keeper(ward.two)
    assert one.gossip(two.known()[0]) is Heard.KEPT
    assert two.gossip(one.known()[0]) is Heard.KEPT
    for device, relay in ((ward.one, ward.relay), (ward.two, fork)):
        report = device.sync(relay)
        assert report.alarms == [RELAY_LOG_DENIED]
        assert kinds(device) == [FindingKind.RELAY_DENIED]
        assert device.sync(relay).alarms == []
        assert len(keeper(device).accusations()) == 1


def test_a_larger_checkpoint_without_proof_ends_the_exchange_and_is_asked_for_again(ward: Ward):
    """A relay that does not say so in its WELCOME says it by the next one: the note that it signed is shown to it."""
    fork = _fork(ward)
    for _ in range(2):
        ward.write(ward.two)
        ward.two.sync(fork)
    ward.write(ward.one)

    def lie(message: Message) -> Message:
        return replace(message, note=fork.note(fork.store.size())) if isinstance(message, Page) else message

    with pytest.raises(RemoteError) as ended:
        ward.one.sync(ward.relay, tampered(ward.relay.link(), lie))
    assert ended.value.code == RELAY_LOG_UNPROVEN
    assert Alarmed(RELAY_LOG_UNPROVEN) in ward.one.heard
    link = ward.relay.link()
    report = ward.one.sync(ward.relay, link)
    assert fork.note(fork.store.size()) in hello_of(link).notes
    assert RELAY_LOG_DENIED in report.alarms
    assert kinds(ward.one) == [FindingKind.RELAY_DENIED]


def test_another_key_and_another_organisation_convict_nobody(ward: Ward):
    """What the relay of this device did not sign is foreign: it is neither kept nor shown."""
    size = ward.relay.store.size()
    log = Checkpoint(origin=ward.relay.record.value.origin, size=size, root=root([leaf_hash(b"x")]))
    for key in (SigningKey(b"t" * 32), ward.clinic.relay_key):
        name = log.origin if key is not ward.clinic.relay_key else "fieldward/other/log"
        note = sign_checkpoint(replace(log, origin=name), NoteKey(name, key))
        assert keeper(ward.one).gossip(note) is Heard.FOREIGN
    held = keeper(ward.one).known()[0]
    line = held[held.rindex(b"\n", 0, -1) + 1 :]
    for odd in (b"no note", held + line.replace(b" relay", b" strangers-relay") * (NOTE_BYTES_MAX // len(held))):
        assert keeper(ward.one).gossip(odd) is Heard.FOREIGN
    relay = ward.relay
    honest, relay.owner.relay_key = relay.owner.relay_key, SigningKey(b"t" * 32)
    with pytest.raises(RemoteError) as ended:
        ward.one.sync(relay)
    assert ended.value.code == "forged"
    relay.owner.relay_key = honest
    assert ward.one.sync(relay).alarms == []
    assert kinds(ward.one) == []


def test_a_device_that_knows_no_relay_keeps_no_notes(clinic: Clinic):
    """It could not tell whose they are."""
    device = clinic.device(clinic.admin.identity.certificate.role)
    note = clinic.start_relay().note(0)
    assert device.store.get_value(RELAY) is None
    assert keeper(device).gossip(note) is Heard.FOREIGN


# ------------------------------------------------------------------------------------------------ honest relays


def test_what_honest_relays_sign_is_settled_by_gossip_and_proof(ward: Ward):
    """An equal note agrees, a smaller or larger one waits for the relay's proof, once; nobody is accused."""
    early = keeper(ward.two).known()[0]
    ward.write(ward.one)
    ward.one.sync(ward.relay)
    one, two = keeper(ward.one), keeper(ward.two)
    assert one.gossip(one.known()[0]) is Heard.KNOWN
    assert one.gossip(early) in {Heard.KEPT, Heard.KNOWN}
    assert two.gossip(one.known()[0]) is Heard.KEPT
    assert one.known()[0] in two.to_show()
    for device in (ward.one, ward.two):
        assert device.sync(ward.relay).alarms == []
        assert keeper(device).to_show() == (ward.relay.note(ward.relay.store.size()),)
        assert kinds(device) == []


def test_the_same_over_http(ward: Ward):
    """The handshake is the same, with what it proves; so is that of a token."""
    early = keeper(ward.two).known()[0]
    ward.write(ward.one)
    ward.one.sync(ward.relay)
    newest = keeper(ward.one).known()[0]
    keeper(ward.two).gossip(newest)
    ward.two.client.token(_http(ward), ADDRESS)
    assert keeper(ward.two).to_show()[0] == newest
    assert early not in keeper(ward.two).to_show()
    report = ward.two.client.run(_http(ward), ADDRESS)
    assert (report.alarms, kinds(ward.two)) == ([], [])
    backup = ward.relay.snapshot()
    ward.write(ward.two)
    ward.two.client.run(_http(ward), ADDRESS)
    ward.relay.store = backup
    ward.two.client.token(_http(ward), ADDRESS)
    assert Alarmed(RELAY_LOG_DENIED) in ward.two.heard
    assert kinds(ward.two) == [FindingKind.RELAY_DENIED]


def test_a_new_key_is_a_new_log(ward: Ward):
    """Its relay does not answer for the old one's notes and receipts; it is accused of what it denies of its own."""
    ward.write(ward.one)
    ward.one.sync(ward.relay)
    old, clinic = ward.relay.record, ward.clinic
    clinic.relay_key = SigningKey(b"n" * 32)
    clinic.relay = clinic.relay_record()
    relay = RelayShell(clinic)
    relay.store = copy.deepcopy(ward.relay.store)
    lost = ward.write(ward.one)
    relay.refuse = lambda entry: _refusal() if entry.hash == lost.hash else None
    report = ward.one.sync(relay)
    assert report.alarms == []
    assert keeper(ward.one).relays() == (old.wire, relay.record.wire)
    relay.store = MemoryStore()
    assert ward.one.sync(relay).alarms == [RELAY_LOG_DENIED, RELAY_LOG_DIFFERS]
    assert kinds(ward.one) == [FindingKind.RELAY_DENIED]


# ------------------------------------------------------------------------------------------------------- bounds


def test_what_waits_and_what_is_shown_is_bounded(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """The oldest make room; a HELLO shows so many and so many bytes, the newest always."""
    monkeypatch.setattr(log_keeping, "WAITING_MAX", 12)
    one, owner = keeper(ward.one), ward.relay.owner
    key = NoteKey(ward.relay.record.value.origin, owner.relay_key)
    for size in range(1000, 1020):
        note = sign_checkpoint(Checkpoint(origin=key.public.name, size=size, root=root([])), key)
        assert one.gossip(note) is Heard.KEPT
    assert len(one.to_show()) == GOSSIP_NOTES_MAX
    assert one.to_show()[0] == one.known()[0]
    assert len(one.checkpoints()) >= 12
    large = b"x" * NOTE_BYTES_MAX
    shown = log_keeping._fitting([bytes([n]) + large[1:] for n in range(GOSSIP_NOTES_MAX)])
    assert sum(map(len, shown)) < FRAME_BYTES_MAX
    assert shown


def test_facts_and_lost_receipts_are_bounded(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """What convicts once is enough; a relay that loses everything takes no more room than that."""
    monkeypatch.setattr(log_keeping, "FACTS_MAX", 1)
    monkeypatch.setattr(log_keeping, "LOST_MAX", 2)
    backup = ward.relay.snapshot()
    for _ in range(4):
        ward.write(ward.one)
    ward.one.sync(ward.relay)
    ward.relay.store = backup
    ward.write(ward.two)
    ward.two.sync(ward.relay)
    ward.one.sync(ward.relay)
    assert len(keeper(ward.one).accusations()) == 1
    assert len(keeper(ward.one)._lost()) <= 2


def test_a_doubted_note_of_an_equal_size_convicts_at_once(ward: Ward):
    """As gossip does: both words of the relay are here."""
    fork = _fork(ward)
    ward.write(ward.one)
    ward.one.sync(ward.relay)
    ward.write(ward.two)
    ward.two.sync(fork)
    record = ward.relay.record
    keeper(ward.one).carry_out(Doubted(b"no note"), record)
    keeper(ward.one).carry_out(Doubted(fork.note(fork.store.size())), record)
    assert kinds(ward.one) == [FindingKind.RELAY_SPLIT]
    assert isinstance(keeper(ward.one).accusations()[0].accusation, Split)
    assert not any(isinstance(charge.accusation, Denial) for charge in keeper(ward.one).accusations())


def _fork(ward: Ward) -> Any:
    """The same relay, key and all, with a log of its own from now on."""
    fork = RelayShell(ward.relay.owner)
    fork.record = ward.relay.record
    fork.store = ward.relay.snapshot()
    return fork


def _http(ward: Ward) -> HttpLink:
    requests: Any = RelayRequests(ward.relay, ADDRESS)
    return HttpLink(requests)
