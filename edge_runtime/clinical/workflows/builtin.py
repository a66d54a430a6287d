"""The templates that come with the program, one for each workflow type.

Owns what each asks for. They follow ordinary practice and no law: an organisation that works otherwise writes its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.clinical.workflows.requirements import Requirement
from edge_runtime.clinical.workflows.template import Template, TemplateStep


def _step(key: str, name: str, type_: str, minutes: int, *, required: bool = True) -> TemplateStep:
    return TemplateStep(key=key, name=name, type=type_, minutes=minutes, required=required)


_SIGNED: Final = Requirement("signed", "The note is signed, and nothing was written since")
_DIAGNOSIS: Final = Requirement("kind:diagnosis", "At least one diagnosis is stated, if only a provisional one")
_COMPLAINT: Final = Requirement("section:complaint", "Why the patient came")
_ASSESSMENT: Final = Requirement("section:assessment", "What you think it is")
_PLAN: Final = Requirement("section:plan", "What is done about it, and when the patient comes again")

_ENCOUNTER: Final = Template(
    name="encounter",
    title="Encounter",
    workflow_type=WorkflowType.ENCOUNTER,
    minutes=30,
    steps=(
        _step("identify", "Check who the patient is", "safety", 1),
        _step("allergies", "Ask for allergies and medicines", "safety", 3),
        _step("vitals", "Measure vital signs", "measurement", 5),
        _step("history", "Take the history", "history", 8, required=False),
        _step("examine", "Examine the patient", "examination", 8, required=False),
    ),
    requires=(
        _COMPLAINT,
        Requirement("kind:observation", "Vital signs or findings are stated"),
        _ASSESSMENT,
        _PLAN,
        _DIAGNOSIS,
        _SIGNED,
    ),
)
_CARE_PLAN: Final = Template(
    name="care_plan",
    title="Care plan",
    workflow_type=WorkflowType.CARE_PLAN,
    minutes=45,
    steps=(
        _step("goals", "Agree on goals with the patient", "planning", 15),
        _step("measures", "Write down who does what, and when", "planning", 15),
        _step("review_date", "Set the date of the next review", "planning", 2),
        _step("explain", "Explain the plan to patient and family", "communication", 10, required=False),
    ),
    requires=(
        _DIAGNOSIS,
        Requirement("section:assessment", "Where the patient stands"),
        Requirement("section:plan", "Goals, measures and the next review"),
        Requirement("kind:assignment", "Who is responsible for the plan"),
        _SIGNED,
    ),
)
_CONSULTATION: Final = Template(
    name="consultation",
    title="Consultation",
    workflow_type=WorkflowType.CONSULTATION,
    minutes=40,
    steps=(
        _step("question", "Read the question and the chart", "preparation", 10),
        _step("see", "See the patient", "examination", 20),
        _step("answer", "Tell the answer to whoever asked", "communication", 5),
    ),
    requires=(
        Requirement("section:complaint", "The question that was asked"),
        Requirement("section:assessment", "The answer to it"),
        Requirement("section:plan", "What is advised"),
        _SIGNED,
    ),
)
_PROCEDURE: Final = Template(
    name="procedure",
    title="Procedure",
    workflow_type=WorkflowType.PROCEDURE,
    minutes=60,
    steps=(
        _step("consent", "Talk the procedure over; the patient agrees", "safety", 10),
        _step("sign_in", "Before it begins: patient, site, allergies, equipment", "safety", 3),
        _step("time_out", "Pause: everybody agrees on patient, site and procedure", "safety", 2),
        _step("perform", "Do it", "procedure", 30),
        _step("sign_out", "Count instruments, label specimens, say what is to be watched", "safety", 3),
        _step("observe", "Watch the patient afterwards", "observation", 30, required=False),
    ),
    requires=(
        Requirement("kind:procedure", "What was done, and when"),
        Requirement("section:objective", "How it went, and what was found"),
        Requirement("section:plan", "What is to be done and watched afterwards"),
        _SIGNED,
    ),
)
_LAB_ORDER: Final = Template(
    name="lab_order",
    title="Laboratory order",
    workflow_type=WorkflowType.LAB_ORDER,
    minutes=240,
    steps=(
        _step("order", "Order the examination", "order", 3),
        _step("collect", "Collect the specimen, and label it beside the patient", "specimen", 5),
        _step("send", "Send the specimen", "specimen", 30, required=False),
        _step("receive", "Receive the specimen in the laboratory", "specimen", 5),
        _step("result", "Enter the results", "result", 60),
        _step("validate", "A second person validates the results", "result", 10),
    ),
    requires=(
        Requirement("specimen:received", "Every specimen that was not rejected has reached the laboratory"),
        Requirement("kind:observation", "The results are entered"),
        Requirement("validation", "A second person validated every result"),
    ),
)
_DISCHARGE: Final = Template(
    name="discharge",
    title="Discharge",
    workflow_type=WorkflowType.DISCHARGE,
    minutes=40,
    steps=(
        _step("medicines", "Compare the medicines from before with those from now on", "safety", 10),
        _step("pending", "List results that are still to come, and who looks at them", "safety", 5),
        _step("teach", "Explain medicines and warning signs, until the patient repeats them", "communication", 10),
        _step("follow_up", "Arrange the next appointment", "planning", 5),
        _step("transport", "Arrange the way home", "planning", 5, required=False),
    ),
    requires=(
        _DIAGNOSIS,
        Requirement("section:history", "What happened during the stay"),
        Requirement("section:assessment", "How the patient leaves"),
        Requirement("section:plan", "What happens next, and what to come back for"),
        _SIGNED,
    ),
)
_TELEMEDICINE: Final = Template(
    name="telemedicine",
    title="Telemedicine",
    workflow_type=WorkflowType.TELEMEDICINE,
    minutes=20,
    steps=(
        _step("identify", "Check by two facts who the patient is", "safety", 1),
        _step("where", "Ask where the patient is, and for a number to call back", "safety", 1),
        _step("agree", "The patient agrees to be treated at a distance", "safety", 1),
        _step("talk", "Talk, and look", "history", 12),
        _step("warn", "Say when to come or call an ambulance", "safety", 2),
    ),
    requires=(
        _COMPLAINT,
        Requirement("kind:place", "Where the patient is"),
        Requirement("section:subjective", "What the patient says"),
        _ASSESSMENT,
        _PLAN,
        _SIGNED,
    ),
)
_FIELD_TRIAGE: Final = Template(
    name="field_triage",
    title="Field triage",
    workflow_type=WorkflowType.FIELD_TRIAGE,
    minutes=5,
    steps=(
        _step("triage", "Triage", "triage", 1),
        _step("save", "Stop bleeding, open the airway", "treatment", 2, required=False),
        _step("hand_over", "Hand over, with the tag", "communication", 1, required=False),
    ),
    requires=(
        Requirement("kind:triage", "A triage category is stated"),
        Requirement("kind:place", "Where the casualty is"),
    ),
)

TEMPLATES: Final[Mapping[WorkflowType, Template]] = MappingProxyType(
    {
        one.workflow_type: one
        for one in (
            *(_ENCOUNTER, _CARE_PLAN, _CONSULTATION, _PROCEDURE),
            *(_LAB_ORDER, _DISCHARGE, _TELEMEDICINE, _FIELD_TRIAGE),
        )
    }
)
"""By workflow type."""
