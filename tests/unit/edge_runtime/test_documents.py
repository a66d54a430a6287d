"""Documents opened: what cannot be read is named and kept, and hides nothing else."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from edge_runtime import documents as module
from edge_runtime.cache import keeping
from edge_runtime.cli.chart_marks import flag
from edge_runtime.cli.chart_text import print_chart
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.documents import OpenDocument, Unread
from edge_runtime.errors import RefusedError
from edge_runtime.facts import Content, Fact, FactId, TextUpdate, pack_content
from edge_runtime.recorder.sections import edit_of
from edge_runtime.sections import text_doc_id
from sync_protocol.control import AddMember, content_stream
from sync_protocol.entries import Header, VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId, EntryHash, Hash
from sync_protocol.judge import Judge
from sync_protocol.roles import RIGHTS, Compartment, Role
from sync_protocol.sealing import NONCE_BYTES, ContentKey, seal
from sync_protocol.verdicts import Reason, Standing, Verdict
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact, settle

CLINICAL, SAFETY = Compartment.CLINICAL, Compartment.SAFETY
QUARANTINED = Verdict(Standing.QUARANTINED, Reason.REVOKED)
VOID = Verdict(Standing.VOID, Reason.ROLE)


def _chart(device: Device) -> tuple[ChartId, DocumentId]:
    chart, (_, document) = device.charts.create((), workflow=WorkflowType.ENCOUNTER)
    return chart, document


def _opened(device: Device, chart: ChartId, document: DocumentId) -> OpenDocument:
    return device.charts.open(chart).documents[document]


def _put(
    device: Device, chart: ChartId, document: DocumentId, body: Content, compartment: Compartment = CLINICAL
) -> VerifiedEntry:
    """Write what no honest device would."""
    batch = device.recorder.begin()
    batch.content(chart, document, compartment, body)
    return device.recorder.write(batch)[-1]


def _text(update: bytes, section: str = "plan") -> Content:
    return Content(facts=None, text=TextUpdate(section=section, update=update))


def _pair(clinic: Clinic) -> tuple[Device, Device, ChartId, DocumentId]:
    """Two physicians of one chart, both up to date."""
    one, two = clinic.device(Role.PHYSICIAN), clinic.device(Role.PHYSICIAN)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, document = _chart(one)
    one.charts.share(chart, two.id)
    one.charts.edit_text(chart, document, "plan", "Rest.")
    settle(relay, one, two)
    return one, two, chart, document


def test_facts_bear_author_place_and_order(clinic: Clinic):
    """A placed fact says who wrote it, in which document, and when; its id is entry and index."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    facts = [fact("priority", to="urgent"), fact("procedure", text="Wound dressed")]
    entry = device.charts.add_facts(chart, document, facts)[-1]
    placed = [one for one in _opened(device, chart, document).facts if one.id.entry == entry.hash]
    assert [(one.id.index, one.fact.kind) for one in placed] == [(0, "priority"), (1, "procedure")]
    assert {one.author.role for one in placed} == {"physician"}
    assert {str(one.author.device) for one in placed} == {device.id}
    assert {(one.document, one.lamport, one.wall_ms) for one in placed} == {
        (document, entry.header.lamport, entry.header.wall_ms)
    }


