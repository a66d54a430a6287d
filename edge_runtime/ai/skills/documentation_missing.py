"""What a note leaves open: no allergy status, a dose without a unit or a frequency, a problem without a plan.

Owns those rules, and which of them a section or a type of document asks for. Refuses to ask for content: whether a
finding should have been looked for is a clinician's judgement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge_runtime.ai.skills.drug_lines import DrugLine
from edge_runtime.ai.skills.headings import Under, headings
from edge_runtime.ai.skills.mentions import Phrases, read_words
from edge_runtime.ai.skills.problem_phrases import problem_phrases
from edge_runtime.ai.skills.remarks import Remark, RemarkKind, quoted
from edge_runtime.clinical.layout import Section, WorkflowType

PROBLEMS_MAX: Final = 8
"""Problems of one note about whose plan is asked."""
_PLANS: Final = frozenset({"plan", "assessment_plan"})
_ASSESSMENTS: Final = frozenset({"assessment", "assessment_plan"})
_PATIENTS: Final = frozenset(
    {
        WorkflowType.ENCOUNTER,
        WorkflowType.CONSULTATION,
        WorkflowType.TELEMEDICINE,
        WorkflowType.DISCHARGE,
        WorkflowType.PROCEDURE,
    }
)
"""Types of document that tell of a visit from its beginning to its end."""
_FORMLESS: Final = frozenset(
    {"units", "unit", "puff", "puffs", "tablet", "tablets", "tab", "tabs", "capsule", "capsules", "drop", "drops"}
)
_ALLERGIES: Final = Phrases([(said, True) for said in ("allerg*", "nkda", "nka", "intoleran*", "anaphyla*")])
_FOLLOW_UP: Final = Phrases(
    (said, True)
    for said in (
        *(
            "follow up",
            "followup",
            "f u",
            "review",
            "recheck",
            "re check",
            "return",
            "returns",
            "come back",
            "see again",
        ),
        *(
            "reassess*",
            "re evaluat*",
            "reevaluat*",
            "refer",
            "referral",
            "referred",
            "appointment",
            "call if",
            "see you",
        ),
        *("follow", "rtc", "admit", "admitted", "transfer*", "monitor*", "safety net*", "if worse", "if it gets worse"),
        *(
            "next visit",
            "next week",
            "tomorrow",
            "daily check",
            "watch",
            "hand over",
            "handed over",
            "repeat",
            "control",
        ),
    )
)
_PLANNED: Final = Phrases(
    (said, True)
    for said in (
        *("start", "starting", "begin", "prescribe*", "continue", "increase*", "decrease*", "order*", "arrange*"),
        *("refer", "referral", "admit", "discharge*", "i will", "we will", "plan", "advise*", "give", "take"),
    )
)


def missing(
    text: str, lines: tuple[DrugLine, ...], *, workflow: WorkflowType, section: Section | None
) -> Iterator[Remark]:
    """What is missing of a note.

    Args:
        text: the note, or one section of it.
        lines: its drugs.
        workflow: the type of its document.
        section: which section it is; None for a whole note.
    """
    yield from _doses(lines)
    if section is None and workflow in _PATIENTS:
        yield from _whole(text, workflow)
    elif section is Section.PLAN:
        yield from _no_follow_up(text)


def _doses(lines: tuple[DrugLine, ...]) -> Iterator[Remark]:
    asked: set[frozenset[str]] = set()
    for line in lines:
        if not line.given or not line.amounts:
            continue
        place = ((line.start, max(line.end, line.amounts[-1].end)),)
        if all(not amount.unit for amount in line.amounts):
            yield Remark(RemarkKind.MISSING, f"{line.said}: the dose has no unit.", place)
        elif not line.often and line.keys not in asked:
            asked.add(line.keys)
            yield Remark(RemarkKind.MISSING, f"{line.said}: it is not said how often.", place)


def _whole(text: str, workflow: WorkflowType) -> Iterator[Remark]:
    if not any(_ALLERGIES.within(read_words(text))):
        yield Remark(RemarkKind.MISSING, "Allergies are not mentioned, not even that none are known.")
    parts = headings(text)
    names = {part.name for part in parts}
    if names & (_PLANS | _ASSESSMENTS):
        yield from _by_headings(text, parts, names, workflow)
    elif not any(_PLANNED.within(read_words(text))):
        yield Remark(RemarkKind.MISSING, "No plan is named.")
    else:
        yield from _no_follow_up(text)


def _by_headings(text: str, parts: tuple[Under, ...], names: set[str], workflow: WorkflowType) -> Iterator[Remark]:
    plan = " \n".join(text[part.start : part.end] for part in parts if part.name in _PLANS)
    if not names & _ASSESSMENTS:
        yield Remark(RemarkKind.MISSING, "There is a plan, and no assessment.")
    if not plan.strip():
        yield Remark(RemarkKind.MISSING, "There is an assessment, and no plan.")
        return
    if "plan" in names:
        yield from _unplanned(text, plan)
    yield from _no_follow_up(plan)
    if workflow is WorkflowType.DISCHARGE and "medications" not in names:
        yield Remark(RemarkKind.MISSING, "A discharge without a list of medicines, not even that there are none.")


def _unplanned(text: str, plan: str) -> Iterator[Remark]:
    """Problems of the assessment of which the plan says no word, where it has fewer items than there are problems."""
    problems = [one for one in problem_phrases(text) if one.decided and not one.joint][:PROBLEMS_MAX]
    planned = {word.text for word in read_words(plan).words}
    items = [row for row in plan.replace(";", "\n").replace(". ", "\n").splitlines() if row.strip()]
    if len(items) >= len(problems):
        return
    for problem in problems:
        if planned.isdisjoint(problem.words):
            yield Remark(
                RemarkKind.MISSING,
                f"No plan is named for: {quoted(text, problem.start, problem.end)}.",
                ((problem.start, problem.end),),
            )


def _no_follow_up(plan: str) -> Iterator[Remark]:
    if plan.strip() and not any(_FOLLOW_UP.within(read_words(plan))):
        yield Remark(RemarkKind.MISSING, "No follow-up is named: who looks again, and when.")
