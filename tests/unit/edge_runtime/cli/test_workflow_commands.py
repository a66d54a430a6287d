"""`fieldward workflow`: a document from its template to its completion, as people and machines see it."""

from __future__ import annotations

from typing import Any

import pytest

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.clinical.workflows.builtin import TEMPLATES
from tests.unit.edge_runtime.cli.test_team_commands import sync
from tests.unit.edge_runtime.cli.world import World

OWN = """
name = "wound-check"
title = "Wound check"
workflow_type = "encounter"
minutes = 15

[[steps]]
key = "look"
name = "Look at the wound"
required = true
minutes = 5

[[requires]]
item = "section:plan"
text = "When it is looked at again"
"""


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """A physician's tablet and a nurse's phone with one chart."""
    world.found()
    world.tablet = world.enrol("tablet", "physician")
    world.phone = world.enrol("phone", "nurse")
    sync(world, "admin", "tablet", "phone")
    made = world.json("chart", "create", "--home", "tablet", "--name", "Ana Lima", "--workflow", "none")
    world.chart = made["chart"]
    world.json("chart", "share", world.chart, "--device", world.phone, "--home", "tablet")
    sync(world, "tablet", "phone")
    return world


def do(ward: World, *words: str, home: str = "tablet", code: int = 0) -> Any:
    """A command of the group, with --json."""
    return ward.json("workflow", words[0], ward.chart, *words[1:], "--home", home, code=code)


def shown(ward: World, document: str, home: str = "tablet") -> dict[str, Any]:
    """How a document stands."""
    (one,) = do(ward, "show", "--document", document, home=home)["documents"]
    return dict(one)


def lacks(report: dict[str, Any]) -> list[tuple[str, str]]:
    """What lacks, by its word and why; steps by nothing but that."""
    return [(need["item"].partition(":")[0], need["why"]) for need in report["needs"] if not need["there"]]


def state(ward: World, document: str, text: str, home: str = "tablet") -> Any:
    """State a fact."""
    return ward.json("chart", "edit", ward.chart, "--document", document, "--fact", text, "--home", home)


def write(ward: World, document: str, section: str, text: str, home: str = "tablet") -> None:
    """Write a section."""
    (ward.folder / "text.txt").write_text(text)
    edit = ("chart", "edit", ward.chart, "--document", document, "--section", section, "--text-file", "text.txt")
    ward.json(*edit, "--home", home)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_type_begins_with_its_template(ward: World, kind: WorkflowType):
    """Its steps in order, what it asks for in its own words; under way at once, and nothing of it there yet."""
    made = do(ward, "new", kind.value)
    assert (made["workflow_type"], made["template"]) == (kind.value, kind.value)
    report, template = shown(ward, made["document"]), TEMPLATES[kind]
    assert [step["key"] for step in report["steps"]["items"]] == [step.key for step in template.steps]
    asked = [(one.item, one.words) for one in template.requires]
    assert [(need["item"], need["words"]) for need in report["needs"]][: len(asked)] == asked
    assert (report["status"], report["percentage"], report["title"]) == ("active", 0, template.title)
    assert report["durations"]["estimated_minutes"] == template.minutes


