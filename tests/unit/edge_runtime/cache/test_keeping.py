"""Opened charts, kept: what is shown again is what would be read, and nothing is kept that may not be read."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime import documents
from edge_runtime.cache import shelf as shelf_module
from edge_runtime.cache.keeping import OpenedCharts, forget_kept
from edge_runtime.cache.shelf import INDEX, Shelf
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.destroyed import destroyed
from edge_runtime.documents import DocumentReader, OpenDocument
from edge_runtime.errors import StoreError
from edge_runtime.keyring import Keyring
from edge_runtime.opened import OpenChart, open_chart, why_closed
from edge_runtime.store.check import check_all
from edge_runtime.text.errors import DraftUnavailableError
from sync_protocol import sealing
from sync_protocol.audit import Purpose
from sync_protocol.chart_records import Adopt, SetConsent
from sync_protocol.chart_records import Purpose as Consent
from sync_protocol.errors import ExplainedError
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import Role
from sync_protocol.verdicts import Standing
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact
from tests.unit.edge_runtime.test_verdicts import _revoke, _say

TEXTS = (
    "text", "complete", "heads", "sessions", "epochs", "views", "newest", "more", "torn", "contested", "disputed",
    "refused", "unreadable", "start", "starts", "doc",
)  # fmt: skip
SHOWN = ("facts", "kinds", "early", "newest", "authors", "unread", "void")


def keeping(device: Device) -> OpenedCharts:
    """Let a device keep every chart, however small, as the program keeps large ones."""
    device.charts.opened = OpenedCharts(device.store, device.identity, device.keyring, device.reader, entries_min=1)
    return device.charts.opened


def again(device: Device) -> OpenedCharts:
    """The program started again."""
    device.restart()
    return keeping(device)


def read_anew(device: Device, chart: ChartId) -> OpenChart:
    """A chart as somebody reads it who has nothing kept."""
    keyring = Keyring(device.store, device.identity)
    reader = DocumentReader(device.store, device.identity, keyring)
    membership = keyring.membership(chart)
    assert membership is not None
    found = {name: reader.document(chart, name, membership) for name in membership.documents}
    return open_chart(membership, found, device.identity.principal)


def document_of(found: OpenDocument) -> dict[str, Any]:
    """All that is shown of a document."""
    texts = {name: {part: getattr(text, part) for part in TEXTS} for name, text in found.texts.items()}
    return {name: getattr(found, name) for name in SHOWN} | {"texts": texts}


def assert_same(device: Device, chart: ChartId) -> None:
    """A chart opens as if nothing of it had been kept."""
    opened = device.charts.open(chart)
    if opened.lacks is not None or opened.destroyed is not None:
        return
    anew = read_anew(device, chart)
    assert opened.reads == anew.reads
    assert opened.documents.keys() == anew.documents.keys()
    for name, found in anew.documents.items():
        assert document_of(opened.documents[name]) == document_of(found)
    assert opened.state == anew.state
    assert anew.state == opened.state
    assert all(one == other for one, other in zip(opened.states(), anew.states(), strict=True))


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count the bodies that are opened."""
    count, honest = [0], sealing.open_sealed

    def counted(*args: Any, **named: Any) -> bytes:
        count[0] += 1
        return honest(*args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(documents, "open_sealed", counted)
        yield count


def _ward(clinic: Clinic, *roles: Role) -> tuple[list[Device], ChartId, tuple[DocumentId, ...]]:
    devices = [clinic.device(role) for role in (Role.PHYSICIAN, *roles)]
    chart, found = devices[0].charts.create([fact("identity", name="Ana Lima")], workflow=WorkflowType.ENCOUNTER)
    for other in devices[1:]:
        devices[0].charts.share(chart, other.id)
        carry(devices[0], other)
    for device in devices:
        keeping(device)
    return devices, chart, found


def _kept(device: Device) -> dict[str, bytes]:
    return {name: value for name, value in device.store.values(INDEX).items() if name == INDEX or "/" in name}


# ------------------------------------------------------------------------------------------------------ what is read


def test_a_kept_chart_opens_without_opening_an_entry(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """At the next start nothing is decrypted that was; after one new entry in the same run, that one alone is."""
    (device,), chart, (_, document) = _ward(clinic)
    device.charts.edit_text(chart, document, "plan", "Rest.")
    device.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    device.charts.open(chart)
    device.charts.opened.rest()
    again(device)
    with counting(monkeypatch) as count:
        opened = device.charts.open(chart)
        assert opened.documents[document].text("plan").text == "Rest."
        assert opened.document(document).priority.value == "urgent"
        assert count == [0]
    assert_same(device, chart)
    device.charts.edit_text(chart, document, "plan", "Rest well.")
    device.charts.open(chart)
    with counting(monkeypatch) as count:
        device.charts.add_facts(chart, document, [fact("priority", to="routine")])
        assert device.charts.open(chart).document(document).priority.value == "routine"
        assert count == [1]
        device.charts.edit_text(chart, document, "plan", "Rest long.")
        assert device.text(chart, document) == "Rest long."
        assert count == [2]
    assert_same(device, chart)


def test_the_same_chart_is_the_same_object(clinic: Clinic):
    """While nothing came and nothing changed, nothing is derived anew; entries of other charts are nothing to it."""
    (device,), chart, _ = _ward(clinic)
    opened = device.charts.open(chart)
    assert device.charts.open(chart) is opened
    device.charts.create([fact("identity", name="Bo")], workflow=None)
    assert device.charts.open(chart) is opened


def test_what_was_opened_before_reads_as_it_did(clinic: Clinic):
    """A chart that is read on leaves what was handed out before as it was; an edit of that is refused."""
    (device,), chart, (_, document) = _ward(clinic)
    device.charts.edit_text(chart, document, "plan", "Rest.")
    before = device.charts.open(chart)
    device.charts.edit_text(chart, document, "plan", "Rest well.")
    device.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    after = device.charts.open(chart)
    old, new = (one.documents[document].text("plan") for one in (before, after))
    assert (old.text, new.text) == ("Rest.", "Rest well.")
    assert set(old.heads).isdisjoint(new.heads)
    assert "priority" not in before.documents[document].kinds
    session = device.identity.session.value.session
    with pytest.raises(DraftUnavailableError):
        old.edit(session, "Other.", follows=frozenset(old.heads))


def test_an_edit_and_a_fact_need_nothing_that_was_not_kept(clinic: Clinic):
    """Whoever edits after a start is given the whole section; whoever states a fact needs none of it."""
    (device,), chart, (_, document) = _ward(clinic)
    device.charts.edit_text(chart, document, "plan", "Rest.")
    device.charts.open(chart)
    again(device)
    found = device.charts.open(chart).documents[document]
    text = found.text("plan")
    assert text.draft.text() == "Rest."
    assert text.reviews == {}
    assert text.quarantined(text.heads[0]) == ()
    assert text.grown(()) is None
    assert found.graphs
    device.charts.edit_text(chart, document, "plan", "Rest well.")
    assert device.text(chart, document) == "Rest well."
    assert_same(device, chart)


# ---------------------------------------------------------------------------------------------------- random histories


def _steps(
    clinic: Clinic, devices: list[Device], chart: ChartId, chosen: random.Random
) -> dict[str, Callable[[], Any]]:
    """What may happen to a chart: each step by some device, seen by whoever it happens to reach."""
    one, other = chosen.choice(devices), chosen.choice(devices)
    document = chosen.choice([*read_anew(one, chart).documents])

    def text() -> None:
        words = " ".join(chosen.choice(["rest", "5000", "250 mg", "twice"]) for _ in range(chosen.randrange(4)))
        one.charts.edit_text(chart, document, chosen.choice(["plan", "history"]), words)

    def state() -> None:
        said = [
            fact("priority", to=chosen.choice(["urgent", "routine"])),
            fact("allergy", text="Penicillin", severity=chosen.choice(["low", "high"])),
            fact("medication", text="Warfarin", action="start", dose=str(chosen.randrange(9)), unit="mg"),
            fact("observation", code="8867-4", text="HR", value=str(chosen.randrange(60, 99)), unit="/min"),
        ]
        one.charts.add_facts(chart, document, [chosen.choice(said)])

    def late() -> None:
        missing = [a.entry for a in one.store.arrivals(after=0, limit=1 << 20)]
        carry(one, other, [entry for entry in missing if chosen.random() < 0.9])

    def adopt() -> None:
        found = [name for one_of in read_anew(one, chart).documents.values() for name in one_of.facts]
        quarantined = [name.id.entry for name in found if name.verdict.standing is Standing.QUARANTINED]
        if quarantined:
            _say(one, chart, Adopt(entries=(quarantined[0],)))

    def consent() -> None:
        _say(one, chart, SetConsent(purpose=Consent.TREATMENT, permitted=chosen.random() < 0.6))

    def revoke() -> None:
        _revoke(clinic, devices[-1])
        for each in devices:
            carry(clinic.admin, each)

    return {
        "text": text,
        "state": state,
        "carry": lambda: carry(one, other),
        "late": late,
        "restart": lambda: again(one),
        "rest": one.charts.opened.rest,
        "sweep": one.charts.opened.sweep,
        "document": lambda: _new_document(one, chart),
        "share": lambda: one.charts.share(chart, other.id),
        "revoke": revoke,
        "adopt": adopt,
        "consent": consent,
    }


def _new_document(device: Device, chart: ChartId) -> None:
    batch = device.recorder.begin()
    device.charts.add_document(batch, chart, WorkflowType.ENCOUNTER)
    device.recorder.write(batch)


WEIGHTS = {"text": 8, "state": 8, "carry": 6, "late": 3, "restart": 3, "adopt": 2}


@pytest.mark.campaign
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_happened_a_kept_chart_reads_as_one_read_anew(tmp_path_factory, seed: int):
    """Edits, facts, late and missing arrivals, documents, grants, revocation, adoption, consents, forks, restarts."""
    chosen = random.Random(seed)
    clinic = Clinic(tmp_path_factory.mktemp("kept"), seed=seed % 1000 + 1)
    try:
        devices, chart, _ = _ward(clinic, Role.PHYSICIAN, Role.NURSE)
        for _ in range(24):
            steps = _steps(clinic, devices, chart, chosen)
            name = chosen.choices([*steps], [WEIGHTS.get(step, 1) for step in steps])[0]
            with suppress(ExplainedError):
                steps[name]()
            for device in devices:
                assert_same(device, chart)
    finally:
        clinic.close()


def test_a_fork_and_what_was_waited_for_are_read_anew(clinic: Clinic, tmp_path: Path):
    """Where a session turns out to have told two histories, and where a gap closes, nothing is read on."""
    (one, two), chart, (_, document) = _ward(clinic, Role.PHYSICIAN)
    one.charts.edit_text(chart, document, "plan", "Rest.")
    one.store.checkpoint()
    one.store.close()
    copy = tmp_path / "restored.db"
    copy.write_bytes(one.path.read_bytes())
    one.restart()
    twin = Device(clinic, copy, one.entropy)
    twin.load()
    clinic.devices.append(twin)
    keeping(one)
    keeping(twin)
    one.charts.edit_text(chart, document, "plan", "Rest well.")
    twin.charts.edit_text(chart, document, "plan", "Rest badly.")
    for source in (one, twin):
        carry(source, two)
        assert_same(two, chart)
    (first, second) = (two.charts.edit_text(chart, document, "history", words)[-1] for words in ("A.", "A. B."))
    carry(two, one, [second])
    assert_same(one, chart)
    carry(two, one, [first])
    carry(two, one)
    assert_same(one, chart)


# ------------------------------------------------------------------------------------------------- what is not kept


def test_what_may_not_be_read_is_not_kept(clinic: Clinic):
    """A consent withdrawn, an access ended, a lock: what was kept is gone from the store, and its pages are empty."""
    (one, two), chart, (_, document) = _ward(clinic, Role.NURSE)
    one.charts.edit_text(chart, document, "plan", "Rest.")
    carry(one, two)
    for device in (one, two):
        device.charts.open(chart)
        assert _kept(device)
    forget_kept(one.store)
    assert not _kept(one)
    again(one).open(_membership(one, chart), purpose=Purpose.TREATMENT, note=None)
    _say(one, chart, SetConsent(purpose=Consent.TREATMENT, permitted=False))
    assert one.charts.open(chart).lacks is not None
    assert not _kept(one)
    _revoke(clinic, two)
    carry(clinic.admin, two)
    assert _kept(two)
    two.charts.opened.sweep()
    assert not _kept(two)
    assert not two.charts.open(chart).reads
    assert not _kept(two)
    assert not _problems(one)
    assert not _problems(two)


def test_a_sweep_leaves_what_may_be_read(clinic: Clinic):
    """What rests on the present records stays; what rests on older ones goes."""
    (one,), chart, _ = _ward(clinic)
    one.charts.open(chart)
    again(one).sweep()
    assert _kept(one)
    _new_document(one, chart)
    again(one).sweep()
    assert not _kept(one)


def _membership(device: Device, chart: ChartId):
    found = device.keyring.membership(chart)
    assert found is not None
    return found


def _problems(device: Device) -> list[Any]:
    with device.store._reading() as reader:
        return check_all(reader)


def test_who_is_asked_for_another_purpose_reads_nothing(clinic: Clinic):
    """The consent for which a chart is closed is the one of the purpose."""
    (one,), chart, _ = _ward(clinic)
    membership = _membership(one, chart)
    assert why_closed(membership, one.identity.principal, Purpose.TREATMENT) is None
    assert one.charts.open(chart, purpose=Purpose.RESEARCH).lacks is Consent.RESEARCH
    assert destroyed(one.store, chart) is None


# ------------------------------------------------------------------------------------------------- damage and limits


def _put(device: Device, name: str, value: bytes | None) -> None:
    with device.store.writing() as writer:
        writer.put_value(name, value)


@pytest.mark.parametrize("what", ["head", "piece", "gone", "index", "other"])
def test_what_is_damaged_is_read_anew_without_a_word(clinic: Clinic, what: str):
    """A head, a piece or an index that is none: the chart opens as it is, and is kept again where it was not."""
    (one,), chart, (_, document) = _ward(clinic)
    one.charts.edit_text(chart, document, "plan", "Rest.")
    one.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    one.charts.open(chart)
    one.charts.opened.rest()
    again(one)
    head = f"{INDEX}/{chart.hex()}"
    name, value = {
        "head": (head, b"\x00\xff"),
        "piece": (f"{head}/0", b"\x00" * 4000),
        "gone": (f"{head}/0", None),
        "index": (INDEX, b"\xff"),
        "other": (f"{head}/0", bytes(reversed(one.store.get_value(f"{head}/0") or b""))),
    }[what]
    _put(one, name, value)
    assert_same(one, chart)
    assert one.charts.open(chart).document(document).priority.value == "urgent"
    again(one)
    assert_same(one, chart)


def test_a_store_that_cannot_keep_keeps_nobody_from_reading(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A full disk costs the next start its time, and nothing else; a chart that is too large is not kept."""
    (one,), chart, _ = _ward(clinic)

    def full(*_: object) -> None:
        raise StoreError("disk_full", expected="room", got="none", do="free some")

    with monkeypatch.context() as patched:
        patched.setattr(one.store, "writing", full)
        assert one.charts.open(chart).reads
        one.charts.opened.drop(chart)
        one.charts.opened.sweep()
        forget_kept(one.store)
    assert not _kept(one)
    monkeypatch.setattr(shelf_module, "CHART_BYTES_MAX", 100)
    assert again(one).open(_membership(one, chart), purpose=Purpose.TREATMENT, note=None).reads
    assert not _kept(one)


def test_the_longest_kept_makes_room(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """All that is kept stays within its bound; names of what went are gone too."""
    (one,), chart, _ = _ward(clinic)
    one.charts.open(chart)
    size = sum(len(value) for name, value in _kept(one).items() if "/" in name)
    monkeypatch.setattr(shelf_module, "KEPT_BYTES_MAX", 2 * size + size // 2)
    others = [one.charts.create([fact("identity", name="Ana Lima")], workflow=WorkflowType.ENCOUNTER)[0] for _ in "ab"]
    for other in others:
        one.charts.open(other)
    assert set(Shelf(one.store).charts()) == set(others)
    assert Shelf(one.store).names(chart) == []
    assert len(_kept(one)) == 1 + sum(len(Shelf(one.store).names(other)) for other in others)


def test_large_charts_lie_in_pieces(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """No value is larger than a piece by more than one part, and what shrinks leaves no piece behind."""
    (one,), chart, (_, document) = _ward(clinic)
    monkeypatch.setattr(shelf_module, "PIECE_BYTES", 200)
    for _ in range(3):
        one.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    one.charts.open(chart)
    one.charts.opened.rest()
    assert len(Shelf(one.store).names(chart)) > 2
    again(one)
    assert_same(one, chart)
    monkeypatch.undo()
    _new_document(one, chart)
    one.charts.open(chart)
    one.charts.opened.rest()
    assert len(Shelf(one.store).names(chart)) == 2
    assert len(_kept(one)) == 3


def test_only_so_many_charts_stay_open_in_memory(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """The chart opened longest ago goes; the one opened last stays, whatever its size."""
    (one,), chart, _ = _ward(clinic)
    monkeypatch.setattr("edge_runtime.cache.keeping.OPEN_ENTRIES_MAX", 0)
    opened = one.charts.open(chart)
    assert one.charts.open(chart) is opened
    other, _ = one.charts.create([fact("identity", name="Bo")], workflow=None)
    one.charts.open(other)
    assert one.charts.open(chart) is not opened


def test_what_comes_to_an_open_chart_is_not_derived_anew(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Once somebody wrote to a chart, its state is kept up: what is written next costs no deriving of all facts."""
    (one,), chart, (_, document) = _ward(clinic)
    for place in ("Tent 1", "Tent 2"):  # the first ones mint keys, after which all is read anew
        one.charts.add_facts(chart, document, [fact("place", location=place), fact("status", to="active")])
        before = one.charts.open(chart)
    with monkeypatch.context() as patched:
        patched.setattr("edge_runtime.opened.derive_chart", _never)
        patched.setattr("edge_runtime.clinical.deriving.Derivation._begin", _never)
        one.charts.add_facts(chart, document, [fact("status", to="active")])
        one.charts.edit_text(chart, document, "plan", "Rest.")
        one.charts.add_facts(chart, document, [fact("priority", to="routine"), fact("place", location="Tent 3")])
        assert one.charts.open(chart).state != before.state
    assert_same(one, chart)


def _never(*_: object) -> None:
    raise AssertionError


def test_only_so_many_states_are_kept_up(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Beyond the limit of facts the charts opened longest ago are derived anew when something comes to them again."""
    (one,), chart, (_, document) = _ward(clinic)
    monkeypatch.setattr("edge_runtime.cache.keeping.KEPT_UP_FACTS_MAX", 3)
    second, (_, beside) = one.charts.create([fact("identity", name="Bo")], workflow=WorkflowType.ENCOUNTER)
    for name, where in ((chart, document), (second, beside)):
        for to in ("urgent", "routine"):  # the first one mints keys, after which all is read anew
            one.charts.add_facts(name, where, [fact("priority", to=to)])
            one.charts.open(name)
    known = one.charts.opened._open
    assert known[chart].derivation is None
    assert known[second].derivation is not None
    one.charts.add_facts(chart, document, [fact("priority", to="routine")])
    one.charts.open(chart)
    assert known[chart].derivation is not None
    assert known[second].derivation is None
    assert_same(one, chart)
    assert_same(one, second)


def test_more_than_a_page_of_new_entries_is_read_anew(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A chart to which much came is read as a whole: that takes hardly longer, and one way suffices."""
    (one,), chart, (_, document) = _ward(clinic)
    one.charts.open(chart)
    monkeypatch.setattr("edge_runtime.cache.keeping.BATCH_ENTRIES_MAX", 1)
    one.charts.add_facts(chart, document, [fact("priority", to="urgent")])
    assert_same(one, chart)


def test_a_text_that_is_not_whole_is_neither_kept_nor_shown_again(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """A failure of the text engine is local and for now: the next opening tries anew."""
    (one,), chart, (_, document) = _ward(clinic)
    one.charts.edit_text(chart, document, "plan", "Rest.")
    forget_kept(one.store)
    with monkeypatch.context() as patched:
        patched.setattr("edge_runtime.text.draft.TextDraft.complete", False)
        first = one.charts.open(chart)
        assert one.charts.open(chart) is not first
        assert not _kept(one)
    assert again(one).open(_membership(one, chart), purpose=Purpose.TREATMENT, note=None).reads
    assert _kept(one)


def test_a_kept_value_passes_for_a_whole_one(clinic: Clinic):
    """It equals what was read anew and nothing else, and has the fields of its type alone."""
    (one,), chart, (_, document) = _ward(clinic)
    one.charts.open(chart)
    again(one)
    kept, anew = one.charts.open(chart), read_anew(one, chart)
    assert kept.document(document) == anew.document(document)
    others: tuple[object, ...] = (anew.document(document), kept.state, 1)
    assert kept.state != others[0]
    assert kept.documents[document] != others[1]
    assert kept.document(document) != others[2]
    assert not hasattr(kept.state, "nothing")
    assert kept.documents[document].entries == anew.documents[document].entries
