"""What a document says, once its facts were derived: a value that is the same wherever the facts are the same.

Owns the shape of that value and the questions that one may put to it. How it comes about, `document` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.allergies import AllergyList
from edge_runtime.clinical.casualties import Register
from edge_runtime.clinical.checks import Problem
from edge_runtime.clinical.diagnoses import Diagnosis
from edge_runtime.clinical.drafts import DraftList
from edge_runtime.clinical.layout import Kind, WorkflowType
from edge_runtime.clinical.links import Link
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.placing import Placing
from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.clinical.specimens import Specimen
from edge_runtime.clinical.standing import Unverified, unsettled
from edge_runtime.clinical.status import PriorityState, StatusState
from edge_runtime.clinical.steps import StepList
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.triage import TriageState
from edge_runtime.clinical.validations import Release
from edge_runtime.clinical.vitals import Observation
from edge_runtime.facts import FactId, PlacedFact
from sync_protocol.ids import DocumentId

_ALLERGY_REVIEWS: Final = frozenset({ReviewKind.ALLERGY_REFUTED, ReviewKind.ALLERGY_NONE_KNOWN})


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact for which this version has no further rule than supersession.

    Attributes:
        fact: what was stated.
        superseded_by: the facts that replace it; empty for one that stands.
    """

    fact: PlacedFact
    superseded_by: tuple[FactId, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A fact of a known kind that this version cannot use; it hides and lowers nothing.

    Attributes:
        fact: what was stated.
        problem: what is wrong with it.
    """

    fact: PlacedFact
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentState:
    """What a document says.

    Attributes:
        document: its id.
        headers: its `document` facts; the last that stands gives type and title.
        identity: the patient as stated; several that stand are all shown.
        status: where it stands.
        priority: how urgent it is.
        triage: how soon the patient is treated.
        assignment: who it is for.
        place: where it is.
        allergies: the allergy list.
        medications: the medication list, by first mention.
        problems: every statement of a diagnosis, by first mention.
        diagnoses: the same, by what they are about.
        procedures: what was done.
        observations: vital signs and findings, corrected ones included.
        steps: what is to be done, in order.
        specimens: what was drawn, by first mention.
        validations: whether results were released, by first mention.
        links: what is said of other charts and documents.
        register: the casualties of an incident.
        attachments: files that belong to it, replaced ones included.
        signatures: what claims to be signed; `signing` judges it.
        reviews: what a person must decide or has decided, by id.
        decisions: the decisions themselves.
        drafts: what was proposed, and what somebody made of it; nothing of it is in anything above.
        unreadable: facts that this version cannot use.
        others: facts that no rule of this version reads: unknown kinds, and what an import could not map.
        unverified: quarantined facts that stay visible; they are in nothing above but reviews.
        withheld: the other quarantined facts.
        newer_layout: a header says that a newer version wrote here: there may be more than this version understands.
    """

    document: DocumentId
    headers: tuple[Statement, ...]
    identity: tuple[Statement, ...]
    status: StatusState
    priority: PriorityState
    triage: TriageState
    assignment: Placing
    place: Placing
    allergies: AllergyList
    medications: tuple[Medication, ...]
    problems: tuple[Statement, ...]
    diagnoses: tuple[Diagnosis, ...]
    procedures: tuple[Statement, ...]
    observations: tuple[Observation, ...]
    steps: StepList
    specimens: tuple[Specimen, ...]
    validations: tuple[Release, ...]
    links: tuple[Link, ...]
    register: Register
    attachments: tuple[Statement, ...]
    signatures: tuple[Statement, ...]
    reviews: tuple[Review, ...]
    decisions: tuple[PlacedFact, ...]
    drafts: DraftList
    unreadable: tuple[Unreadable, ...]
    others: tuple[PlacedFact, ...]
    unverified: tuple[Unverified, ...]
    withheld: tuple[PlacedFact, ...]
    newer_layout: bool

    @property
    def workflow_type(self) -> WorkflowType | None:
        """What the document is for; None while nothing says so."""
        found = self._header("workflow_type")
        return WorkflowType(found) if found else None

    @property
    def title(self) -> str | None:
        """What people call it."""
        return self._header("title")

    @property
    def allergies_incomplete(self) -> bool:
        """Whether the allergy list must not be relied on as complete."""
        return (
            lacks(Kind.ALLERGY, self.unreadable)
            or unsettled(Kind.ALLERGY, self.unverified, self.reviews)
            or any(review.open and review.kind in _ALLERGY_REVIEWS for review in self.reviews)
        )

    @property
    def medications_incomplete(self) -> bool:
        """Whether the medication list must not be relied on as complete."""
        return (
            lacks(Kind.MEDICATION, self.unreadable)
            or unsettled(Kind.MEDICATION, self.unverified, self.reviews)
            or any(item.disputed for item in self.medications)
        )

    def _header(self, key: str) -> str | None:
        standing = [said(header.fact.fact, key) for header in self.headers if not header.superseded_by]
        return standing[-1] if standing else None


def lacks(kind: Kind, unreadable: Iterable[Unreadable]) -> bool:
    """Tell whether a list of `kind` lacks what could not be read."""
    return any(item.fact.fact.kind == kind for item in unreadable)