def test_an_encounter_from_its_beginning_to_its_end(ward: World):
    """Step by step, section by section; what lacks is listed, and once nothing lacks it is completed."""
    document = do(ward, "new", "encounter", "--title", "Fever")["document"]
    refused = do(ward, "complete", "--document", document, code=1)
    assert refused["error"]["code"] == "not_complete"
    assert len(refused["lacking"]) == 9
    assert "Fever" not in str(refused["error"])
    for key in ("identify", "allergies", "vitals"):
        do(ward, "step", key, "--document", document, "--to", "completed", "--minutes", "3", home="tablet")
    for section in ("complaint", "assessment", "plan"):
        write(ward, document, section, f"What belongs in {section}.")
    state(ward, document, '{"kind":"observation","code":"8867-4","text":"HR","value":"88","unit":"/min"}')
    state(ward, document, '{"kind":"diagnosis","text":"Influenza","code":"J11.1","system":"icd-10-cm"}')
    report = shown(ward, document)
    assert lacks(report) == [("signed", "absent")]
    assert report["percentage"] == 88
    do(ward, "sign", "--document", document, "--yes")
    report = shown(ward, document)
    assert (report["percentage"], report["signed"], report["written_since"]) == (100, "yes", 0)
    assert [one["act"] for one in report["signatures"]] == ["author"]
    parts = {part["name"]: part["share"] for part in report["quality"]["parts"]}
    assert parts == {"complete": 100, "in_time": 66, "coded": 100, "confirmed": 100, "decided": None, "signed": 100}
    assert report["quality"]["score"] == 96
    done = do(ward, "complete", "--document", document)
    assert (done["despite"], done["confirm"]) == ([], None)
    assert shown(ward, document)["status"] == "completed"
    again = ward.refused("workflow", "complete", ward.chart, "--document", document, "--home", "tablet")
    assert again == "already_ended"


def test_what_lacks_is_left_out_for_a_reason_that_stays(ward: World):
    """Who completes it all the same says why, and everybody reads it in the document."""
    document = do(ward, "new", "field_triage")["document"]
    done = do(ward, "complete", "--document", document, "--despite", " flown out at once ")
    assert [item.partition(":")[0] for item in done["despite"]] == ["kind", "kind", "step"]
    sync(ward, "tablet", "phone")
    chart = ward.json("chart", "show", ward.chart, "--home", "phone")
    (found,) = (one for one in chart["documents"] if one["document"] == document)
    assert found["status"]["heads"][0]["fact"]["reason"] == "Completed despite what lacks: flown out at once"
    other = do(ward, "new", "field_triage")["document"]
    for reason in (" ", "x" * 1000):
        complete = ("complete", ward.chart, "--document", other, "--despite", reason)
        assert ward.refused("workflow", *complete, "--home", "tablet") == "reason"


def test_a_template_of_the_organisation_travels_with_its_document(ward: World):
    """A device that never saw the file shows the same steps, asks for the same, and derives the same percentage."""
    (ward.folder / "own.toml").write_text(OWN)
    document = do(ward, "new", "--template", "own.toml")["document"]
    do(ward, "step", "look", "--document", document, "--to", "completed")
    sync(ward, "tablet", "phone")
    here, there = shown(ward, document), shown(ward, document, home="phone")
    assert here == there
    assert (here["template"], here["percentage"]) == ("wound-check", 50)
    assert [need["words"] for need in here["needs"]] == ["When it is looked at again", "Look at the wound"]


def test_who_states_a_step_is_told_which(ward: World):
    """Numbers move when others add steps: who meant another one sees it at once."""
    document = do(ward, "new", "field_triage")["document"]
    told = ward.run(
        "workflow", "step", ward.chart, "1", "--document", document, "--to", "completed", "--home", "tablet"
    )
    (first, *_) = shown(ward, document)["steps"]["items"]
    assert told.out.endswith(f"{first['name']}: completed.\n")


def test_steps_are_added_and_moved_between_others(ward: World):
    """By key, number or id; what stands beside a step keeps its place."""
    document = do(ward, "new", "field_triage")["document"]

    def keys() -> list[str]:
        return [step["key"] for step in shown(ward, document)["steps"]["items"]]

    where = ("--document", document)
    added = do(ward, "add-step", "Tag", *where, "--after", "triage", "--key", "tag", "--minutes", "1", "--required")
    assert keys() == ["triage", "tag", "save", "hand_over"]
    do(ward, "add-step", "Look", *where, "--first", "--key", "look")
    do(ward, "add-step", "Count", *where, "--key", "count")
    do(ward, "move-step", "hand_over", *where, "--before", "1")
    assert keys() == ["hand_over", "look", "triage", "tag", "save", "count"]
    do(ward, "move-step", added["step"][:12], *where, "--after", "count")
    do(ward, "move-step", "count", *where, "--first")
    assert keys() == ["count", "hand_over", "look", "triage", "save", "tag"]
    moved = shown(ward, document)["steps"]["items"][-1]
    assert (moved["required"], moved["estimated_minutes"], moved["id"]) == (True, 1, added["step"])


