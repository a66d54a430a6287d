"""What a note lacks, contradicts, or gives in a wrong unit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills.documentation import SKILL, remarks
from edge_runtime.ai.skills.remarks import RemarkKind
from edge_runtime.ai.skills.skill import PARTS_MAX, PartKind, Source
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.ai.skills.random_answers import answers, reply

FACTS = EngineFacts(engine="test", model="test", digest="", context_tokens=4096)
GOOD = """Subjective: 61-year-old woman with burning on passing urine for 3 days. No fever. NKDA.
Objective: Temperature 37.1 C, pulse 82, BP 128/76, SpO2 98%, weight 71 kg, height 168 cm, glucose 5.4 mmol/l.
Assessment: Acute cystitis.
Plan: Nitrofurantoin 100 mg twice a day for 5 days. Review in 7 days."""
BAD = Source(
    text="""Subjective: 54-year-old man. No fever. Left knee pain. Allergic to penicillin.
Objective: T 39.2 C, BP 80/120, weight 172 kg, height 70 cm.
Assessment: Pneumonia. Osteoarthritis of the right knee.
Plan: amoxicillin 500 three times daily. Levothyroxine 50 mg daily."""
)
ASK = SKILL.ask(BAD, FACTS, ())


def said(text, **source):
    """The rules' remarks on a text, without what a fragment lacks of a whole note."""
    found = remarks(Source(text=text, options={"section": "objective", **source.pop("options", {})}, **source))
    return [(one.kind, one.text) for one in found]


def words(text, **source):
    """The same, in words alone."""
    return " ".join(text for _, text in said(text, **source))


def test_a_good_note_has_no_remarks():
    """Nothing is found where nothing is wrong; it is said that this proves little."""
    sketch = SKILL.sketch(Source(text=GOOD), ())
    assert sketch.parts == ()
    assert any("may still lack" in one for one in sketch.warnings)


def test_a_bad_note():
    """Contradictions first, then units, then what is missing; each cites its words."""
    sketch = SKILL.sketch(BAD, ())
    kinds = [part.notes[0].partition(":")[0] for part in sketch.parts]
    assert kinds == sorted(kinds, key=["contradiction", "unit", "missing"].index)
    text = " ".join(part.text for part in sketch.parts)
    for told in ("amoxicillin beside", "fever", "knee", "diastolic", "Weight and height", "micrograms", "no unit"):
        assert told in text
    cited = {BAD.text[one.source_start : one.source_end] for part in sketch.parts for one in part.citations}
    assert {"amoxicillin", "penicillin", "T 39.2 C", "BP 80/120", "Left knee", "right knee"} <= cited
    assert any("No model" in one for one in sketch.warnings)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("No fever. Temp 39.2 C", "temperature of fever"),
        ("Afebrile, temperature 102 F", "temperature of fever"),
        ("No tachycardia. HR 130", "heart rate above 100"),
        ("not hypoxic, sats 82%", "saturation below 90"),
        ("denies hypotension; BP 80/50", "pressure below 90"),
        ("Allergic to penicillin. Amoxicillin 500 mg twice daily", "beside the allergy"),
        ("NKDA. Allergic to ibuprofen.", "No known allergies"),
        ("54-year-old man. The 45 year old patient", "Two ages"),
        ("54-year-old man, 20 weeks pregnant", "does not fit the patient's sex"),
        ("61-year-old woman with prostate cancer", "does not fit the patient's sex"),
        ("Weight 71 kg. Weight 82 kg.", "given twice"),
        ("Metformin 500 mg daily. Metformin 850 mg daily.", "two different doses"),
        ("Subjective: left ear pain\nAssessment: otitis of the right ear", "once the left"),
    ],
)
def test_contradictions(text, told):
    """What cannot both be true is shown with both places."""
    assert told in words(text)


