"""Charts as a person works with them: found by what was typed, changed whole, refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Fact
from edge_runtime.recorder.compartments import sort_out
from edge_runtime.recorder.naming import one_named
from sync_protocol.certificates import issue
from sync_protocol.ids import CertificateHash, ChartId, DocumentId
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact, settle


def _chart(device: Device) -> tuple[ChartId, DocumentId, DocumentId]:
    chart, (document, encounter) = device.charts.create(
        [fact("identity", name="Ana Lima")], workflow=WorkflowType.ENCOUNTER
    )
    return chart, document, encounter


def test_a_chart_opens_as_it_was_made(clinic: Clinic):
    """Chart document first, with the patient; then the document of the workflow; both empty otherwise."""
    device = clinic.device(Role.NURSE)
    chart, document, encounter = _chart(device)
    opened = device.charts.open(chart)
    assert list(opened.documents) == [document, encounter]
    assert [state.document for state in opened.states()] == [document, encounter]
    assert opened.document(encounter).workflow_type == "encounter"
    assert [item.fact.fact.payload["name"] for item in opened.state.identity] == ["Ana Lima"]
    alone, documents = device.charts.create((), workflow=None)
    assert device.charts.open(alone).document(documents[0]).headers == ()
    assert len(documents) == 1


def test_ids_are_found_by_their_beginning(clinic: Clinic):
    """Four digits and more, whatever the case; none and several are refused, and fewer digits always."""
    device = clinic.device(Role.NURSE)
    charts = [_chart(device)[0] for _ in range(3)]
    for chart in charts:
        assert device.charts.find(str(chart)) == device.charts.find(str(chart)[:8].upper()) == chart
    for text, code in (("ffff0000", "no_such_chart"), (str(charts[0])[:3], "no_such_chart"), ("", "no_such_chart")):
        with pytest.raises(RefusedError) as refusal:
            device.charts.find(text)
        assert refusal.value.code == code


def test_an_id_that_fits_several_is_refused_as_ambiguous():
    """Nobody guesses between two."""
    known = [ChartId(bytes([1, 2, 3, number] + [0] * 12)) for number in range(2)]
    with pytest.raises(RefusedError) as refusal:
        one_named("010203", known, "chart", "list them")
    assert (refusal.value.code, refusal.value.do) == ("ambiguous_chart", "list them")


@given(st.text())
def test_whatever_is_typed_is_refused_in_words_that_can_be_shown(text: str):
    """A refusal shows only the beginning of what was typed, escaped."""
    with pytest.raises(RefusedError) as refusal:
        one_named(text, [], "chart", "list them")
    assert len(refusal.value.got) < 400
    assert refusal.value.got.isprintable()


def test_documents_are_found_by_id_word_and_type(clinic: Clinic):
    """`chart` is the chart document; a workflow type names the only document of it; of several, their ids."""
    device = clinic.device(Role.NURSE)
    chart, document, encounter = _chart(device)
    opened = device.charts.open(chart)
    assert device.charts.find_document(opened, "chart") == document
    assert device.charts.find_document(opened, "encounter") == encounter
    assert device.charts.find_document(opened, str(encounter)[:6]) == encounter
    batch = device.recorder.begin()
    device.charts.add_document(batch, chart, WorkflowType.ENCOUNTER, title="Second")
    device.recorder.write(batch)
    with pytest.raises(RefusedError) as refusal:
        device.charts.find_document(device.charts.open(chart), "encounter")
    assert refusal.value.code == "ambiguous_document"
    assert encounter.short in refusal.value.got
    for _ in range(8):
        batch = device.recorder.begin()
        device.charts.add_document(batch, chart, WorkflowType.ENCOUNTER)
        device.recorder.write(batch)
    with pytest.raises(RefusedError, match=r"10 documents have: .* and 2 more"):
        device.charts.find_document(device.charts.open(chart), "encounter")


def test_a_title_is_validated_like_every_fact(clinic: Clinic):
    """A title that no reader would accept is refused, and nothing is written."""
    device = clinic.device(Role.NURSE)
    chart, _, _ = _chart(device)
    size = device.store.size()
    with pytest.raises(InputError):
        device.charts.add_document(device.recorder.begin(), chart, WorkflowType.ENCOUNTER, title="x" * 100_000)
    assert device.store.size() == size


def test_what_does_not_exist_is_refused_by_name(clinic: Clinic):
    """An unknown chart or document takes neither facts nor text: what nobody could find would be lost."""
    device = clinic.device(Role.NURSE)
    chart, _, _ = _chart(device)
    size = device.store.size()
    stranger = DocumentId(bytes(16))
    for act, code in (
        (lambda: device.charts.open(ChartId(bytes(16))), "no_such_chart"),
        (lambda: device.charts.add_facts(chart, stranger, [fact("priority", to="urgent")]), "no_such_document"),
        (lambda: device.charts.edit_text(chart, stranger, "plan", "Rest."), "no_such_document"),
        (lambda: device.charts.share(chart, "ffffffff"), "no_such_device"),
    ):
        with pytest.raises(RefusedError) as refusal:
            act()
        assert refusal.value.code == code
    assert device.store.size() == size


def test_invalid_facts_and_texts_change_nothing(clinic: Clinic):
    """One invalid fact refuses the whole change; so do an unknown section and too long a text."""
    device = clinic.device(Role.NURSE)
    chart, document, encounter = _chart(device)
    size = device.store.size()
    for act in (
        lambda: device.charts.add_facts(chart, document, [fact("priority", to="urgent"), fact("status", to="?")]),
        lambda: device.charts.add_facts(chart, document, [fact("nonsense")]),
        lambda: device.charts.edit_text(chart, encounter, "nonsense", "Rest."),
        lambda: device.charts.edit_text(chart, encounter, "plan", "x" * 20_001),
        lambda: device.charts.edit_text(chart, encounter, "complaint", ""),
        lambda: device.charts.edit_text(chart, encounter, "plan", "half \ud800"),
        lambda: device.charts.create([fact("identity", name="")], workflow=None),
    ):
        with pytest.raises(InputError):
            act()
    assert device.store.size() == size


def test_a_change_larger_than_an_entry_asks_for_smaller_steps(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """An edit that receivers would refuse for its size is refused before it is signed, in words for its author."""
    from edge_runtime.text import draft
    from edge_runtime.text.screen import ScreenLimits

    device = clinic.device(Role.NURSE)
    chart, _, encounter = _chart(device)
    monkeypatch.setattr(
        draft.TextDraft.__init__,
        "__kwdefaults__",
        {**(draft.TextDraft.__init__.__kwdefaults__ or {}), "limits": ScreenLimits(inserted_units_max=5)},
    )
    with pytest.raises(InputError) as refusal:
        device.charts.edit_text(chart, encounter, "plan", "Much longer than that.")
    assert (refusal.value.code, refusal.value.do) == ("text_change", "make the change in several smaller steps")
    assert device.charts.edit_text(chart, encounter, "plan", "Rest.")


def test_a_section_that_reads_so_already_takes_no_entry(clinic: Clinic):
    """An edit that changes nothing writes nothing."""
    device = clinic.device(Role.NURSE)
    chart, _, encounter = _chart(device)
    assert device.charts.edit_text(chart, encounter, "plan", "Rest.")
    size = device.store.size()
    assert device.charts.edit_text(chart, encounter, "plan", "Rest.") == ()
    assert device.charts.edit_text(chart, encounter, "history", "") == ()
    assert device.store.size() == size


def test_sharing_is_with_a_principal_whatever_was_renewed(clinic: Clinic):
    """A renewed device is a member by the first certificate of its line, and there is one of it."""
    from dataclasses import replace

    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    chart, _, _ = _chart(physician)
    old = nurse.identity.chain[-1]
    administrator = clinic.admin.identity.keys.administrator
    assert administrator is not None
    later = replace(old.value, not_after_ms=old.value.not_after_ms + 5, renews=CertificateHash(old.hash))
    physician.identity.trust.restore(issue(later, administrator))
    assert physician.charts.share(chart, nurse.id) == old.hash


def test_a_share_gives_no_more_than_both_may_read(clinic: Clinic):
    """A nurse cannot give what a nurse does not have; a physician cannot give a nurse what the role may not read."""
    physician, nurse, other = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, _, _ = _chart(physician)
    care = {Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT}
    name = physician.charts.share(chart, nurse.id)
    assert physician.charts.open(chart).membership.members[name] == care
    settle(relay, physician, nurse)
    name = nurse.charts.share(chart, other.id)
    assert nurse.charts.open(chart).membership.members[name] == care
    physician.charts.share(chart, other.id)
    settle(relay, physician, nurse)
    assert nurse.charts.open(chart).membership.members[name] == set(Compartment)


def test_a_chart_that_was_left_leaves_nothing_in_memory(clinic: Clinic):
    """Neither keys nor what was opened with them, from the next time on that somebody asks for it."""
    physician, nurse = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    relay = clinic.start_relay()
    clinic.admin.sync(relay)
    chart, _, _ = _chart(physician)
    name = physician.charts.share(chart, nurse.id)
    settle(relay, physician, nurse)
    assert nurse.charts.open(chart).reads
    assert nurse.keyring._keys
    batch = physician.recorder.begin()
    batch.remove_member(chart, name)
    physician.recorder.write(batch)
    carry(physician, nurse)
    opened = nurse.charts.open(chart)
    assert name not in opened.membership.members
    assert (opened.sealed, nurse.keyring._keys, nurse.reader._opened) == (True, {}, {})


# ----------------------------------------------------------------------------------------------------- compartments


def test_facts_go_where_their_kind_belongs(clinic: Clinic):
    """Safety facts and others of one change stand in two entries; a wish for the sensitive compartment is kept."""
    device = clinic.device(Role.PHYSICIAN)
    chart, _, encounter = _chart(device)
    device.charts.add_facts(chart, encounter, [fact("status", to="active"), fact("priority", to="urgent")])
    device.charts.add_facts(
        chart, encounter, [fact("allergy", text="Latex", severity="mild")], compartment=Compartment.SENSITIVE
    )
    opened = device.charts.open(chart).documents[encounter]
    where = {
        one.fact.kind: compartment
        for one in opened.facts
        for compartment, graph in opened.graphs.items()
        if one.id.entry in graph
    }
    assert where["status"] is Compartment.SAFETY
    assert where["priority"] is Compartment.CLINICAL
    assert where["allergy"] is Compartment.SENSITIVE


def test_a_kind_may_not_stand_where_others_would_read_it(clinic: Clinic):
    """A compartment in which the kind does not belong is refused."""
    device = clinic.device(Role.PHYSICIAN)
    chart, _, encounter = _chart(device)
    with pytest.raises(InputError) as refusal:
        device.charts.add_facts(chart, encounter, [fact("allergy", text="Latex")], compartment=Compartment.CLINICAL)
    assert refusal.value.code == "compartment"


def test_a_decision_stands_with_what_it_is_about(clinic: Clinic):
    """A review's decision goes to the most closed compartment of its facts; of nothing known, to the clinical one."""
    device = clinic.device(Role.PHYSICIAN)
    chart, _, encounter = _chart(device)
    device.charts.add_facts(chart, encounter, [fact("status", to="active")])
    device.charts.add_facts(
        chart, encounter, [fact("allergy", text="Latex", severity="mild")], compartment=Compartment.SENSITIVE
    )
    opened = device.charts.open(chart).documents[encounter]
    ids = {one.fact.kind: one.id for one in opened.facts}

    def decided(*heads: str, supersedes: tuple = ()) -> Compartment:
        decision = Fact(kind="review_decision", payload={"heads": list(heads)}, supersedes=supersedes)
        ((where, _),) = sort_out([decision], opened.graphs, wanted=None).items()
        return where

    assert decided(str(ids["status"])) is Compartment.SAFETY
    assert decided(str(ids["status"]), str(ids["allergy"])) is Compartment.SENSITIVE
    assert decided(supersedes=(ids["status"],)) is Compartment.SAFETY
    assert decided("nonsense") is Compartment.CLINICAL
    assert sort_out([Fact(kind="source", payload={"heads": "x"}, supersedes=())], {}, wanted=None).keys() == {
        Compartment.CLINICAL
    }