def test_a_laboratory_order_is_done_once_a_second_person_validated_every_result(ward: World):
    """The specimen arrives, results are entered; whoever entered a result does not validate it."""
    document = do(ward, "new", "lab_order")["document"]
    where = ("--document", document)
    for key in ("order", "collect", "receive", "result", "validate"):
        do(ward, "step", key, *where, "--to", "completed")
    assert lacks(shown(ward, document)) == [("specimen", "absent"), ("kind", "absent"), ("validation", "absent")]
    do(ward, "specimen", "A-17", *where, "--to", "collected", "--type", "venous blood", "--at", "2026-03-01T09:30Z")
    assert lacks(shown(ward, document))[0] == ("specimen", "on_its_way")
    asked = do(ward, "specimen", "A-17", *where, "--to", "received", "--at", "2026-03-01T08:30Z")["confirm"]
    assert "wrong order" in asked
    sync(ward, "tablet", "phone")
    state(ward, document, '{"kind":"observation","code":"2823-3","text":"K","value":"4.1","unit":"mmol/L"}', "phone")
    sync(ward, "phone", "tablet")
    (result,) = results(ward)
    validate = ("validate", result[:10], *where)
    do(ward, *validate, "--to", "rejected", "--reason", "haemolysed")
    assert lacks(shown(ward, document)) == [("validation", "not_validated")]
    do(ward, *validate, "--to", "validated")
    assert shown(ward, document)["percentage"] == 100
    state(ward, document, '{"kind":"observation","code":"2951-2","text":"Na","value":"139","unit":"mmol/L"}')
    own = next(name for name in results(ward) if name != result)
    again = ("workflow", "validate", ward.chart, own, *where, "--home", "tablet", "--to")
    assert ward.refused(*again, "validated") == "own_result"
    assert ward.run(*again, "rejected").code == 0


def results(ward: World) -> list[str]:
    """The results of the chart's one document."""
    found = ward.json("chart", "show", ward.chart, "--home", "tablet")["documents"][1]["observations"]
    return [one["id"] for one in found]


