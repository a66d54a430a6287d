"""What a skill is given of a document: its text as it would be signed, its scores, or how it stands.

Owns that choice, and that it is recorded as a reading before any of it goes to a model: a model that reads a chart is
somebody's reading. Refuses to give more than the device's user may see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.ai.skills.quality_rules import source_of as quality_source
from edge_runtime.ai.skills.risk_scores import source_of as risk_source
from edge_runtime.ai.skills.skill import SkillName, Source
from edge_runtime.audit.showing import open_to_show
from edge_runtime.audit.shown import Shown, shown_whole
from edge_runtime.clinical.canonical import canonical_text
from edge_runtime.clinical.draft_payloads import DraftPartKind
from edge_runtime.clinical.draft_reading import read_draft
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.layout import Section
from edge_runtime.clinical.scores.charted import trend
from edge_runtime.clinical.scores.patient import Patient, age_at
from edge_runtime.clinical.state_json import review_to_json
from edge_runtime.drafts.finding import frontier
from edge_runtime.errors import RefusedError
from edge_runtime.opened import OpenChart
from edge_runtime.workflows.report import report_of
from edge_runtime.workflows.report_json import need_json, quality_json
from sync_protocol.ids import ChartId, DocumentId, EntryHash

if TYPE_CHECKING:
    from edge_runtime.audit.acts import Auditor
    from edge_runtime.charts import Charts
    from edge_runtime.identity import Identity

SCORES: Final = ("news2", "qsofa", "gcs")
_NOTHING: Final[Mapping[str, Json]] = {}
_NO_OPTIONS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a skill is given of a chart.

    Attributes:
        source: for the skill.
        seen: the newest entries that it was made from: what `Drafts.record` wants to know.
    """

    source: Source
    seen: tuple[EntryHash, ...]


class Sources:
    """The documents of one device, as skills are given them."""

    def __init__(self, charts: Charts, auditor: Auditor, identity: Identity) -> None:
        """Read from `charts`, and record it by `auditor`."""
        self._charts = charts
        self._auditor = auditor
        self._identity = identity

    def of(
        self,
        chart: ChartId,
        document: DocumentId,
        skill: SkillName,
        *,
        options: Mapping[str, str] = _NO_OPTIONS,
        facts: Mapping[str, Json] = _NOTHING,
    ) -> Read:
        """What a skill is given of a document, recorded as read.

        Args:
            chart: where.
            document: where in it.
            skill: what for.
            options: of the skill, passed on.
            facts: what else it is given, passed on.

        Raises:
            RefusedError: no such chart or document, nothing of it may be read, or it has nothing that the skill works
                on.
            StoreError: the reading cannot be recorded.
        """

        def part(opened: OpenChart) -> Shown:
            opened.found(document)  # a document that is not there was not read
            return shown_whole(opened)

        opened = open_to_show(self._charts, self._auditor, chart, part=part)
        match skill:
            case SkillName.RISK:
                source = _scores(opened, document)
            case SkillName.QUALITY:
                source = _quality(opened, document, self._identity)
            case _:
                source = Source(text=_text(opened, document), options=options, facts=facts)
        # The text names allergies and medications of every document, so all of them were read.
        return Read(source=source, seen=frontier(opened, None))


def _text(opened: OpenChart, document: DocumentId) -> str:
    found, state = opened.found(document), opened.document(document)
    sections = {name: found.text(name).text for name in Section if name in found.texts}
    return canonical_text(state, sections, chart=opened.state)


def _scores(opened: OpenChart, document: DocumentId) -> Source:
    """The newest of each score that a full set of findings gives."""
    state = opened.document(document)
    last_ms = max((item.fact.wall_ms for item in state.observations), default=0)
    patient = Patient(age_years=age_at(opened.state.identity, last_ms))
    newest = [points[-1] for name in SCORES if (points := trend(name, state, patient=patient))]
    if not newest:
        raise RefusedError(
            "no_scores",
            expected="a document with the findings of a score, such as the seven of NEWS2",
            got="none that gives one",
            do="write what was measured, or hand in a result of 'fieldward score'",
        )
    return risk_source([one.result.to_json() for one in newest])


def _quality(opened: OpenChart, document: DocumentId, identity: Identity) -> Source:
    report = report_of(opened, document, identity.trust)
    told: dict[str, Any] = {
        "needs": [need_json(need) for need in report.completeness.needs],
        "reviews": [review_to_json(review) for review in report.state.reviews if review.open],
        "signed": report.signed.value,
        "quality": quality_json(report.quality),
    }
    # Advice alone, such as the last answer to this very question, waits for nobody.
    waiting = [read_draft(draft.fact.fact) for draft in report.state.drafts.waiting]
    undecided = sum(any(part.kind is not DraftPartKind.ADVICE for part in draft.parts) for draft in waiting)
    return quality_source(told, drafts_open=undecided)
