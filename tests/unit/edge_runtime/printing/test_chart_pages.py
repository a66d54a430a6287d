"""A chart on paper hides nothing: what is disputed, refuted, unverified, newer or left off says so where it stands."""

from __future__ import annotations

import random
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.clinical.chart import derive_chart
from edge_runtime.clinical.layout import LAYOUT_VERSION
from edge_runtime.documents import OpenDocument, Unread
from edge_runtime.facts import FactId
from edge_runtime.opened import OpenChart
from edge_runtime.printing import drafting
from edge_runtime.printing.chart_pages import chart_page
from edge_runtime.printing.drafting import Draft
from edge_runtime.printing.html import to_html
from edge_runtime.printing.page import Page
from edge_runtime.printing.pdf import to_pdf
from edge_runtime.printing.statements import draw_fact, value_words
from edge_runtime.text import section as section_module
from edge_runtime.text.sides import Contested, Reading
from sync_protocol.ids import CertificateHash, ChartId, EntryHash
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import Reason, Standing, Verdict
from tests.unit.edge_runtime.cli.test_section_text import _disputed, _opened
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, World, fact, two
from tests.unit.edge_runtime.printing.pages import NOON_MS, page_of
from tests.unit.edge_runtime.printing.reading import read_html, said_by_pdf

if TYPE_CHECKING:
    import pytest

REVOKED = Verdict(Standing.QUARANTINED, Reason.REVOKED)


def opened_of(world: World, *, verdicts: dict[Any, Verdict] | None = None, **documents: OpenDocument) -> OpenChart:
    """A world's chart as a device opens it."""
    facts = [replace(one, verdict=(verdicts or {}).get(one.id, one.verdict)) for one in world.facts()]
    names = {CHART: documents.get("chart", OpenDocument(CHART)), ENCOUNTER: OpenDocument(ENCOUNTER)}
    membership: Any = SimpleNamespace(chart_document=CHART, broken=(), documents=names, members={})
    state = derive_chart(CHART, facts, [world.graph()])
    return OpenChart(ChartId(bytes(16)), membership, frozenset({Compartment.SAFETY}), names, state)


def said(page: Page) -> str:
    """What a page says; both forms are made of it."""
    assert to_pdf(page).startswith(b"%PDF")
    return read_html(to_html(page)).text


def printed(world: World, **options: Any) -> str:
    """A world's chart on a page."""
    return said(chart_page(opened_of(world, **options), made_ms=NOON_MS))


def test_an_empty_chart_says_that_nothing_is_stated():
    """Silence about allergies is not their absence."""
    text = printed(World())
    assert "(no name)" in text
    assert text.count("nothing stated") == 2
    assert "nothing yet" in text
    assert "NOT EVERYTHING" not in text


def test_no_known_allergies_is_somebodys_statement():
    """With author and time."""
    world, left, _ = two()
    left.write(fact("allergy", text="No known allergies"))
    assert "none known\nphysician 01010101" in printed(world)


def test_what_was_refuted_stays_and_says_so():
    """Struck, beside who refuted it; the same for a problem."""
    world, left, _ = two()
    latex = left.write(fact("allergy", text="Latex", severity="severe"))
    left.write(fact("allergy", latex, text="Latex", verification="refuted"))
    sepsis = left.write(fact("diagnosis", text="Sepsis", code="A41.9"))
    left.write(fact("diagnosis", sepsis, text="Sepsis", code="A41.9", certainty="refuted"))
    opened = opened_of(world)
    text = said(chart_page(opened, made_ms=NOON_MS))
    assert text.count("(refuted)") == 2
    assert b'<s class="struck"><bdi>Latex</bdi></s>' in to_html(chart_page(opened, made_ms=NOON_MS))


def test_every_rule_has_its_place_and_says_what_is_disputed():
    """Triage, steps, specimens, results, links, casualties, statuses, identities: each by two who had not met."""
    world, left, right = two()
    step = left.write(fact("step", fraction="V", name="Dress", required=True, type="care"))
    result = left.write(fact("observation", code="2951-2", text="sodium", value="140", unit="mmol/L"))
    world.sync()
    for writer, ways in ((left, (0, "a")), (right, (1, "b"))):
        one, tag = ways
        writer.write(fact("identity", name=f"Ana {tag}", identifiers=[{"value": tag, "system": "mrn"}]))
        writer.write(fact("triage", to=("deceased", "minor")[one]))
        writer.write(fact("status", to=("completed", "cancelled")[one], reason=f"because {tag}"))
        writer.write(
            fact(
                "step_event", step=str(step.id), to=("completed", "skipped")[one], quality=80 + one, note=f"seen {tag}"
            )
        )
        writer.write(fact("step", step, fraction="V", name=("Dress", "Undress")[one], required=True))
        writer.write(fact("specimen", specimen="S1", to=("rejected", "received")[one]))
        writer.write(fact("validation", observation=str(result.id), to=("validated", "rejected")[one]))
        writer.write(fact("link", relation=("same_patient", "not_same_patient")[one], chart="aa" * 16))
        writer.write(fact("casualty", number="17", chart=("aa" * 16, "bb" * 16)[one]))
        writer.write(fact("medication", text="Warfarin", action=("start", "stop")[one], dose="5", unit="mg"))
        writer.write(fact("priority", to="critical"), fact("assignment", to=f"Team {tag}"))
    left.write(fact("step_event", step="ee" * 32 + ":0", to="completed"))
    number = left.write(fact("casualty", number="18", chart="cc" * 16))
    left.write(fact("casualty", number, number="18", chart="dd" * 16))
    text = printed(world)
    for words in (
        *("Ana a", "Ana b", "value a, system mrn", "Immediate (red)", "because a", "Dress / Undress", "required"),
        *(
            "also called otherwise",
            "quality",
            "seen a",
            "skipped: seen b",
            "S1",
            "sodium 140 mmol/L",
            "Not settled",
            "17",
            "Critical",
            "Team b",
        ),
        *("Step not here", "THE MEDICATION LIST IS NOT SETTLED", "5 mg  |  stopped", "Without a number\ncccccccc"),
    ):
        assert words in text, words
    assert text.count("DISPUTED") >= 8
    assert text.count("A person must decide") == 1