def test_what_people_read(ward: World):
    """A bar, steps by number with their state, what lacks in the template's words, quality with reasons, signatures."""
    document = do(ward, "new", "telemedicine", "--title", "Call \x1b[31mback")["document"]
    do(ward, "step", "identify", "--document", document, "--to", "completed", "--minutes", "1")
    do(ward, "step", "talk", "--document", document, "--to", "in_progress", "--note", "line is bad")
    said = ward.run("workflow", "show", ward.chart, "--home", "tablet").out
    for words in (
        "Telemedicine",
        "Call <U+001B>[31mback",
        "[#...................] 9 % complete",
        " 1 [x] Check by two facts who the patient is   completed  1 min  (estimated 1 min)   identify",
        " 4 [>] Talk, and look   in progress (line is bad)",
        "lacks  Where the patient is  (not there yet)",
        "Quality of the record: 20 of 100",
        "100 %  1 of 1 steps whose minutes were stated took no longer than estimated",
        "  -    no diagnosis is stated",
        "Time: estimated 20 min; stated 1 min",
        "Signatures: nobody signed it",
    ):
        assert words in said, words
    refused = ward.run("workflow", "complete", ward.chart, "--document", document, "--home", "tablet")
    assert refused.code == 1
    assert "lacks  What you think it is  (not there yet)" in refused.out
    assert "Not done (not_complete)" in refused.err
    done = ward.run(
        *("workflow", "complete", ward.chart, "--document", document, "--despite", "line broke", "--home", "tablet")
    )
    assert "is completed, although 10 things lack." in done.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("new",), 2, "usage"),
        (("new", "encounter", "--template", "own.toml"), 2, "usage"),
        (("new", "chart"), 1, "workflow_type"),
        (("new", "hologram"), 1, "workflow_type"),
        (("new", "--template", "nowhere.toml"), 1, "template_file"),
        (("new", "--template", "bad.toml"), 1, "invalid_template"),
        (("new", "encounter", "--title", "x" * 300), 1, "invalid_fact"),
        (("show", "--document", "hologram"), 1, "no_such_document"),
        (("step", "9", "--document", "field_triage", "--to", "completed"), 1, "no_such_step"),
        (("step", "nothing", "--document", "field_triage", "--to", "completed"), 1, "no_such_step"),
        (("step", "1", "--document", "field_triage", "--to", "done"), 2, "usage"),
        (("step", "1", "--document", "field_triage", "--to", "completed", "--minutes", "2000"), 2, "usage"),
        (("step", "1", "--document", "field_triage", "--to", "completed", "--quality", "101"), 2, "usage"),
        (("move-step", "1", "--document", "field_triage"), 2, "usage"),
        (("move-step", "1", "--document", "field_triage", "--after", "1"), 2, "usage"),
        (("move-step", "1", "--document", "field_triage", "--first", "--after", "2"), 2, "usage"),
        (("add-step", " ", "--document", "field_triage"), 1, "invalid_fact"),
        (("specimen", "A", "--document", "field_triage", "--to", "received", "--at", "noon"), 1, "invalid_fact"),
        (("validate", "00", "--document", "field_triage", "--to", "validated"), 1, "no_such_result"),
    ],
)
def test_wrong_use_is_explained_and_writes_nothing(ward: World, words: tuple[str, ...], code: int, said: str):
    """A code, what was expected, what came and what to do; the document stays as it is."""
    (ward.folder / "own.toml").write_text(OWN)
    (ward.folder / "bad.toml").write_text("name = 5")
    do(ward, "new", "field_triage")
    before = do(ward, "show")
    assert ward.refused("workflow", words[0], ward.chart, *words[1:], "--home", "tablet", code=code) == said
    assert do(ward, "show") == before


def test_a_role_that_may_not_states_nothing(ward: World):
    """A nurse validates no result and signs her own way; what her role may not is refused with the reason."""
    document = do(ward, "new", "lab_order")["document"]
    state(ward, document, '{"kind":"observation","code":"2823-3","text":"K","value":"4.1","unit":"mmol/L"}')
    sync(ward, "tablet", "phone")
    (result,) = ward.json("chart", "show", ward.chart, "--home", "phone")["documents"][1]["observations"]
    validate = ("workflow", "validate", ward.chart, result["id"][:10], "--document", document, "--to", "validated")
    assert ward.refused(*validate, "--home", "phone") == "role_may_not_state"


def test_a_critical_result_is_called_out(ward: World):
    """Whoever writes it is told at once, and whoever syncs it: the rule and the chart, no value."""
    document = do(ward, "new", "lab_order")["document"]
    fact = '{"kind":"observation","code":"2823-3","text":"K","value":"7.1","unit":"mmol/L"}'
    edit = ("chart", "edit", ward.chart, "--document", document, "--fact", fact, "--home", "tablet")
    said = ward.run(*edit).err
    assert f"ALERT: potassium critically high, in chart {ward.chart[:8]}" in said
    assert "7.1" not in said
    sync(ward, "tablet")
    came = ward.run("sync", "once", "--home", "phone")
    assert "ALERT: potassium critically high" in came.err
    assert "ALERT" not in ward.run("sync", "once", "--home", "phone").err


