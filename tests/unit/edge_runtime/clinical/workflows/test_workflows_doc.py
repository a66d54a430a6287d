"""What `docs/workflows.md` says of templates, words, weights, limits and events is what the program does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from edge_runtime import events
from edge_runtime.cli.workflow import workflow
from edge_runtime.clinical.payloads import MINUTES_MAX, NAME_CHARS_MAX, REQUIRES_MAX, TYPE_CHARS_MAX
from edge_runtime.clinical.workflows.builtin import TEMPLATES
from edge_runtime.clinical.workflows.durations import Clocks
from edge_runtime.clinical.workflows.quality import WEIGHTS
from edge_runtime.clinical.workflows.requirements import WORDS
from edge_runtime.clinical.workflows.template import STEPS_MAX
from edge_runtime.clinical.workflows.toml import _KEYS, _NEEDED, _REQUIRED, _STEP, TEMPLATE_BYTES_MAX, read_template
from edge_runtime.errors import InputError
from edge_runtime.workflows.announcing import ALERT_AGE_MS, LOOK_MS_MAX
from edge_runtime.workflows.work import DESPITE

TEXT = (Path(__file__).resolve().parents[5] / "docs" / "workflows.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())
EXAMPLE = re.split(r"```", TEXT.split("```toml\n", 1)[1])[0]


def table(first):
    """The rows of the table whose first column has this heading."""
    lines = TEXT[TEXT.index(f"| {first} |") :].splitlines()[2:]
    end = next(number for number, line in enumerate(lines) if not line.startswith("|"))
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in lines[:end]]


def quoted(cell):
    """The words between backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_template_is_described():
    """Its minutes, its steps in order with the required ones in bold, and what it asks for."""
    found = {}
    for name, minutes, steps, asks in table("template"):
        found[quoted(name)[0]] = (int(minutes), quoted(steps), re.findall(r"\*\*`([^`]+)`\*\*", steps), quoted(asks))
    assert found == {
        one.name: (
            one.minutes,
            [step.key for step in one.steps],
            [step.key for step in one.steps if step.required],
            [asked.item for asked in one.requires],
        )
        for one in TEMPLATES.values()
    }


def test_every_word_that_a_document_may_ask_for_is_described():
    """In the program's own words."""
    *rows, last = table("word")
    assert {quoted(word)[0]: what for word, what in rows} == dict(WORDS)
    assert quoted(last[0]) == ["observation:CODE"]


def test_every_key_of_a_file_is_described():
    """With whether it must be there; limits are those of the code."""
    found = {(quoted(key)[0], place): needed == "yes" for key, place, needed, _ in table("key")}
    expected = {(key, "template"): key in _NEEDED for key in _KEYS}
    for record, place in ((_STEP, "step"), (_REQUIRED, "requires")):
        expected |= {(key, place): key in record.required for key in (*record.required, *record.optional)}
    assert found == expected
    forms = {(quoted(key)[0], place): form for key, place, _, form in table("key")}
    assert forms["minutes", "step"] == f"a whole number from 1 to {MINUTES_MAX}"
    assert forms["name", "step"] == f"text of 1 to {NAME_CHARS_MAX} characters"
    assert forms["type", "step"] == f"text of 1 to {TYPE_CHARS_MAX} characters"
    assert forms["steps", "template"] == f"at most {STEPS_MAX}"
    assert forms["requires", "template"] == f"at most {REQUIRES_MAX}"
    assert f"at most {TEMPLATE_BYTES_MAX // 1024} KiB" in FLAT


def test_the_example_is_read_and_its_mistake_told_as_the_page_says():
    """Two steps, two things that it asks for; the error has the place that is quoted."""
    template = read_template(EXAMPLE.encode())
    assert [step.key for step in template.steps] == ["photo", "dress"]
    assert [one.item for one in template.requires] == ["section:assessment", "signed"]
    with pytest.raises(InputError) as raised:
        read_template(EXAMPLE.replace("minutes = 5", 'minutes = "5"').encode())
    assert f"`{raised.value.expected}`" in FLAT


def test_the_quality_rule_is_the_programs():
    """Every part with its weight."""
    assert {quoted(part)[0]: int(weight) for part, weight, *_ in table("part")} == WEIGHTS


def test_every_event_is_described_with_its_fields():
    """And nothing that is not."""
    for name, told, _ in table("event"):
        event = getattr(events, quoted(name)[0])
        assert quoted(told) == [field.name for field in fields(event)]
    assert {quoted(name)[0] for name, *_ in table("event")} == {
        *("ClinicalWorkflowStarted", "WorkflowStepCompleted", "WorkflowCompleted", "CriticalAlert")
    }


def test_what_the_page_says_in_its_sentences_holds():
    """The words before a reason, the words of clocks, how old an alert may be, how long a look takes, the commands."""
    assert f'the words "{DESPITE.strip()}"' in FLAT
    assert all(f"`{clocks}`" in FLAT for clocks in Clocks)
    assert f"the last {ALERT_AGE_MS // (24 * 60 * 60 * 1000)} days" in FLAT
    assert (LOOK_MS_MAX, "takes a second at most" in FLAT) == (1000, True)
    commands = set(re.findall(r"fieldward workflow ([a-z-]+)", TEXT))
    assert commands <= set(workflow.commands)