def test_what_is_unverified_is_marked_and_what_a_decision_said_is_told():
    """In the safety list under its own kind; withheld statements are counted at the top."""
    world, left, right = two()
    drug = left.write(fact("medication", text="Digoxin", action="start", dose="250", unit="ug"))
    hidden = left.write(fact("priority", to="urgent"))
    right.write(fact("review_decision", conflict="ab" * 32, heads=[str(drug.id)], decision="keep", reason="seen it"))
    text = printed(world, verdicts={drug.id: REVOKED, hidden.id: REVOKED})
    assert "Medication\nUNVERIFIED  medication: Digoxin 250 ug start" in text
    assert "access was revoked" in text
    assert "1 statements are withheld until a member adopts them" in text
    assert "Decided" in text
    assert "reason: seen it" in text


def test_what_a_newer_version_wrote_is_shown_whole_and_marked():
    """Unknown kinds key by key, unusable facts with what is wrong, long texts below; no key of a file."""
    world, left, _ = two()
    left.write(fact("document", schema=LAYOUT_VERSION + 1, workflow_type="encounter", title="Ward"))
    left.write(fact("genome", bases="ACGT", deep=[[[[[1]]]]], sure=True, blob=b"123", none=None, n=7))
    left.write(fact("genome", notes="line\n" * 40))
    left.write(fact("allergy", text="Latex", severity="apocalyptic"))
    left.write(fact("attachment", key="ab" * 32, name="scan.png"))
    left.write(fact("source", x=1))
    text = printed(world)
    for words in (
        *("A NEWER VERSION WROTE HERE", "bases: ACGT", "(more)", "sure: yes", "(3 bytes)", "none: nothing", "n: 7"),
        *("of a kind that this version does not know", "severity: apocalyptic", "kept, and not used by this version"),
        *("line\nline\nline", "2 statements cannot be used", "key: (not shown)", "1 parts of imported resources"),
    ):
        assert words in text, words
    assert "ab" * 32 not in text


def test_a_disputed_text_cannot_be_mistaken_for_a_settled_one(monkeypatch: pytest.MonkeyPatch):
    """Each text that is kept apart stands whole under the one that is read, with its author and why."""
    found = _opened(_disputed())
    found.document = CHART
    text = printed(World(), chart=found)
    assert "Plan  DISPUTED   nurse" in text
    assert "dose to follow" in text
    assert text.count("Kept apart") == 1
    assert "dose 250 mg" in text
    monkeypatch.setattr(section_module, "VIEWS_MAX", 0)
    found = _opened(_disputed())
    assert "1 more texts are kept apart" in printed(World(), chart=found)


def test_a_text_that_is_not_whole_says_so(monkeypatch: pytest.MonkeyPatch):
    """And so does a line that nobody wrote as it stands."""
    found = _opened(_disputed())
    kind = type(found.texts["plan"])
    monkeypatch.setattr(kind, "complete", property(lambda _: False))
    monkeypatch.setattr(kind, "torn", property(lambda _: ("dose 2505 mg", "x" * 501)))
    text = " ".join(printed(World(), chart=found).split())
    assert "INCOMPLETE" in text
    assert "NOBODY WROTE THESE LINES AS THEY STAND Line dose 2505 mg Line (see below) " + "x" * 501 in text


def test_a_line_that_several_changed_at_once_is_shown_as_each_of_them_left_it(monkeypatch: pytest.MonkeyPatch):
    """As it was, by whom it became what, and what the merge made of it."""
    found = _opened(_disputed())
    first, second = list(found.authors)[:2]
    readings = (Reading(EntryHash(bytes(32)), first, "dose 500 mg"), Reading(EntryHash(bytes(32)), second, ""))
    contested = Contested(line="dose 500 mg", before="dose 250 mg", readings=readings)
    monkeypatch.setattr(type(found.texts["plan"]), "contested", property(lambda _: (contested,)))
    text = " ".join(printed(World(), chart=found).split())
    assert "SEVERAL CHANGED THIS LINE AT ONCE Before dose 250 mg" in text
    assert "By nurse 00000000 dose 500 mg" in text
    assert "By nurse 01010101 (empty)" in text
    assert "Together they read dose 500 mg" in text