def test_templates_are_listed_and_checked_without_a_device(world: World):
    """All of them, one whole, and an organisation's own; a wrong one is refused with place and line."""
    assert [one["name"] for one in world.json("workflow", "templates")["templates"]] == [*TEMPLATES]
    assert world.run("workflow", "templates").out.count("\n") == len(TEMPLATES)
    assert "Pause: everybody agrees" in world.run("workflow", "templates", "procedure").out
    assert world.refused("workflow", "templates", "hologram") == "workflow_type"
    (world.folder / "own.toml").write_text(OWN)
    assert world.json("workflow", "check-template", "own.toml")["steps"][0]["key"] == "look"
    assert world.run("workflow", "check-template", "own.toml").out.endswith("This template is in order.\n")
    (world.folder / "own.toml").write_text(OWN.replace("minutes = 5", 'minutes = "five"'))
    error = world.json("workflow", "check-template", "own.toml", code=1)["error"]
    assert error["expected"] == "steps[0].minutes (line 11): a whole number from 1 to 1440"
    assert error["got"] == "text of 4 characters"


def test_what_people_read_of_a_laboratory_order(ward: World):
    """Where each specimen is, each result with its id and whether it may be relied upon, and where people differ."""
    document = do(ward, "new", "lab_order", "--later")["document"]
    where = ("--document", document)
    do(ward, "specimen", "A\u202e17", *where, "--to", "received")
    state(ward, document, '{"kind":"observation","code":"2823-3","text":"K","value":"4.1","unit":"mmol/L"}')
    do(ward, "step", "order", *where, "--to", "skipped")
    sync(ward, "tablet", "phone")
    do(ward, "step", "collect", *where, "--to", "failed", home="phone")
    do(ward, "step", "collect", *where, "--to", "completed")
    sync(ward, "phone", "tablet")
    said = ward.run("workflow", "show", ward.chart, "--home", "tablet").out
    for words in (
        "  pending   [##",
        "Specimen A<U+202E>17: received",
        ": not validated",
        " 1 [-] Order the examination   skipped",
        " 2 [?] Collect the specimen, and label it beside the patient  DISPUTED   completed",
        " 3 [ ] Send the specimen  (if needed)   pending",
        "lacks  Order the examination  (skipped)",
        "lacks  Step  (a conflict that nobody has decided yet)",
        "  0 %  0 of 1 conflicts are decided",
    ):
        assert words in said, words


def test_what_people_read_of_a_document_that_is_done(ward: World):
    """Nothing lacks; how long it took, and by whose clocks; who signed. Commands say what to do next."""
    said = ward.run("workflow", "new", ward.chart, "field_triage", "--home", "tablet").out
    assert "is begun: Field triage." in said
    assert f"Next: fieldward workflow show {ward.chart[:8]} --document" in said
    state(ward, "field_triage", '{"kind":"triage","to":"red"}')
    state(ward, "field_triage", '{"kind":"place","location":"Tent 2"}')
    where = ("--document", "field_triage", "--home", "tablet")
    step = ward.run("workflow", "step", ward.chart, "1", *where, "--to", "completed", "--quality", "90", "--note", "ok")
    assert step.out.startswith("Recorded in document ")
    sign = ward.run("workflow", "sign", ward.chart, *where, "--yes")
    assert sign.code == 0
    done = ward.run("workflow", "complete", ward.chart, *where)
    assert done.out.endswith(" is completed.\n")
    said = ward.run("workflow", "show", ward.chart, "--home", "tablet").out
    for words in (
        "[####################] 100 % complete",
        "Nothing lacks.",
        "0 min from start to end (one clock)",
        "Signatures: signed as it reads now",
        "author, physician",
    ):
        assert words in said, words


def test_a_chart_without_a_workflow_says_how_to_begin_one(ward: World):
    """And an empty list for machines."""
    assert do(ward, "show")["documents"] == []
    assert "fieldward workflow new" in ward.run("workflow", "show", ward.chart, "--home", "tablet").out


def test_minutes_that_did_not_pass_are_asked_about(ward: World):
    """The step is recorded all the same."""
    do(ward, "new", "field_triage")
    where = ("--document", "field_triage")
    do(ward, "step", "triage", *where, "--to", "in_progress")
    ended = ("workflow", "step", ward.chart, "triage", *where, "--to", "completed", "--minutes", "500")
    said = ward.run(*ended, "--home", "tablet").out
    assert "Recorded" in said
    assert "Please check: the minutes that it took are more" in said