@pytest.mark.parametrize(
    "text",
    [
        "No fever. Temp 37.2 C",
        "Fever. Temp 39.2 C",
        "No fever at home. Mother had fever.",
        "Allergic to penicillin. Avoid amoxicillin. Azithromycin 500 mg once daily",
        "Allergic to penicillin. Paracetamol 1 g daily",
        "BP 150/90, repeat 140/85 later",
        "BP 150/90. After rest BP 140/85",
        "Metformin 500 mg daily, increase to metformin 850 mg daily",
        "54-year-old man. The 54 year old patient",
        "54-year-old woman, 20 weeks pregnant",
        "54-year-old man; wife is not pregnant",
        "Right arm 5/5, left arm 3/5.",
        "Both knees painful, left knee more",
    ],
)
def test_what_is_no_contradiction(text):
    """Changes over time, comparisons of sides, and what agrees stay unremarked."""
    assert RemarkKind.CONTRADICTION not in [kind for kind, _ in said(text)]


def test_the_charts_age_and_sex():
    """What the chart knows is compared as well."""
    assert "another than the chart's" in words("54-year-old man", facts={"age_years": 45})
    assert "sex is another" in words("54-year-old man", facts={"sex": "female"})
    assert "does not fit" in words("She is pregnant", facts={"sex": "male"})
    assert not said("54-year-old man", facts={"age_years": 54, "sex": "male"})
    assert not said("54-year-old man, prostate exam", facts={"sex": "unknown"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("temp 98.6 C", "It would fit Fahrenheit"),
        ("temperature 37.2 fahrenheit", "It would fit Celsius"),
        ("temperature 7", "plausible in no unit"),
        ("HR 400", "heart rate is outside"),
        ("BP 80/120", "swapped"),
        ("BP 130/10", "diastolic blood pressure is outside"),
        ("glucose 120 mmol/l", "It would fit mg/dL"),
        ("weight 900 kg", "weight is outside"),
        ("weight 900 lb", "weight is outside"),
        ("height 1.7 cm", "height is outside"),
        ("weight 172 kg, height 70 cm", "do not fit each other"),
        ("levothyroxine 50 mg daily", "micrograms rather than mg"),
        ("digoxin 125 mg daily", "micrograms rather than mg"),
        ("ibuprofen 400 mcg daily", "milligrams rather than micrograms"),
        ("amoxicillin 500 g daily", "milligrams rather than grams"),
        ("amoxicillin 500 grams daily", "milligrams rather than grams"),
        ("ibuprofen 400 micrograms daily", "milligrams rather than micrograms"),
        ("levothyroxine 50 milligrams daily", "micrograms rather than mg"),
    ],
)
def test_units(text, told):
    """A value that its unit does not allow is asked about, and the unit that it would fit is named."""
    assert told in words(text)
    assert RemarkKind.UNIT in [kind for kind, _ in said(text)]


@pytest.mark.parametrize(
    "text",
    [
        "temp 37.2 C, HR 72, RR 16, BP 120/80, SpO2 97%",
        "temperature 98.6 F",
        "weight 71 kg, height 1.68 m",
        "weight 156 lb, height 66 in",
        "weight 3200 g, height 5 ft",
        "levothyroxine 50 mcg daily",
        "ibuprofen 400 mg daily",
        "amoxicillin 1 g daily",
        "vitamin D 1000 units daily",
    ],
)
def test_what_is_plausible_is_not_asked_about(text):
    """Whatever system of units."""
    assert RemarkKind.UNIT not in [kind for kind, _ in said(text)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Temperature 38.6", "temperature has no unit"),
        ("Weight 71", "weight has no unit"),
        ("glucose 7.2", "blood glucose has no unit"),
        ("amoxicillin 500 three times daily", "the dose has no unit"),
        ("Start ibuprofen 400 mg.", "not said how often"),
    ],
)
def test_missing_units_and_frequencies(text, told):
    """A figure alone is no dose and no measurement."""
    assert told in words(text)


@pytest.mark.parametrize(
    "text",
    [
        "amoxicillin for 7 days",
        "ibuprofen 400 mg every 6 hours",
        "ibuprofen 400 mg PRN",
        "Morphine 5 mg given",
        "Gave adrenaline 500 micrograms",
        "Stop ibuprofen 400 mg",
        "Amoxicillin caused a rash at age 2",
        "BP 120/80, pulse 72",
    ],
)
def test_doses_that_are_complete_or_none(text):
    """What was given once, is stopped, or is no dose is not asked about."""
    assert not said(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Cough. Start rest. Review in 2 days.", "Allergies are not mentioned"),
        ("NKDA. Cough for 3 days.", "No plan is named."),
        ("NKDA. Cough. I will prescribe fluids.", "No follow-up"),
        ("NKDA\nAssessment: cough", "no plan"),
        ("NKDA\nPlan: rest, review in 2 days", "no assessment"),
        ("NKDA\nAssessment: cough\nPlan: rest", "No follow-up"),
        (
            "NKDA\nAssessment: pneumonia. Hypertension. Gout.\nPlan: antibiotics for pneumonia, review tomorrow",
            "No plan is named for: Hypertension.",
        ),
    ],
)
def test_what_a_whole_note_lacks(text, told):
    """Allergy status, assessment, plan, a plan for each problem, follow-up."""
    assert told in " ".join(one.text for one in remarks(Source(text=text)))


