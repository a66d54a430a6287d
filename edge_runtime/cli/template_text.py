"""A template on a terminal and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.output import say
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.clinical.workflows.template import Template


def template_json(template: Template) -> dict[str, Any]:
    """A template for machines."""
    return {
        "name": template.name,
        "title": template.title,
        "workflow_type": template.workflow_type.value,
        "minutes": template.minutes,
        "steps": [
            {
                "key": step.key,
                "name": step.name,
                "type": step.type,
                "required": step.required,
                "minutes": step.minutes,
            }
            for step in template.steps
        ],
        "requires": [{"item": one.item, "text": one.words} for one in template.requires],
    }


def print_template(template: Template) -> None:
    """A template for a person."""
    minutes = "" if template.minutes is None else f", about {template.minutes} minutes"
    kind = template.workflow_type.replace("_", " ")
    say(click.style(safe(template.title), bold=True) + f"  ({safe(template.name)}: {kind}{minutes})")
    for number, step in enumerate(template.steps, start=1):
        needed = "" if step.required else "  (if needed)"
        minutes = "" if step.minutes is None else f", {step.minutes} min"
        say(f"  {number:>2}  {safe(step.name)}{needed}   {safe(step.key)}{minutes}")
    if template.requires:
        say("  Complete once also:")
    for one in template.requires:
        say(f"      {safe(one.words)}   ({one.item})")
