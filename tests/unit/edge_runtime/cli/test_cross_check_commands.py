"""Drugs beside allergies where a person prescribes and reads: `chart edit` asks, `chart show` shows, files print it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.edge_runtime.cli.world import World


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """An organisation with a tablet of a physician."""
    world.found()
    world.enrol("tablet", "physician")
    return world


def edit(chart: str, **fact: str) -> tuple[str, ...]:
    """The command that states a fact in the chart document."""
    return ("chart", "edit", chart, "--document", "chart", "--fact", json.dumps(fact), "--home", "tablet")


def test_a_drug_beside_an_allergy_asks_shows_and_prints(ward: World, tmp_path: Path):
    """The prescriber is asked and the drug is written; the chart shows the finding and what was not compared."""
    chart = ward.json("chart", "create", "--home", "tablet", "--name", "Ana Lima")["chart"]
    ward.json(*edit(chart, kind="allergy", text="Penicillin", severity="severe"))
    question = "Amoxicillin beside the allergy Penicillin: both penicillins, likely: is this meant?"
    assert (
        f"Please check: {question}" in ward.run(*edit(chart, kind="medication", text="Amoxicillin", action="start")).out
    )
    told = ward.json(*edit(chart, kind="medication", text="Warfarin", action="start"))
    assert (told["confirm"], told["questions"]) == (None, [])
    told = ward.json(*edit(chart, kind="allergy", text="Amoxicillin"))
    assert (told["confirm"], len(told["questions"])) == (told["questions"][0], 1)
    check = ward.json("chart", "show", chart, "--home", "tablet")["cross_check"]
    assert [(one["allergy"], one["degree"]) for one in check["found"]] == [
        ("Amoxicillin", "same"),
        ("Penicillin", "likely"),
    ]
    assert [one["text"] for one in check["not_covered"]] == ["Warfarin"]
    shown = " ".join(ward.run("chart", "show", chart, "--home", "tablet").out.replace("│", " ").split())
    assert "Amoxicillin beside the allergy Penicillin: both penicillins, likely Khan 2022" in shown
    assert "Not checked drugs beside allergies: not in the table: Warfarin" in shown
    page = tmp_path / "chart.html"
    ward.run("chart", "show", chart, "--html", str(page), "--home", "tablet")
    assert "Amoxicillin beside the allergy Penicillin: both penicillins, likely" in page.read_text("utf-8")


def test_a_question_cannot_move_the_cursor(ward: World):
    """Names in it are what somebody wrote: nothing of it reaches a terminal as a control."""
    chart = ward.json("chart", "create", "--home", "tablet")["chart"]
    ward.json(*edit(chart, kind="allergy", text="Penicillin \x1b[2J"))
    told = ward.run(*edit(chart, kind="medication", text="Amoxicillin", action="start")).out
    assert "Please check: " in told
    assert "\x1b" not in told


def test_no_known_latex_allergy_is_shown_as_what_it_says(ward: World):
    """Neither an allergy nor "none known": the words stand in the safety list."""
    chart = ward.json("chart", "create", "--home", "tablet")["chart"]
    ward.json(*edit(chart, kind="allergy", text="No known latex allergy"))
    told = ward.json("chart", "show", chart, "--home", "tablet")
    assert told["allergies"] == []
    assert "No known latex allergy" in json.dumps(told["no_known_allergies"])
    shown = ward.run("chart", "show", chart, "--home", "tablet").out
    assert "Allergy     nothing stated" in shown
    assert "Allergy     stated: No known latex allergy" in shown