def test_what_is_not_here_is_counted_on_top():
    """Entries that cannot be opened, and statements that do not count."""
    found = OpenDocument(CHART)
    found.unread = {EntryHash(bytes(32)): Unread.NO_KEY}
    found.void = {FactId(EntryHash(bytes(32)), 0): Reason.ROLE}
    text = printed(World(), chart=found)
    assert "1 entries are kept and cannot be shown on this device yet." in text
    assert "1 statements do not count, because their author may not make them." in text
    assert text.index("NOT EVERYTHING IS ON THIS PAGE") < text.index("Safety")


def test_a_broken_glass_and_our_warnings_stand_on_top():
    """Who broke it, why, when, on what."""
    opened = opened_of(World())
    act = SimpleNamespace(reason=SimpleNamespace(value="unconscious_patient"), kit=True)
    broken = SimpleNamespace(record=EntryHash(bytes(32)), author=CertificateHash(b"\1" * 32), act=act, wall_ms=NOON_MS)
    cast("Any", opened.membership).broken = (broken,)
    text = said(chart_page(opened, made_ms=NOON_MS, warnings=["will be destroyed from 2036 unless held"]))
    assert text.index("will be destroyed") < text.index("THE GLASS IS BROKEN") < text.index("Safety")
    assert "2025-10-09 08:53 UTC  unconscious patient  by 01010101 on a kit" in text


def test_a_long_list_prints_its_newest_and_counts_the_others(monkeypatch: pytest.MonkeyPatch):
    """Never the safety list, which is printed whole."""
    monkeypatch.setattr(drafting, "LISTED_MAX", 2)
    world, left, _ = two()
    for number in range(5):
        left.write(fact("observation", code="x", text="pulse", value=str(60 + number)))
        left.write(fact("allergy", text=f"Allergen {number}"))
    text = printed(world)
    assert "findings: the 3 earliest of 5" in text
    assert "pulse 64" in text
    assert "pulse 60" not in text
    assert all(f"Allergen {number}" in text for number in range(5))


def test_many_statements_behind_one_line_are_counted():
    """A line names ten authors."""
    world = World()
    for _ in range(13):
        world.writer().write(fact("allergy", text="Latex"))
    assert "and 3 more statements" in printed(world)


def test_a_correction_is_read_beside_what_it_corrects():
    """The old value stays, struck."""
    world, left, _ = two()
    first = left.write(fact("observation", code="8867-4", text="pulse", value="880", unit="/min"))
    left.write(fact("observation", first, code="8867-4", text="pulse", value="88", unit="/min", corrects=str(first.id)))
    text = printed(world)
    assert text.index("pulse 880") < text.index("corrected below") < text.index("pulse 88 /min\n")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(max_size=8) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=12), JSON, max_size=5), st.text(min_size=1, max_size=20))
def test_any_fact_of_any_kind_can_be_printed(payload: dict[str, Any], kind: str):
    """Whatever a newer or a hostile author put into it."""
    placed = World().writer().write(fact(kind))
    draft = Draft()
    draw_fact(draft, replace(placed, fact=replace(placed.fact, payload=payload)), "x")
    page = page_of(*draft.blocks)
    read_html(to_html(page))
    assert to_pdf(page).startswith(b"%PDF")


def test_values_are_words():
    """Lists, maps and numbers too; nothing is evaluated."""
    assert value_words([{"a": 1}, "b", True]) == "a 1; b; yes"


def test_both_forms_say_the_same():
    """Word for word, on a chart of many things."""
    rng = random.Random(5)
    world, left, right = two()
    for number in range(40):
        writer = rng.choice((left, right))
        writer.write(
            fact("allergy", text=f"Allergen {rng.randrange(8)}"), fact("step", fraction="V", name=f"S{number}")
        )
    page = chart_page(opened_of(world), made_ms=NOON_MS)
    paper = said_by_pdf(to_pdf(page))
    for line in read_html(to_html(page)).text.split("\n"):
        assert " ".join(line.split()).replace("Made on ", "") in paper


def test_a_drug_beside_an_allergy_stands_in_the_safety_list():
    """With the degree and what it rests on; what was not compared is named."""
    world, left, _ = two()
    left.write(fact("allergy", text="Aspirin"), fact("medication", text="Ibuprofen", action="start"))
    left.write(fact("medication", text="Warfarin", action="start"))
    text = printed(world)
    assert "Ibuprofen beside the allergy Aspirin: both non-selective NSAIDs and salicylates, likely\nKowalski" in text
    assert "not in the table: Warfarin" in text


def test_no_known_allergy_to_one_substance_is_printed_as_it_was_said():
    """It is no allergy, and does not say that none are known."""
    world, left, _ = two()
    left.write(fact("allergy", text="No known latex allergy"))
    text = printed(world)
    assert "stated: No known latex allergy" in text
    assert "none known" not in text