def test_what_is_asked_depends_on_document_and_section():
    """A laboratory order needs no follow-up; a plan does; a discharge needs its medicines."""
    text = "NKDA\nAssessment: cough\nPlan: rest"
    assert not remarks(Source(text=text, options={"workflow": "lab_order"}))
    assert "No follow-up" in remarks(Source(text="Rest at home.", options={"section": "plan"}))[0].text
    assert not remarks(Source(text="Rest at home.", options={"section": "history"}))
    discharge = remarks(Source(text=text, options={"workflow": "discharge"}))
    assert any("list of medicines" in one.text for one in discharge)


def test_a_models_remarks_follow_the_rules():
    """Each marked as the model's, checked against the note, with its kind."""
    added = [
        {"kind": "missing", "text": "The duration of the left knee pain is not given."},
        {"kind": "other", "text": "Give ibuprofen 400 mg."},
        {"kind": "other", "text": "Nothing serious, can wait."},
        {"kind": "other", "text": "Not documented."},
    ]
    sketch = SKILL.sketch(BAD, (reply({"remarks": added, "completion": "Knee: range ___. Can wait."}),))
    own = {part.name: part for part in sketch.parts if not part.name.startswith("remarks.")}
    assert list(own) == ["added.1", "added.2", "completion.1"]
    assert own["added.1"].unsupported == ()
    assert own["added.2"].unsupported
    assert own["completion.1"].text == "Knee: range ___."
    assert sketch.fields["completion"] == "Knee: range ___."
    assert SKILL.ask(BAD, FACTS, (reply({}),)) is None
    denied = [{"kind": "other", "text": "The patient has no knee pain."}]
    (marked,) = [
        part
        for part in SKILL.sketch(BAD, (reply({"remarks": denied, "completion": "Not documented."}),)).parts
        if part.name == "added.1"
    ]
    assert [one.kind for one in marked.unsupported] == ["negation"]
    assert "amoxicillin beside" in ASK.prompt


@pytest.mark.campaign
@settings(max_examples=25)
@given(answers(ASK))
def test_whatever_a_model_says_it_is_advice(answer):
    """Random answers, whole and cut: the rules' remarks stand first and unchanged; nothing has a section."""
    try:
        sketch = SKILL.sketch(BAD, (answer,))
    except EngineError:
        assert answer.cut
        return
    ruled = SKILL.sketch(BAD, ()).parts
    assert sketch.parts[: len(ruled)] == ruled
    assert len(sketch.parts) <= PARTS_MAX
    assert len({part.name for part in sketch.parts}) == len(sketch.parts)
    for part in sketch.parts:
        assert part.kind is PartKind.ADVICE
        assert part.section == ""
        assert part.proposes is None


@pytest.mark.campaign
@settings(max_examples=25)
@given(st.text(min_size=1, max_size=400))
def test_any_note_is_read(text):
    """Whatever stands in it: places lie within it."""
    for one in remarks(Source(text=text)):
        assert one.text
        for start, end in one.places:
            assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    "source",
    [
        Source(text=""),
        Source(text="x", options={"workflow": "made_up"}),
        Source(text="x", options={"section": "made_up"}),
        Source(text="x", options={"other": "x"}),
        Source(text="x", facts={"age_years": -1}),
        Source(text="x", facts={"age_years": True}),
        Source(text="x", facts={"age_years": "54"}),
        Source(text="x", facts={"sex": "man"}),
        Source(text="x", facts={"sex": 1}),
    ],
)
def test_what_is_refused(source):
    """Empty texts, unknown options, facts of another form."""
    with pytest.raises(InputError):
        SKILL.check(source)