def test_what_continues_what_is_kept_apart_is_kept_apart(clinic: Clinic):
    """A correction, a refutation or a release would tell what it is about; triage and status are never hidden so."""
    device = clinic.device(Role.PHYSICIAN)
    chart, document, _ = _chart(device)
    stated = [
        fact("observation", code="x", text="Kept apart", value="5", unit="1"),
        fact("diagnosis", text="Kept apart"),
        fact("triage", to="minor"),
    ]
    *_, entry = device.charts.add_facts(chart, document, stated, compartment=Compartment.SENSITIVE)
    result = f"{entry.hash}:0"
    more = [
        fact("observation", code="x", text="Kept apart", value="6", unit="1", corrects=result),
        fact("diagnosis", text="Kept apart", certainty="refuted"),
        fact("validation", observation=result, to="rejected", reason="Kept apart"),
        fact("triage", to="immediate"),
        fact("diagnosis", text="Asthma"),
    ]
    entries = [one.hash for one in device.charts.add_facts(chart, document, more)]
    found = [one for one in device.charts.open(chart).documents[document].facts if one.id.entry in entries]
    places = {(one.fact.kind, one.fact.payload.get("text")): one.compartment for one in found}
    assert places == {
        ("observation", "Kept apart"): Compartment.SENSITIVE,
        ("diagnosis", "Kept apart"): Compartment.SENSITIVE,
        ("validation", None): Compartment.SENSITIVE,
        ("triage", None): Compartment.SAFETY,
        ("diagnosis", "Asthma"): Compartment.SAFETY,
    }
