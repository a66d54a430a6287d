"""Templates: what a document of a type begins with, and what it asks for before it is complete.

Owns the shape of a template, its limits, and the facts that a document begins with. What it asks for travels inside
the document, so that a device that never saw the template derives the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.checks import Problem
from edge_runtime.clinical.fractions import spread
from edge_runtime.clinical.layout import LAYOUT_VERSION, Kind, Status, WorkflowType
from edge_runtime.clinical.payloads import REQUIRES_MAX
from edge_runtime.clinical.workflows.requirements import FORM, Requirement, plain_words
from edge_runtime.facts import Fact
from sync_protocol.encoding import Value

STEPS_MAX: Final = 64
"""Steps of one template."""
NOT_STARTED_BY_TEMPLATE: Final = frozenset({WorkflowType.CHART, WorkflowType.INCIDENT})
"""Types that are no workflow of their own: one comes with its chart, the other is a register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStep:
    """A step that a document begins with.

    Attributes:
        key: by what the template names it; unique within it.
        name: what people call it.
        type: what sort of step it is.
        required: whether the document is complete only once it is completed.
        minutes: how long it should take.
    """

    key: str
    name: str
    type: str | None = None
    required: bool = False
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What a document begins with.

    Attributes:
        name: names the template, here and in the document.
        title: what people call the document, unless they say.
        workflow_type: what the document is for.
        steps: in their order.
        requires: what it asks for beside its required steps.
        minutes: how long all of it should take.
    """

    name: str
    title: str
    workflow_type: WorkflowType
    steps: tuple[TemplateStep, ...] = ()
    requires: tuple[Requirement, ...] = ()
    minutes: int | None = None


def facts_of(template: Template, *, title: str | None = None, start: bool = True) -> tuple[Fact, ...]:
    """The facts that a document begins with.

    Args:
        template: which.
        title: what people call the document; the template's, unless they say.
        start: whether work on it begins at once.
    """
    requires: list[Value] = [_requirement(one) for one in template.requires]
    header: dict[str, Value] = {
        "schema": LAYOUT_VERSION,
        "workflow_type": template.workflow_type.value,
        "title": title or template.title,
        "template": template.name,
    }
    if requires:
        header["requires"] = requires
    if template.minutes is not None:
        header["estimated_minutes"] = template.minutes
    facts = [Fact(kind=Kind.DOCUMENT, payload=header, supersedes=())]
    if start:
        facts.append(Fact(kind=Kind.STATUS, payload={"to": Status.ACTIVE.value}, supersedes=()))
    places = spread(len(template.steps))
    facts += [_step(step, fraction) for step, fraction in zip(template.steps, places, strict=True)]
    return tuple(facts)


def problems(template: Template) -> Iterator[Problem]:
    """What of a template could not be written into a document, or would ask for what nobody understands."""
    if template.workflow_type in NOT_STARTED_BY_TEMPLATE:
        yield Problem("workflow_type", "a type that is started by a template", template.workflow_type.value)
    for path, count, most in (
        ("steps", len(template.steps), STEPS_MAX),
        ("requires", len(template.requires), REQUIRES_MAX),
    ):
        if count > most:
            yield Problem(path, f"at most {most}", f"{count}")
            return
    for path, names in (
        ("steps[{}].key", [step.key for step in template.steps]),
        ("requires[{}].item", [one.item for one in template.requires]),
    ):
        for number, name in enumerate(names):
            if name in names[:number]:
                yield Problem(path.format(number), "a word that is used once", f"{name!r} again")
    for number, one in enumerate(template.requires):
        if plain_words(one.item) is None:
            yield Problem(f"requires[{number}].item", FORM, f"{one.item[:64]!r}")
    if not (template.steps or template.requires):
        yield Problem("steps", "a step, or something that is required", "neither")


def _requirement(one: Requirement) -> Value:
    return {"item": one.item, "text": one.text} if one.text else {"item": one.item}


def _step(step: TemplateStep, fraction: str) -> Fact:
    payload: dict[str, Value] = {"fraction": fraction, "name": step.name, "key": step.key}
    if step.type is not None:
        payload["type"] = step.type
    if step.minutes is not None:
        payload["estimated_minutes"] = step.minutes
    if step.required:
        payload["required"] = True
    return Fact(kind=Kind.STEP, payload=payload, supersedes=())
