"""A document's course on a terminal: a tired person sees where it stands, what is open and what is disputed."""

from __future__ import annotations

from rich.console import Console, Group

from edge_runtime.cli.document_text import course_rows, standing_rows
from tests.unit.edge_runtime.clinical.scores.ward import Ward
from tests.unit.edge_runtime.clinical.worlds import World, fact, two

VITALS = (
    ("9279-1", "Respiratory rate", "26", "/min"),
    ("59408-5", "Oxygen saturation", "91", "%"),
    ("8480-6", "Systolic pressure", "95", "mm[Hg]"),
    ("8867-4", "Heart rate", "120", "/min"),
    ("8310-5", "Temperature", "38.5", "Cel"),
)


def shown(world: World) -> str:
    """What a terminal shows, without its colours."""
    state = world.state()
    console = Console(width=140)
    with console.capture() as captured:
        console.print(Group(*standing_rows(state, state.identity), *course_rows(state)))
    return captured.get()


def test_where_it_stands_is_said_in_words():
    """Status, priority, triage by word and colour, for whom and where."""
    world = World(1)
    writer = world.writer()
    for kind, payload in (
        ("status", {"to": "active"}),
        ("priority", {"to": "urgent"}),
        ("triage", {"to": "red", "system": "start"}),
        ("assignment", {"to": "Dr. Lima"}),
        ("place", {"location": "Tent 3", "department": "Surgery"}),
    ):
        writer.record(fact(kind, **payload))
    text = shown(world)
    for words in ("Status   active", "Priority urgent", "RED immediate", "For      Dr. Lima", "Tent 3, Surgery"):
        assert words in text


def test_what_is_disputed_says_so_in_its_line():
    """Black beside green is red and disputed, in words; a step that ended in two ways is, too."""
    world, left, right = two()
    step = left.record(fact("step", fraction="V", name="Splint", required=True, estimated_minutes=10))
    world.sync()
    for writer, to, ended in ((left, "deceased", "completed"), (right, "minor", "failed")):
        writer.record(fact("triage", to=to))
        writer.record(fact("step_event", step=str(step.id), to=ended, actual_minutes=7, quality=90))
    world.sync()
    lines = shown(world).splitlines()
    assert any("RED immediate" in line and "DISPUTED" in line for line in lines)
    (line,) = (line for line in lines if "Splint" in line)
    assert "[ ] Splint  completed  DISPUTED  required   took 7 min, planned 10 min, quality 90 of 100" in line


def test_steps_specimens_results_links_and_casualties_have_a_line_each():
    """What is not here is said to be so; nothing is left out."""
    world = World(2)
    writer = world.writer()
    first = writer.record(fact("step", fraction="V", name="Wash"))
    writer.record(fact("step_event", step=str(first.id), to="completed"))
    writer.write(fact("step_event", step=f"{'0' * 64}:0", to="completed"))
    writer.record(fact("specimen", specimen="T-17", to="in_transit", type="blood"))
    result = writer.record(fact("observation", code="2823-3", text="Potassium", value="6.8", unit="mmol/L"))
    writer.record(fact("validation", observation=str(result.id), to="validated"))
    writer.write(fact("validation", observation=f"{'1' * 64}:0", to="validated"))
    writer.record(fact("link", relation="same_patient", chart="ab" * 16))
    writer.record(fact("casualty", number="B-014", chart="cd" * 16))
    text = shown(world)
    for words in (
        "Steps    100 % closed",
        "[x] Wash  completed",
        "a step that is not here",
        "T-17: in transit",
        "Potassium 6.8 mmol/L: validated",
        "a result that is not here: 11111111: validated",
        "same patient: chart abababab",
        "Casualty B-014  chart cdcdcdcd",
    ):
        assert words in text, words


def test_a_step_that_was_not_done_has_no_tick_and_what_was_said_of_it():
    """Skipped is a dash, as in `workflow show`; what somebody noted beside it is part of the record, and shown."""
    world = World(4)
    writer = world.writer()
    for to, mark in (("skipped", "-"), ("failed", " "), ("completed", "x")):
        step = writer.record(fact("step", fraction="V", name=f"Examine {to}"))
        writer.record(fact("step_event", step=str(step.id), to=to, note="patient \u202e asleep", reason="night"))
        assert f"[{mark}] Examine {to}  {to} (night; patient <U+202E> asleep)" in shown(world)


def test_a_score_stands_with_those_before_it():
    """The last full set is scored, with its band; without a saturation scale there is no NEWS2, and no guess."""
    world = World(3)
    writer = world.writer()
    for code, name, value, unit in VITALS:
        writer.record(fact("observation", code=code, text=name, value=value, unit=unit))
    assert shown(world) == ""
    scale = {"system": "fieldward", "code": "spo2-scale", "text": "SpO2 scale", "value": "1"}
    writer.record(fact("observation", **scale))
    writer.record(fact("observation", code="67775-7", text="ACVPU", finding="Alert"))
    writer.record(fact("observation", code="3151-8", text="Oxygen flow", value="0", unit="L/min"))
    assert "qSOFA    2" in shown(world)
    assert "NEWS2    11, high" in shown(world)


def test_a_document_of_a_newer_version_says_so():
    """There may be more than this version shows."""
    world = World(4)
    world.writer().write(fact("document", schema=99, workflow_type="encounter"))
    assert "newer version" in shown(world)


def test_a_score_says_that_newer_findings_are_not_in_it():
    """A low score of the morning never stands unmarked above the pulse of an hour ago."""
    ward = Ward()
    ward.full_set(0)
    assert "NEWS2    0" in shown(ward.world)
    assert "NEWER FINDINGS" not in shown(ward.world)
    ward.observe("8867-4", ("140", "/min"), 300)
    (line,) = (line for line in shown(ward.world).splitlines() if line.startswith("NEWS2"))
    assert "NEWER FINDINGS ARE NOT IN IT" in line
