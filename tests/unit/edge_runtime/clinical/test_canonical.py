"""The text under a signature: everything that the document says, in one form that nothing typed can imitate."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.canonical import canonical_text
from edge_runtime.clinical.layout import Section
from tests.unit.edge_runtime.clinical.worlds import CHART, ENCOUNTER, World, fact, two

HEADINGS = (
    "Clinical note, layout 1",
    "Patient",
    "Document",
    "Status",
    "Priority",
    "Triage",
    "For",
    "Place",
    "Allergies of the patient",
    "Medications of the patient",
    "Diagnoses",
    "Procedures",
    "Observations",
    "Specimens",
    "Steps",
    "Attachments",
    "Unverified",
    "Not readable",
    "Not decided",
    *(section.capitalize() for section in Section),
)


def signed(world: World, sections: dict[Section, str] | None = None, scope: tuple[Section, ...] = ()) -> str:
    """What would be signed of the encounter."""
    return canonical_text(world.state(ENCOUNTER), sections or {}, chart=world.chart(), scope=scope)


def test_a_document_of_which_nothing_is_known_says_so():
    """Absence is written down: nobody reads silence as 'none'."""
    text = signed(World())
    assert "Patient\n  not identified\n" in text
    assert "Allergies of the patient\n  nothing stated\n" in text
    assert "Medications of the patient\n  nothing stated\n" in text


def test_allergies_and_medications_of_the_whole_chart_are_under_the_signature():
    """A note about an encounter never says that a patient has no allergies because another document lists them."""
    world = World()
    writer = world.writer()
    writer.write(fact("allergy", text="Penicillin", severity="severe"), document=CHART)
    writer.write(fact("allergy", text="No known food allergies"), document=CHART)
    writer.write(
        fact("medication", text="Warfarin", dose="5", unit="mg", action="start"),
        fact("medication", text="Aspirin", action="stop"),
        document=CHART,
    )
    text = signed(world)
    assert "  Penicillin, severe\n  No known food allergies\n" in text
    assert "  Warfarin 5 mg start\n" in text
    assert "  Aspirin stop (stopped)\n" in text


def test_every_part_of_a_document_is_under_the_signature():
    """Each kind has its heading, and what is disputed, open or unreadable says so."""
    world, left, right = two()
    doc = {"document": ENCOUNTER}
    left.write(fact("identity", name="Ana Lima", birth_date="1961-04-02", sex="female"), document=CHART)
    left.write(fact("document", schema=99, workflow_type="encounter", title="Hand"), **doc)
    left.write(fact("priority", to="urgent"), fact("place", location="Tent 3"), **doc)
    left.write(fact("assignment", to="Dr. Lima"), fact("procedure", text="Splint"), **doc)
    left.write(fact("diagnosis", text="Fracture", certainty="confirmed"), **doc)
    left.write(fact("diagnosis", text="Sepsis", certainty="refuted"), **doc)
    left.write(fact("specimen", specimen="T-17", to="received"), **doc)
    result = left.write(fact("observation", code="2823-3", text="Potassium", value="6.8", unit="mmol/L"), **doc)
    left.write(fact("validation", observation=str(result.id), to="validated"), **doc)
    left.write(fact("observation", code="8867-4", text="Heart rate", value="320", unit="/min"), **doc)
    left.write(fact("allergy"), **doc)
    step = left.write(fact("step", fraction="V", name="Wash"), **doc)
    world.sync()
    left.write(fact("triage", to="deceased"), fact("status", to="completed"), **doc)
    right.write(fact("triage", to="minor"), fact("status", to="cancelled"), **doc)
    left.write(fact("step_event", step=str(step.id), to="completed"), **doc)
    right.write(fact("step_event", step=str(step.id), to="failed"), **doc)
    text = signed(world)
    for line in (
        "  Name: Ana Lima\n  Born: 1961-04-02\n  Sex: female\n",
        "  Title: Hand\n  Written in part by a newer version",
        "Status\n  cancelled (disputed)\n",
        "Priority\n  urgent\n",
        "Triage\n  immediate (disputed)\n",
        "For\n  Dr. Lima\n",
        "Place\n  Tent 3\n",
        "  Fracture, confirmed\n  Sepsis (refuted)\n",
        "Procedures\n  procedure: Splint\n",
        "  Potassium 6.8 mmol/L (validated only by whoever entered it)\n  Heart rate 320 /min (to be confirmed)\n",
        "Specimens\n  T-17: received\n",
        "Steps\n  Wash: completed (disputed)\n",
        "Not readable\n  allergy: cannot be read by this version\n",
        "Not decided\n",
        "  This list is not settled.\n",
    ):
        assert line in text, line


def test_a_result_is_validated_by_a_second_person():
    """As completeness judges it: the signed text says no more than that."""
    world, left, right = two()
    result = left.write(fact("observation", code="2823-3", text="Potassium", value="6.8", unit="mmol/L"))
    world.sync()
    right.write(fact("validation", observation=str(result.id), to="validated"))
    text = canonical_text(world.state(CHART), {}, chart=world.chart())
    assert "  Potassium 6.8 mmol/L (validated)\n" in text


def test_only_the_scope_is_written_with_who_the_patient_is():
    """A part is told from the whole by what is not there."""
    texts = {Section.PLAN: "Rest.", Section.ASSESSMENT: "Well."}
    text = signed(World(), texts, scope=(Section.PLAN,))
    assert text.endswith("Plan\n  Rest.\n")
    assert "Well." not in text
    assert "Allergies" not in text


def test_sections_stand_in_one_order():
    """Whatever order they came in."""
    one = {Section.PLAN: "b", Section.COMPLAINT: "a"}
    other = {Section.COMPLAINT: "a", Section.PLAN: "b"}
    assert signed(World(), one) == signed(World(), other)
    assert signed(World(), {Section.PLAN: ""}).endswith("Plan\n  nothing stated\n")


@given(st.text())
def test_nothing_that_was_typed_passes_for_a_heading(typed: str):
    """Only headings stand at the margin; characters are composed, and none can turn or hide a line."""
    text = signed(World(), {Section.PLAN: typed})
    lines = text.split("\n")
    assert lines.pop() == ""
    assert all(line in HEADINGS or line == "" or line.startswith("  ") for line in lines)
    assert lines.count("Plan") == 1
    assert text.count("\u202e") == 0
    assert unicodedata.is_normalized("NFC", text)


@given(st.text(min_size=1, max_size=40).filter(str.strip), st.sampled_from(["\n", "\r", "\x0b", "\u2028", "\x85"]))
def test_no_statement_passes_for_a_heading(typed: str, parting: str):
    """A line feed in an allergy, a medicine, a name or a place starts no heading: it stands under its own."""
    world, words = World(), f"{typed}{parting}Allergies of the patient{parting}Plan"
    writer = world.writer()
    writer.write(fact("allergy", text=words), fact("medication", text=words), document=CHART)
    writer.write(fact("identity", name=words), document=CHART)
    writer.write(
        fact("place", location=words), fact("observation", code="x", text=words, finding=words), document=ENCOUNTER
    )
    lines = signed(world).split("\n")
    assert lines.pop() == ""
    assert all(line in HEADINGS or line == "" or line.startswith("  ") for line in lines)
    assert (lines.count("Allergies of the patient"), lines.count("Plan")) == (1, 0)