def test_without_its_key_an_entry_is_kept_and_counted(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A missing key hides its entries alone, and they appear when the key comes."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    device.charts.edit_text(chart, document, "plan", "Rest.")
    device.restart()
    monkeypatch.setattr(device.keyring, "open_epoch", lambda *_: None)
    unread = _opened(device, chart, document).unread
    assert set(unread.values()) == {Unread.NO_KEY}
    monkeypatch.undo()
    assert not _opened(device, chart, document).unread
    assert device.text(chart, document) == "Rest."


def test_text_that_hangs_on_unreadable_entries_is_not_edited(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """An entry without a key may hold text, so an edit beside it would be refused by everybody who can read it."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    entry = device.charts.edit_text(chart, document, "plan", "Rest.")[-1]
    device.charts.share(chart, clinic.device(Role.NURSE).id)
    device.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    open_epoch = device.keyring.open_epoch
    device.reader._opened.clear()
    device.keyring._keys.clear()
    monkeypatch.setattr(
        device.keyring,
        "open_epoch",
        lambda chart, epoch: None if epoch.id == entry.header.epoch else open_epoch(chart, epoch),
    )
    size = device.store.size()
    for section in ("plan", "history"):
        with pytest.raises(RefusedError) as refusal:
            device.charts.edit_text(chart, document, section, "Walk.")
        assert refusal.value.code == "text_not_whole"
    assert device.store.size() == size
    device.charts.add_facts(chart, document, [fact("priority", to="urgent")])


def test_what_does_not_open_or_parse_is_named_and_hides_nothing(clinic: Clinic):
    """Forged bodies, malformed content, another compartment's epoch, no epoch: each is kept with its reason."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    good = _put(device, chart, document, Content(facts=(fact("priority", to="urgent"),), text=None))
    _put(device, chart, document, Content(facts=(fact("status", to="active"),), text=None), SAFETY)
    epochs = {epoch.record.compartment: epoch for epoch in device.keyring.membership(chart).epochs.values()}
    keys = {where: device.keyring.open_epoch(chart, epoch) for where, epoch in epochs.items()}

    def put(key: ContentKey | None, epoch: EntryHash | None, plain: bytes) -> EntryHash:
        batch = device.recorder.begin()
        stream = content_stream(chart, document, CLINICAL)
        pair = None if key is None or epoch is None else (epoch, key)
        batch._drafts.add(stream, plain, epoch=pair)
        return device.recorder.write(batch)[-1].hash

    plain = pack_content(Content(facts=(), text=None))
    wanted = {
        put(ContentKey(bytes(32)), epochs[CLINICAL].id, plain): Unread.FORGED,
        put(keys[CLINICAL], epochs[CLINICAL].id, b"\xff"): Unread.MALFORMED,
        put(keys[SAFETY], epochs[SAFETY].id, plain): Unread.FORGED,
        put(None, None, plain): Unread.MALFORMED,
        put(keys[CLINICAL], EntryHash(bytes(32)), plain): Unread.NO_KEY,
    }
    for _ in range(2):
        opened = _opened(device, chart, document)
        assert opened.unread == wanted
        assert good.hash in {one.id.entry for one in opened.facts}


def test_a_body_is_bound_to_the_header_as_it_came(clinic: Clinic):
    """An entry of a newer version, whose header says more, opens: what it says more is bound too."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    _put(device, chart, document, Content(facts=(), text=None))
    (arrived,) = device.store.arrivals(after=device.store.size() - 1, limit=1)
    header = arrived.entry.header
    from sync_protocol.encoding import decode, encode
    from sync_protocol.entries import WireEntry
    from sync_protocol.records import to_map

    epoch = device.keyring.membership(chart).epochs[header.epoch]  # type: ignore[index]
    key = device.keyring.open_epoch(chart, epoch)
    assert key is not None
    fields = to_map(header)
    assert isinstance(fields, dict)
    newer = {**fields, 200: b"more"}
    bound = {number: value for number, value in newer.items() if number not in {11, 12}}
    body = seal(key, pack_content(Content(facts=(), text=None)), nonce=bytes(NONCE_BYTES), aad=encode(bound))
    wire = WireEntry(header=encode(newer), body=body, index=0, path=())
    entry = VerifiedEntry.from_store(wire)
    assert isinstance(entry.header, Header)
    assert decode(wire.header) == newer
    membership = device.keyring.membership(chart)
    assert membership is not None
    assert isinstance(device.reader._open(chart, CLINICAL, entry, membership), Content)


def test_opened_bodies_take_so_much_memory_and_no_more(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """The reader forgets rather than grow without bound, and reads the same."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document = _chart(device)
    for words in ("urgent", "critical", "emergency"):
        device.charts.add_facts(chart, document, [fact("priority", to=words)])
    shown = device.shown(chart)
    monkeypatch.setattr(module, "OPENED_BYTES_MAX", 700)
    device.restart()
    assert device.shown(chart) == shown
    opened = [device.store.entry(name) for name in device.reader._opened]
    assert sum(len(one.entry.body) for one in opened if one is not None) <= 700


# --------------------------------------------------------------------------------------------------------- sections


def test_a_refused_update_is_kept_and_the_section_goes_on(clinic: Clinic):
    """A hostile update shows nowhere, is counted, and later edits of everybody follow it without being refused."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    bad = _put(one, chart, document, _text(b"\x00\x01garbage"))
    settle(relay, clinic.admin, one, two)
    two.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    one.charts.edit_text(chart, document, "plan", "Please rest.")
    settle(relay, one, two)
    for device in (one, two):
        opened = _opened(device, chart, document)
        assert opened.unread == {bad.hash: Unread.MALFORMED}
        assert opened.text("plan").text == "Please rest. Drink."
        assert [str(author.device) for author in opened.authors_of(opened.text("plan").sessions)] == [one.id, two.id]


def test_what_is_missed_of_a_text_does_not_depend_on_how_often_it_was_opened(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
):
    """A refused update of text that was replaced is missed by nobody, nor by who opened the chart before that."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    bad = _put(one, chart, document, _text(b"\x00\x01garbage"))
    settle(relay, clinic.admin, one, two)
    _judged(monkeypatch, {bad.hash: QUARANTINED})
    monkeypatch.setattr(keeping, "ground_of", lambda *_: Hash.of(b"the same from now on"))
    assert _opened(two, chart, document).unread == {bad.hash: Unread.MALFORMED}
    one.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    settle(relay, one, two)
    before = _opened(two, chart, document).unread
    two.restart()
    assert before == _opened(two, chart, document).unread == {}


def test_text_outside_its_compartment_cannot_take_a_sections_place(clinic: Clinic):
    """An update in another compartment's stream is kept and not shown; the section reads as before."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    stray = _put(one, chart, document, _text(b"\x00\x00", "plan"), SAFETY)
    settle(relay, clinic.admin, one, two)
    two.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    settle(relay, one, two)
    for device in (one, two):
        opened = _opened(device, chart, document)
        assert opened.unread == {stray.hash: Unread.MALFORMED}
        assert opened.text("plan").text == "Rest. Drink."


def test_sections_are_apart_from_each_other_and_across_documents():
    """Each section of each compartment of each document has a Doc of its own."""
    documents = [DocumentId(bytes([number]) * 16) for number in range(2)]
    places = {
        text_doc_id(document, compartment, section)
        for document in documents
        for compartment in Compartment
        for section in ("plan", "history")
    }
    assert len(places) == 16


def _restored(clinic: Clinic, device: Device, folder: Path) -> Device:
    """The device once more, as its store is now."""
    device.store.checkpoint()
    device.store.close()
    copy = folder / "restored.db"
    copy.write_bytes(device.path.read_bytes())
    device.restart()
    twin = Device(clinic, copy, device.entropy)
    twin.load()
    clinic.devices.append(twin)
    return twin


def test_after_a_restore_no_text_is_lost_without_a_word(clinic: Clinic, tmp_path: Path):
    """Two histories of one session: facts of both count, text of both is shown apart, everywhere; an edit decides."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    twin = _restored(clinic, one, tmp_path)
    first = one.charts.edit_text(chart, document, "plan", "Rest well.")[-1]
    second = twin.charts.edit_text(chart, document, "plan", "Rest badly.")[-1]
    one.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    twin.charts.add_facts(chart, document, [fact("procedure", text="Wound dressed")])
    settle(relay, clinic.admin, one, twin, two)
    for device in (one, twin, two):
        opened = _opened(device, chart, document)
        assert not opened.unread
        assert {"priority", "procedure"} <= {one.fact.kind for one in opened.facts}
        assert opened.text("plan").text == "Rest."
        views = {view.head: (view.text, view.reasons) for view in opened.text("plan").views}
        assert views == {first.hash: ("Rest well.", (Reason.FORKED,)), second.hash: ("Rest badly.", (Reason.FORKED,))}
        assert [review.kind for review in device.charts.open(chart).state.reviews if review.open] == [ReviewKind.TEXT]
    assert one.shown(chart) == twin.shown(chart) == two.shown(chart)
    two.charts.edit_text(chart, document, "plan", "More rest.")
    settle(relay, one, twin, two)
    twin.charts.edit_text(chart, document, "plan", "More rest, please.")
    settle(relay, one, twin, two)
    for device in (one, twin, two):
        assert device.text(chart, document) == "More rest, please."
        assert not _opened(device, chart, document).text("plan").disputed
        assert not device.charts.open(chart).state.reviews
    assert one.shown(chart) == twin.shown(chart) == two.shown(chart)


def test_after_a_fork_the_device_writes_under_another_session(clinic: Clinic, tmp_path: Path):
    """Learning that its session wrote elsewhere, a device opens a new one; other sections go on, on every device."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    twin = _restored(clinic, one, tmp_path)
    old = one.identity.session.value.session
    one.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    twin.charts.add_facts(chart, document, [fact("procedure", text="Wound dressed")])
    settle(relay, clinic.admin, one, twin, two)
    sessions = {device.identity.session.value.session for device in (one, twin)}
    assert old not in sessions
    assert len(sessions) == 2
    assert one.restart().identity.session.value.session in sessions
    one.charts.edit_text(chart, document, "history", "Since Tuesday.")
    settle(relay, one, twin, two)
    twin.charts.edit_text(chart, document, "history", "Since Tuesday night.")
    settle(relay, one, twin, two)
    for device in (one, twin, two):
        assert not _opened(device, chart, document).unread
        assert device.text(chart, document, "history") == "Since Tuesday night."


def test_text_of_a_forked_branch_that_nobody_can_follow_is_replaced_by_name(clinic: Clinic, tmp_path: Path):
    """An entry names one head a session; a start names what it replaces, whatever its entry follows."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    twin = _restored(clinic, one, tmp_path)
    apart = twin.charts.edit_text(chart, document, "history", "Since Tuesday.")[-1]
    for words in ("urgent", "critical"):
        one.charts.add_facts(chart, document, [fact("priority", to=words)])
    settle(relay, clinic.admin, one, twin, two)
    for device in (one, two, twin):
        text = _opened(device, chart, document).text("history")
        assert text.text == ""
        assert [(view.head, view.text, view.reasons) for view in text.views] == [
            (apart.hash, "Since Tuesday.", (Reason.FORKED,))
        ]
    two.charts.edit_text(chart, document, "history", "Since Monday.")
    settle(relay, one, twin, two)
    assert not _opened(one, chart, document).unread
    assert one.text(chart, document, "history") == "Since Monday."
    assert one.shown(chart) == two.shown(chart) == twin.shown(chart)


def test_held_entries_are_counted_and_not_followed(clinic: Clinic):
    """What waits for an entry that has not come is named; an edit beside it follows what is shown; later all merges."""
    one, two, chart, document = _pair(clinic)
    three = clinic.device(Role.PHYSICIAN)
    one.charts.share(chart, three.id)
    one.charts.edit_text(chart, document, "plan", "Rest well.")
    carry(one, three)
    follows = three.charts.edit_text(chart, document, "plan", "Rest well. Sleep.")[-1]
    assert carry(three, two, [follows]).stored == 1
    assert _opened(two, chart, document).unread == {follows.hash: Unread.HELD}
    two.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    assert two.text(chart, document) == "Rest. Drink."
    relay = clinic.start_relay()
    settle(relay, clinic.admin, one, two, three)
    assert not _opened(two, chart, document).unread
    assert sorted(two.text(chart, document).split()) == ["Drink.", "Rest", "Sleep.", "well."]
    assert one.shown(chart) == two.shown(chart) == three.shown(chart)
    two.charts.edit_text(chart, document, "plan", "All of it.")
    assert two.text(chart, document) == "All of it."


def _ahead(clinic: Clinic, *facts: Fact) -> tuple[Device, Device, ChartId, DocumentId, list[VerifiedEntry]]:
    """Facts that came to the second device before what their author had seen: who sent that, and they."""
    one, two, chart, document = _pair(clinic)
    three = clinic.device(Role.PHYSICIAN)
    one.charts.share(chart, three.id)
    one.charts.add_facts(chart, document, [fact("allergy", text="Latex"), fact("priority", to="urgent")])
    carry(one, three)
    every = [arrived.entry for arrived in one.store.arrivals(after=0, limit=1 << 16)]
    carry(one, two, [entry for entry in every if entry.header.epoch is None])  # the keys, not the content
    entries = [entry for one_fact in facts for entry in three.charts.add_facts(chart, document, [one_fact])]
    assert carry(three, two, entries).stored == len(entries)
    return one, two, chart, document, entries


def test_facts_show_before_what_they_follow(clinic: Clinic, capsys: pytest.CaptureFixture[str]):
    """They are signed, and may be needed now: they count, with a mark; later they stand as if they came in order."""
    penicillin, pulse = fact("allergy", text="Penicillin"), fact("observation", code="8867-4", text="HR", value="70")
    one, two, chart, document, entries = _ahead(clinic, penicillin, pulse)
    opened = two.charts.open(chart)
    assert not opened.documents[document].unread
    held = [placed for placed in opened.documents[document].facts if placed.held]
    assert [placed.id.entry for placed in held] == [entry.hash for entry in entries]
    (item,) = opened.state.allergies.items
    assert item.names == ("Penicillin",)
    assert flag(item.heads).plain == "  (arrived before what it follows)"
    shown = two.shown(chart)["documents"][1]
    assert {one["mark"] for one in shown["observations"]} == {"arrived before what it follows"}
    print_chart(opened)
    assert "Penicillin  (arrived before what it follows)" in capsys.readouterr().out
    graph = opened.documents[document].graphs[SAFETY]
    assert entries[0].hash in graph.heads
    carry(one, two)
    opened = two.charts.open(chart)
    assert not any(placed.held for placed in opened.documents[document].facts)
    assert sorted(item.names[0] for item in opened.state.allergies.items) == ["Latex", "Penicillin"]
    assert "arrived before" not in str(two.shown(chart))


def test_nothing_replaces_a_fact_that_came_too_early(clinic: Clinic):
    """An author's entry does not follow it: both stand beside each other, and on all devices the same is asked."""
    one, two, chart, document, entries = _ahead(clinic, fact("priority", to="critical"))
    state = two.charts.open(chart).document(document)
    assert state.priority.value == "critical"
    (written,) = two.charts.add_facts(chart, document, [fact("priority", to="routine")])
    (mine,) = [placed for placed in _opened(two, chart, document).facts if placed.id.entry == written.hash]
    assert FactId(entries[-1].hash, 0) not in mine.fact.supersedes
    carry(one, two)
    carry(two, one)
    assert one.shown(chart) == two.shown(chart)


def test_text_and_what_does_not_open_wait(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """An entry with a start of a text waits whole, and so does one without its key: they are named."""
    one, two, chart, document, entries = _ahead(clinic, fact("allergy", text="Penicillin"))
    monkeypatch.setattr(two.reader, "_content", lambda *_: Unread.NO_KEY)
    assert _opened(two, chart, document).unread[entries[-1].hash] is Unread.HELD
    monkeypatch.undo()
    three = clinic.devices[-1]
    start = _start(three, chart, document, "Rest. Sleep.")
    empty = _put(three, chart, document, Content(facts=(), text=None))
    carry(three, two, [start, empty])
    assert set(_opened(two, chart, document).unread.items()) >= {(start.hash, Unread.HELD), (empty.hash, Unread.HELD)}
    carry(one, two)
    assert start.hash not in _opened(two, chart, document).unread


def test_an_author_appears_once_however_often_they_wrote(clinic: Clinic):
    """Authors of a section come in the order in which they first wrote."""
    one, _, chart, document = _pair(clinic)
    one.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    opened = _opened(one, chart, document)
    assert [str(author.device) for author in opened.authors_of(opened.text("plan").sessions)] == [one.id]


# --------------------------------------------------------------------------------------------------- disputed texts


def _judged(monkeypatch: pytest.MonkeyPatch, verdicts: dict[EntryHash, Verdict]) -> None:
    """Let some entries have other verdicts than the records give them; nothing that was opened before holds then."""
    honest, numbers = Judge.verdict, count()
    monkeypatch.setattr(keeping, "ground_of", lambda *_: Hash.of(str(next(numbers)).encode()))
    monkeypatch.setattr(Judge, "verdict", lambda judge, entry, kind: verdicts.get(entry) or honest(judge, entry, kind))


def _start(device: Device, chart: ChartId, document: DocumentId, text: str) -> VerifiedEntry:
    """Start a section anew as an author does who is asked to."""
    found = _opened(device, chart, document)
    heads = device.recorder.begin().heads(chart, document, CLINICAL)
    session = device.identity.session.value.session
    content = edit_of(found, "plan", session, text, heads=heads, fresh=True)
    assert content is not None
    return _put(device, chart, document, content)


def test_quarantined_text_is_shown_apart_and_replaced_by_an_edit(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """The base reads without it; what was typed in sight of it is shown whole; JSON, reviews and bridge say so."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    wrong = one.charts.edit_text(chart, document, "plan", "Rest. 5000")[-1]
    settle(relay, clinic.admin, one, two)
    right = two.charts.edit_text(chart, document, "plan", "Rest. 250 mg")[-1]
    settle(relay, one, two)
    _judged(monkeypatch, {wrong.hash: QUARANTINED})
    shown = one.shown(chart)
    section = next(item for item in shown["documents"] if item["sections"])["sections"]["plan"]
    assert (section["text"], section["disputed"], section["more_views"]) == ("Rest.", True, 0)
    (view,) = section["views"]
    assert (view["text"], view["head"], view["reasons"]) == ("Rest. 250 mg", str(right.hash), ["follows", "revoked"])
    assert view["author"]["device"] == two.id
    assert [author["device"] for author in view["authors"]] == [one.id, two.id]
    (review,) = one.charts.open(chart).state.reviews
    assert (review.kind, review.open, review.document) == (ReviewKind.TEXT, True, document)
    assert [value.fact.entry for value in review.values][-1] == right.hash
    assert shown == two.shown(chart)
    start = one.charts.edit_text(chart, document, "plan", "Rest. 250 mg")[-1]
    settle(relay, one, two)
    after = two.charts.edit_text(chart, document, "plan", "Rest. 250 mg daily")[-1]
    settle(relay, one, two)
    for device in (one, two):
        text = _opened(device, chart, document).text("plan")
        assert (text.text, text.disputed, text.heads) == ("Rest. 250 mg daily", False, (after.hash,))
        assert text.start is not None
        assert text.start.entry == start.hash
        assert text.epochs == {start.header.epoch, after.header.epoch}
        assert not device.charts.open(chart).state.reviews
        assert all(item.fact.kind != "text_start" for item in _opened(device, chart, document).facts)


def test_a_decision_closes_the_review_of_a_text_and_changes_none(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Who refuses quarantined text says so by a decision; the text stays apart, and the next edit replaces it."""
    one, _, chart, document = _pair(clinic)
    wrong = one.charts.edit_text(chart, document, "plan", "Rest. 5000")[-1]
    _judged(monkeypatch, {wrong.hash: QUARANTINED})
    (review,) = one.charts.open(chart).state.reviews
    heads = [str(value.fact) for value in review.values]
    decision = fact("review_decision", conflict=str(review.id), heads=heads, decision="refused", reason="Not hers.")
    one.charts.add_facts(chart, document, [decision])
    (review,) = one.charts.open(chart).state.reviews
    assert not review.open
    assert _opened(one, chart, document).text("plan").disputed


def test_void_text_is_kept_and_shown_nowhere(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A void update is counted as void, a void start among the facts that are; an edit starts anew."""
    one, _, chart, document = _pair(clinic)
    update = one.charts.edit_text(chart, document, "plan", "Rest. 5000")[-1]
    start = _start(one, chart, document, "All 5000")
    _judged(monkeypatch, {entry.hash: VOID for entry in (update, start)})
    opened = _opened(one, chart, document)
    assert opened.unread == {update.hash: Unread.VOID}
    assert opened.void == {FactId(start.hash, 0): Reason.ROLE}
    assert (opened.text("plan").text, opened.text("plan").disputed) == ("Rest.", False)
    one.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    assert (one.text(chart, document), _opened(one, chart, document).text("plan").disputed) == ("Rest. Drink.", False)


def _add_from_now_on(device: Device, chart: ChartId, other: Device) -> None:
    """Make somebody a member who gets no key of what was written before."""
    batch = device.recorder.begin()
    compartments = tuple(sorted(RIGHTS[Role.NURSE].reads))
    batch._control(chart, AddMember(certificate=other.identity.principal, compartments=compartments, from_now_on=True))
    device.recorder.write(batch)


def test_who_may_not_read_the_past_of_a_text_is_given_a_new_one(clinic: Clinic):
    """The next edit after somebody was added from now on starts the text anew; they see all of it, and write on."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    one.charts.edit_text(chart, document, "history", "Since Tuesday.")
    three = clinic.device(Role.NURSE)
    _add_from_now_on(one, chart, three)
    settle(relay, clinic.admin, one, two, three)
    assert set(_opened(three, chart, document).unread.values()) == {Unread.NO_KEY}
    for section in ("plan", "history"):
        with pytest.raises(RefusedError) as refusal:
            three.charts.edit_text(chart, document, section, "Walk.")
        assert refusal.value.code == "text_not_whole"
    start = one.charts.edit_text(chart, document, "plan", "Rest. Drink.")[-1]
    assert one.charts.edit_text(chart, document, "history", "Since Tuesday.") == ()
    settle(relay, one, two, three)
    assert three.text(chart, document) == "Rest. Drink."
    text = _opened(three, chart, document).text("plan")
    assert text.start is not None
    assert text.start.entry == start.hash
    assert text.epochs == {start.header.epoch}
    assert not text.disputed
    written = three.charts.edit_text(chart, document, "plan", "Rest. Drink. Sleep.")[-1]
    settle(relay, one, two, three)
    for device in (one, two, three):
        text = _opened(device, chart, document).text("plan")
        assert (text.text, text.heads, len(text.starts)) == ("Rest. Drink. Sleep.", (written.hash,), 1)


def test_what_is_closed_and_follows_a_start_may_be_text_of_it(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Nobody edits beside an entry that they cannot open where it may belong to the Doc that they read."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    _add_from_now_on(one, chart, clinic.device(Role.NURSE))
    one.charts.edit_text(chart, document, "plan", "Rest. Drink.")
    one.charts.share(chart, clinic.device(Role.NURSE).id)
    closed = one.charts.edit_text(chart, document, "plan", "Rest.")[-1]
    known = two.keyring.open_epoch
    monkeypatch.setattr(
        two.keyring,
        "open_epoch",
        lambda chart, epoch: None if epoch.id == closed.header.epoch else known(chart, epoch),
    )
    settle(relay, clinic.admin, one, two)
    assert two.text(chart, document) == "Rest. Drink."
    with pytest.raises(RefusedError) as refusal:
        two.charts.edit_text(chart, document, "plan", "Walk.")
    assert refusal.value.code == "text_not_whole"


def test_an_update_of_a_start_that_its_author_had_not_seen_is_malformed(clinic: Clinic):
    """It has no past there; it is kept, counted, and in nobody's way."""
    one, two, chart, document = _pair(clinic)
    relay = clinic.start_relay()
    start = _start(one, chart, document, "Rest. Drink.")
    for name in (FactId(start.hash, 0), FactId(start.hash, 1)):
        update = TextUpdate(section="plan", update=b"\x00", start=name)
        stray = _put(two, chart, document, Content(facts=None, text=update))
        settle(relay, clinic.admin, one, two)
        unread = Unread.MALFORMED
        assert _opened(one, chart, document).unread[stray.hash] is unread
    two.charts.edit_text(chart, document, "plan", "Rest. Drink. Sleep.")
    assert two.text(chart, document) == "Rest. Drink. Sleep."
    _put(one, chart, document, Content(facts=(fact("text_start", section="plan"),), text=None))
    assert one.text(chart, document) == "Rest. Drink."
    assert [item.fact.payload for item in _opened(one, chart, document).facts if item.fact.kind == "text_start"] == [
        {"section": "plan"}
    ]
