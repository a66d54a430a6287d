"""What `docs/scores.md` says of inputs, rules, tables and alerts is what the program does."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from edge_runtime.clinical.scores.alerts import LOOK_BACK_MS, RULES
from edge_runtime.clinical.scores.catalogue import SCALES, score
from edge_runtime.clinical.scores.charted import WINDOW_MS
from edge_runtime.clinical.scores.fields import DIGITS_MAX
from edge_runtime.clinical.scores.laboratory import ANALYTES, CHILD_END_YEARS
from edge_runtime.clinical.scores.lines import ID_CHARS_MAX, LINE_BYTES_MAX, answer
from edge_runtime.clinical.scores.scale import Form
from edge_runtime.clinical.scores.sources import SOURCES

TEXT = (Path(__file__).resolve().parents[5] / "docs" / "scores.md").read_text(encoding="utf-8")
HEADINGS = {"news2": "NEWS2", "qsofa": "qSOFA", "gcs": "GCS", "apgar": "Apgar", "start": "START"} | {
    "jumpstart": "JumpSTART",
    "salt": "SALT",
}


def section(title):
    """What stands under a heading, up to the next one."""
    return re.split(r"(?m)^#+ ", TEXT.split(f"# {title}\n", 1)[1])[0]


def table(text, first):
    """The rows of the table whose first column has this heading."""
    lines = text[text.index(f"| {first} |") :].splitlines()
    rows = lines[2:]
    end = next((number for number, line in enumerate(rows) if not line.startswith("|")), len(rows))
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[:end]]


@pytest.mark.parametrize("name", SCALES)
def test_inputs_and_rules(name):
    """Every input with its form, every rule with what it gives, in the program's order; for whom, and its source."""
    one, said = SCALES[name], section(HEADINGS[name])
    assert table(said, "input") == [[f"`{field.name}`", field.form, field.about] for field in one.fields]
    rules = [[f"`{name}.{word}`", rule.gives, rule.meaning] for word, rule in one.rules.items()]
    assert table(said, "rule") == rules
    assert one.whom in said
    assert one.source in said


def test_the_chart_of_news2():
    """Every value that the document's chart prints scores what its column says."""
    said = section("NEWS2")
    columns = [3, 2, 1, 0, 1, 2, 3]
    rows = table(said, " | ".join(map(str, columns)))
    normal: dict[str, object] = {
        "respiratory_rate": 15,
        "spo2": 97,
        "spo2_scale": 1,
        "on_oxygen": False,
        "systolic_bp": 120,
        "pulse": 70,
    }
    normal |= {"consciousness": "A", "temperature": 37}
    tried = 0
    for label, *cells in rows:
        name = label.split("`")[1]
        inputs = normal | ({"spo2_scale": int(label.split("scale ")[1][0])} if "scale" in label else {})
        inputs |= {"spo2": 90, "on_oxygen": "on oxygen" in label} if inputs["spo2_scale"] == 2 else {}
        for points, cell in zip(columns, cells, strict=True):
            for value in re.findall(r"[0-9.]+", cell):
                found = score("news2", inputs | {name: Decimal(value)})
                assert {part.name: part.points for part in found.parts}[name] == points, (label, value)
                tried += 1
    assert tried == 58
    assert len(rows) == 7


def test_keys_of_an_answer():
    """The keys that the program writes are those of the document, in its order."""
    keys = [row[0].strip("`") for row in table(TEXT, "key of an answer")]
    parts = score("gcs", {"eye": 4, "verbal": 5, "motor": 6}).to_json()
    category = score("start", {"walks": True}).to_json()
    incomplete = score("apgar", {"pulse": 1}).to_json()
    assert set(parts) | set(category) | set(incomplete) == set(keys)
    for written in (parts, category, incomplete):
        assert list(written) == [key for key in keys if key in written]


def test_errors():
    """Every error that a line may get is in the document, and no other; so is each of its parts."""
    lines = {
        "not_json": b"{",
        "duplicate_key": b'{"spo2": 1, "spo2": 2}',
        "line_too_long": b" " * (LINE_BYTES_MAX + 1),
        "unknown_input": b'{"x": 1}',
        "invalid_input": b'{"spo2": "x"}',
        "age": b'{"age_years": 3}',
        "pregnancy": b'{"pregnant": true}',
    }
    errors = {code: json.loads(answer(SCALES["news2"], line, 9).text)["error"] for code, line in lines.items()}
    assert {code: error["code"] for code, error in errors.items()} == {code: code for code in lines}
    clash = answer(SCALES["start"], b'{"breathing": true, "respiratory_rate": 0}', 9)
    assert json.loads(clash.text)["error"]["code"] == "contradiction"
    assert {row[0].strip("`") for row in table(TEXT, "code")} == {*lines, "contradiction"}
    keys = ", ".join(f'"{key}"' for key in errors["age"])
    assert '{"error": {' + keys + "}}" in TEXT


def test_the_example_scores():
    """The line that the document shows is scored as it stands."""
    example = re.search(r"```json\n(.+)\n```", TEXT)
    assert example is not None
    found = json.loads(answer(SCALES["news2"], example[1].encode(), 1).text)
    assert (found["id"], found["score"], found["rule"]) == (7, 6, "news2.medium")


def test_limits():
    """Numbers in the text are those of the program."""
    assert f"more than {LINE_BYTES_MAX} bytes" in TEXT
    assert f"at most {DIGITS_MAX} digits" in TEXT
    assert f"at most {ID_CHARS_MAX} characters" in TEXT
    assert f"within {WINDOW_MS // 60_000} minutes" in TEXT
    assert f"up to {LOOK_BACK_MS // 3_600_000} hours" in TEXT


def test_sources_in_a_chart():
    """Every input that a chart can give stands there with its codes, and no other."""
    rows = table(section("From a chart"), "input")
    assert {row[0].strip("`"): tuple(row[1].split(", ")) for row in rows} == {
        name: source.codes for name, source in SOURCES.items()
    }


def test_alerts_and_laboratory():
    """Rules with their severity, and the laboratory's table with codes, limits and units."""
    said = section("Critical alerts")
    assert table(said, "rule") == [[f"`{rule}`", severity.value] for rule, severity in RULES.items()]
    for one, row in zip(ANALYTES, table(said, "analyte"), strict=True):
        limits = [
            ""
            if limit is None
            else f"{limit}" + ("" if child is None else f" (under {CHILD_END_YEARS} years: {child})")
            for limit, child in ((one.low, one.child_low), (one.high, one.child_high))
        ]
        factors = ", ".join(f"{unit} x {factor}" for unit, factor in one.factors.items())
        assert row == [one.name, ", ".join(one.codes), *limits, one.unit, factors]


def test_every_score_has_its_section():
    """No score is left out, and each says what comes out of it."""
    assert set(HEADINGS) == set(SCALES)
    for name, one in SCALES.items():
        assert f"| rule | {'band' if one.form is Form.SCORE else 'category'} |" in section(HEADINGS[name])
