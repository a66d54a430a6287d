"""What `docs/clinical.md` says of kinds, reviews, limits and rules is what the program does; examples are played."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_runtime import facts
from edge_runtime.clinical import clock, draft_payloads, fractions, layout, payloads
from edge_runtime.clinical.layout import Kind, Priority, Section, SpecimenStatus, Status, Triage, WorkflowType, home
from edge_runtime.clinical.payloads import SCHEMAS
from edge_runtime.clinical.reviews import ReviewKind
from sync_protocol import blob_sealing
from sync_protocol.roles import RIGHTS
from tests.unit.edge_runtime.clinical.worlds import a_draft, fact, since

TEXT = (Path(__file__).resolve().parents[4] / "docs" / "clinical.md").read_text(encoding="utf-8")
CHARTS = {"aaaa": "aa" * 16, "bbbb": "bb" * 16}
_LAYOUT = (payloads, draft_payloads, layout)
_ROOMS = (payloads, layout, facts, clock, fractions, blob_sealing)


def section(title):
    """What stands under a heading, up to the next."""
    return re.split(r"(?m)^#+ ", TEXT.split(f"# {title}\n", 1)[1])[0]


def rows(title):
    """The cells of the table under a heading, without its head."""
    lines = [line.strip("| ").split(" | ") for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def plain(cell):
    """A cell without its quotes; None for none."""
    return None if cell in {"-", "none"} else cell.replace("`", "")


def kind_row(kind):
    """The row that a kind has by the code."""
    place, schema = home(kind), SCHEMAS.get(kind)
    keys = [] if schema is None else [schema.required, schema.optional]
    named = [", ".join(f"`{key}`" for key in part) or "-" for part in keys] or ["-", "-"]
    roles = ", ".join(str(role) for role, rights in RIGHTS.items() if kind in rights.writes)
    return [f"`{kind}`", place.name.lower() if place else "follows", *named, roles]


def test_kinds():
    """Every kind with its compartment, its keys and its roles, in the order of the layout."""
    assert rows("Kinds of fact") == [kind_row(kind) for kind in Kind]


def test_review_kinds():
    """Every kind of review, each once."""
    assert sorted(plain(row[0]) for row in rows("Reviews")) == sorted(map(str, ReviewKind))


def test_limits():
    """Every limit that the document names is that of the code, and none of the layout's is left out."""
    said = {plain(name): int(value.replace(",", "")) for name, value, *_ in rows("Limits")}
    sections = {f"{name} text": most for name, (_, most) in layout.SECTION_CHARS.items()}
    named = {name: value for room in _LAYOUT for name, value in vars(room).items() if name.endswith("_MAX")}
    beside = {"FACTS_MAX", "SUPERSEDES_MAX", "CLOCK_SKEW_MS", "LONG"}
    named |= {name: value for room in _ROOMS for name, value in vars(room).items() if name in beside}
    assert said == named | sections
    assert set(sections) == {f"{name} text" for name in Section}


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Status", [*Status]),
        ("Priority", [*Priority]),
        ("Triage", [*Triage]),
        ("Specimens", [*SpecimenStatus]),
        ("Charts and documents", [*WorkflowType]),
    ],
)
def test_words(title, words):
    """Lists of words stand in the order of the layout."""
    listed = re.search(r": ((?:`[a-z_]+`(?:,\s+)?)+)\.", section(title))
    assert listed is not None
    assert re.findall(r"`([a-z_]+)`", listed[1]) == words


RESULT = fact("observation", code="2951-2", text="Sodium", value="70")
STEP = fact("step", fraction="V", name="Blood")


def _medication(first, word):
    action, *dose = word.split()
    return fact("medication", first, text="Warfarin", action=action, **({"dose": dose[0]} if dose else {}))


def _allergy(first, word):
    key = "verification" if word == "refuted" else "severity"
    return fact("allergy", first, text="Latex", **{key: word})


def _casualty(_, word):
    number, chart = word.split()
    return fact("casualty", number=number, chart=CHARTS[chart])


EXAMPLES = {
    "Status": (fact("status", to="active"), lambda f, w: fact("status", f, to=w), lambda s: s.status.value),
    "Priority": (fact("priority", to="urgent"), lambda f, w: fact("priority", f, to=w), lambda s: s.priority.value),
    "Triage": (fact("triage", to="delayed"), lambda f, w: fact("triage", f, to=w), lambda s: s.triage.value),
    "Allergies": (fact("allergy", text="Latex"), _allergy, lambda s: s.allergies.items[0].severity),
    "Medications": (
        fact("medication", text="Warfarin", action="start", dose="5"),
        _medication,
        lambda s: s.medications[0].status,
    ),
    "Observations": (
        RESULT,
        lambda f, w: fact("observation", f, code="2951-2", text="Sodium", value=w, corrects=str(f.id)),
        lambda s: sum(not item.corrected_by for item in s.observations),
    ),
    "Diagnoses": (
        fact("diagnosis", text="Sepsis"),
        lambda f, w: fact("diagnosis", f, text="Sepsis", certainty=w),
        lambda s: s.diagnoses[0].certainty,
    ),
    "Steps": (STEP, lambda f, w: fact("step_event", step=str(f.id), to=w), lambda s: s.steps.items[0].status),
    "Specimens": (
        fact("specimen", specimen="A1", to="ordered"),
        lambda f, w: fact("specimen", f, specimen="A1", to=w),
        lambda s: s.specimens[0].status,
    ),
    "Validations": (
        RESULT,
        lambda f, w: fact("validation", observation=str(f.id), to=w),
        lambda s: s.validations[0].value,
    ),
    "Links": (
        fact("status", to="active"),
        lambda _, w: fact("link", relation=w, chart="aa" * 16),
        lambda s: s.links[0].stands,
    ),
    "Drafts": (
        a_draft(),
        lambda f, w: fact("draft_decision", draft=str(f.id), decision=w),
        lambda s: s.drafts.items[0].status,
    ),
    "The register": (fact("status", to="active"), _casualty, lambda s: len(s.register.items[0].charts)),
}
PLAYED = [(title, *row) for title in EXAMPLES for row in rows(title)]


@pytest.mark.parametrize("example", PLAYED, ids=" ".join)
@pytest.mark.parametrize("swapped", [False, True], ids=["as told", "swapped"])
def test_examples(example, swapped):
    """What two people say without knowledge of each other shows what the document says, whoever says which."""
    title, one, another, shown, review = example
    first, say, look = EXAMPLES[title]
    world, left, right, placed = since(first)
    words = [plain(another), plain(one)] if swapped else [plain(one), plain(another)]
    for writer, word in zip((left, right), words, strict=True):
        writer.write(say(placed, word))
    state = world.state()
    found = look(state)
    assert (None if found is None else str(found)) == plain(shown)
    assert [str(item.kind) for item in state.reviews] == ([] if plain(review) is None else [plain(review)])


def test_every_rule_has_its_examples():
    """A heading under Rules without a table is one of those that never ask a person between two."""
    rules = re.findall(r"(?m)^### (.+)$", TEXT.split("## Rules\n")[1].split("\n## ")[0])
    assert set(rules) - set(EXAMPLES) == {"Assignment and place", "Header and identity", "Clocks"}
