"""An organisation's own template: what is accepted, and what each mistake is told as, with its place."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.clinical.payloads import REQUIRES_MAX
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.clinical.workflows.builtin import TEMPLATES
from edge_runtime.clinical.workflows.requirements import WORDS, Requirement, plain_words
from edge_runtime.clinical.workflows.template import STEPS_MAX, Template, TemplateStep, facts_of, problems
from edge_runtime.clinical.workflows.toml import TEMPLATE_BYTES_MAX, line_of, read_template
from edge_runtime.errors import InputError

WHOLE = """\
name = "wound-check"
title = "Wundkontrolle ✓"
workflow_type = "encounter"
minutes = 15

# a comment
[[steps]]
key = "photo"
name = "Photograph the wound"
type = "examination"
required = true
minutes = 5

[[steps]]
key = "dress"
name = "Dress it"

[[requires]]
item = "section:assessment"
text = "What you think of the wound"

[[requires]]
item = "observation:8310-5"
"""


def refusal(source):
    """What is said of a file."""
    with pytest.raises(InputError) as raised:
        read_template(source.encode() if isinstance(source, str) else source)
    assert raised.value.code == "invalid_template"
    return raised.value


def test_a_whole_template_is_read():
    """Everything that a file may say."""
    assert read_template(WHOLE.encode()) == Template(
        name="wound-check",
        title="Wundkontrolle ✓",
        workflow_type=WorkflowType.ENCOUNTER,
        minutes=15,
        steps=(
            TemplateStep(key="photo", name="Photograph the wound", type="examination", required=True, minutes=5),
            TemplateStep(key="dress", name="Dress it"),
        ),
        requires=(
            Requirement("section:assessment", "What you think of the wound"),
            Requirement("observation:8310-5"),
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "place", "expected", "got"),
    [
        ('name = "wound-check"', "name = 5", "name (line 1)", "a word of 1 to 64", "a whole number"),
        ('"wound-check"', '"Wound check"', "name (line 1)", "a word of 1 to 64", "text of 11 characters"),
        ('title = "Wundkontrolle ✓"\n', "", "title", "to be stated", "nothing"),
        ('"encounter"', '"hologram"', "workflow_type (line 3)", "one of chart, encounter", "text of 8 characters"),
        ('"encounter"', '"incident"', "workflow_type (line 3)", "started by a template", "incident"),
        ('"encounter"', '"chart"', "workflow_type (line 3)", "started by a template", "chart"),
        ("minutes = 15", "minutes = 0", "minutes (line 4)", "from 1 to 1440", "a whole number"),
        ("minutes = 15", "minutes = 1.5", "minutes (line 4)", "from 1 to 1440", "a number with a fraction"),
        ("minutes = 15", "minuts = 15", "minuts (line 4)", "only the keys name, title", "'minuts'"),
        ("required = true", 'required = "yes"', "steps[0].required (line 11)", "true or false", "text of 3"),
        ("required = true", "requird = true", "steps[0].requird (line 11)", "only the keys key, name", "'requird'"),
        ('name = "Dress it"\n', "", "steps[1].name (line 14)", "to be stated", "nothing"),
        ('"Dress it"', '"  "', "steps[1].name (line 16)", "text of 1 to 255 characters", "text of 2 characters"),
        ('key = "dress"', 'key = "photo"', "steps[1].key (line 15)", "used once", "'photo' again"),
        ('"section:assessment"', '"section:mood"', "requires[0].item (line 19)", "section:NAME", "'section:mood'"),
        ('"section:assessment"', '"observation:8310-5"', "requires[1].item (line 23)", "used once", "again"),
        ('item = "observation:8310-5"', "", "requires[1].item (line 22)", "to be stated", "nothing"),
        ("[[requires]]", "[requires]", "line 22", "TOML", "something else at line 22"),
        ('title = "', "title = ", "line 2", "TOML", "something else at line 2, column 9"),
    ],
)
def test_each_mistake_is_told_with_its_place(old, new, place, expected, got):
    """Path and line, what was expected, what came, and what to correct."""
    assert old in WHOLE
    error = refusal(WHOLE.replace(old, new))
    assert place in f"{error.expected} {error.do}", error
    assert expected in error.expected, error
    assert got in error.got, error


@pytest.mark.parametrize(
    ("source", "expected", "got"),
    [
        (b"\xff\xfe", "UTF-8 text", "byte 0"),
        (b"x = '" + b"y" * TEMPLATE_BYTES_MAX + b"'", "at most 65536 bytes", "more"),
        (b"x = " + b"[" * 5000, "TOML", ""),
        (b'name = "a"\ntitle = "A"\nworkflow_type = "encounter"\nsteps = 5\n', "steps (line 4): a list", "a whole"),
        (b'name = "a"\ntitle = "A"\nworkflow_type = "encounter"\nsteps = [5]\n', "steps[0] (line 4): a map", "a whole"),
        (b'name = "a"\ntitle = "A"\nworkflow_type = "encounter"\n', "a step, or something that is required", "neither"),
        (b"", "name: to be stated", "nothing"),
        (b'"name" = "a"\n"title" = "A"\nworkflow_type = 3', "workflow_type (line 3)", "a whole number"),
    ],
)
def test_what_is_no_template_at_all_is_refused(source, expected, got):
    """Other bytes, too many, too deep, or with nothing in it."""
    error = refusal(source)
    assert expected in error.expected
    assert got in error.got


@pytest.mark.parametrize(("table", "row", "most"), [("steps", "key", STEPS_MAX), ("requires", "item", REQUIRES_MAX)])
def test_each_limit_is_named_when_it_is_reached(table, row, most):
    """As many as may be are read; one more is refused."""
    items = list(WORDS)[:1]

    def written(count):
        rows = [
            f'[[{table}]]\n{row} = "{items[0] if row == "item" and not number else f"observation:{number}"}"\n'
            + ('name = "x"\n' if row == "key" else "")
            for number in range(count)
        ]
        return 'name = "a"\ntitle = "A"\nworkflow_type = "encounter"\n' + "".join(rows)

    read_template(written(most).encode())
    error = refusal(written(most + 1))
    assert f"at most {most}" in error.expected
    assert error.got == str(most + 1)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_whatever_the_file_holds_it_is_read_or_refused(data):
    """No other error ends the command."""
    with suppress(InputError):
        read_template(data)


def test_a_line_is_found_or_left_out():
    """A plain look finds keys of tables; what it does not find has no line."""
    assert line_of(WHOLE, "steps[1].name") == 16
    assert line_of(WHOLE, "steps[1].minutes") == 14
    assert line_of(WHOLE, "steps[7].name") == 7
    assert line_of(WHOLE, "nowhere") is None
    assert line_of(WHOLE, "a.b.c") is None


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_template_of_the_program_is_in_order(kind):
    """Its facts are valid, every word it asks for is known, and it is found under its type."""
    template = TEMPLATES[kind]
    assert list(problems(template)) == []
    assert (template.workflow_type, template.name) == (kind, kind.value)
    for made in facts_of(template):
        validate_fact(made)
    assert all(plain_words(one.item) and one.text for one in template.requires)


def test_every_workflow_type_that_is_worked_through_has_a_template():
    """All but the chart document and the register of an incident."""
    assert set(TEMPLATES) == set(WorkflowType) - {WorkflowType.CHART, WorkflowType.INCIDENT}


def test_a_document_may_begin_later_and_under_another_title():
    """Then nothing says that work has begun."""
    template = TEMPLATES[WorkflowType.FIELD_TRIAGE]
    assert [one.kind for one in facts_of(template)][:2] == ["document", "status"]
    later = facts_of(template, title="Tag 17", start=False)
    assert "status" not in {one.kind for one in later}
    assert later[0].payload["title"] == "Tag 17"
