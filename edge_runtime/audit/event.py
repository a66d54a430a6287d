"""One line of the timeline: who did what, when, to which chart, and what kind of act an entry is.

Owns the event, its JSON form, and the kinds that are derived from content. It names fields, never what stands in them.
Those of control records: `controls`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.layout import Kind, Status, WorkflowType
from edge_runtime.facts import Content, Fact
from sync_protocol.audit import KINDS, AuditKind, AuditRecord, Purpose, Result, Risk, risk_of
from sync_protocol.ids import CertificateHash, ChartId, DeviceId, DocumentId, EntryHash, SessionId, StreamId, UserId
from sync_protocol.roles import Compartment, Role

READS: Final = frozenset({"data_accessed", "exported", "printed", "break_glass", "ai_training_data_collected"})
"""Kinds by which a person saw what stands in a chart."""
LISTINGS: Final = frozenset({"charts_listed", "charts_searched"})
"""Kinds by which a person saw that a chart is there, and its patient's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """An author, as the verified certificate says."""

    user: UserId
    role: Role
    device: DeviceId
    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class What:
    """An act, without its author, time and place.

    Attributes:
        readable: False where this device cannot open the entry: that it was written is all that it says.
        peer: the device concerned, other than the author's.
    """

    kind: AuditKind
    risk: Risk
    result: Result = Result.DONE
    purpose: Purpose | None = None
    fields: tuple[str, ...] = ()
    compartments: tuple[Compartment, ...] = ()
    charts: tuple[ChartId, ...] = ()
    documents: tuple[DocumentId, ...] = ()
    peer: CertificateHash | None = None
    count: int | None = None
    detail: tuple[tuple[str, str], ...] = ()
    checks: tuple[str, ...] = ()
    behalf: UserId | None = None
    readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the timeline.

    Attributes:
        wall_ms: the author's clock, in milliseconds since 1970.
        clock_doubted: that clock contradicts what the chains prove, or another clock.
        chart: the chart in whose streams the entry stands; None for a ledger or the organisation.
        ledger: whether it stands in a device's ledger.
        what: of a ledger's record, `what.charts` names the charts concerned.
        peer: the device whose certificate is `what.peer`, where that certificate is known here.
        witnessed: the relay receipted it. Until then its author's device could still lose or withhold it unnoticed.
        refused: why a control record does not count, in a word; None where it does, and for all else.
    """

    entry: EntryHash
    stream: StreamId
    seq: int
    wall_ms: int
    clock_doubted: bool
    who: Who
    what: What
    peer: DeviceId | None
    chart: ChartId | None
    ledger: bool
    witnessed: bool
    refused: str | None = None

    @property
    def title(self) -> str:
        """What was done, for people."""
        if self.ledger and self.what.kind.name == "chart_created":
            return "Started the device's ledger"
        if not self.what.readable and self.what.kind.name == "unknown":
            return "Something not readable here"
        return self.what.kind.title

    def concerns(self, chart: ChartId) -> bool:
        """Whether the act touched that chart."""
        return chart == self.chart or chart in self.what.charts

    def to_json(self) -> dict[str, object]:
        """The stable form for machines."""
        what, who = self.what, self.who
        return {
            "entry": str(self.entry),
            "stream": str(self.stream),
            "seq": self.seq,
            "wall_ms": self.wall_ms,
            "clock_doubted": self.clock_doubted,
            "user": str(who.user),
            "role": who.role.value,
            "device": str(who.device),
            "session": str(who.session),
            "kind": what.kind.name,
            "title": self.title,
            "action": what.kind.action,
            "risk": what.risk.name.lower(),
            "result": what.result.value,
            "purpose": None if what.purpose is None else what.purpose.value,
            "chart": None if self.chart is None else str(self.chart),
            "ledger": self.ledger,
            "charts": [str(chart) for chart in what.charts],
            "documents": [str(document) for document in what.documents],
            "fields": list(what.fields),
            "compartments": [compartment.name.lower() for compartment in what.compartments],
            "peer": None if what.peer is None else str(what.peer),
            "peer_device": None if self.peer is None else str(self.peer),
            "count": what.count,
            "detail": dict(what.detail),
            "checks": list(what.checks),
            "behalf": None if what.behalf is None else str(what.behalf),
            "readable": what.readable,
            "witnessed": self.witnessed,
            "refused": self.refused,
        }


def derived(name: str, **more: object) -> What:
    """An act that a content or control entry is the record of; `more` are attributes of What."""
    kind = KINDS[name]
    return What(kind=kind, risk=kind.risk, **more)  # type: ignore[arg-type] # checked where What is made


def recorded(record: AuditRecord) -> What:
    """What an audit record says."""
    return What(
        kind=record.kind,
        risk=risk_of(record),
        result=record.result,
        purpose=record.purpose,
        fields=record.fields,
        compartments=record.compartments,
        charts=record.charts,
        documents=record.documents,
        peer=record.peer,
        count=record.count,
        detail=record.detail,
        checks=record.checks,
        behalf=record.behalf,
    )


def written(content: Content | None, document: DocumentId, compartment: Compartment) -> What:
    """What a content entry says; None where this device cannot open it."""
    where = {"documents": (document,), "compartments": (compartment,)}
    if content is None:
        return derived("content_written", readable=False, **where)
    if content.text is not None:
        return derived("content_written", fields=(f"text.{content.text.section}",), **where)
    facts = content.facts or ()
    return derived(_workflow(facts), fields=tuple(sorted({fact.kind for fact in facts})), **where)


def _workflow(facts: Iterable[Fact]) -> str:
    """The kind of act that facts are: the furthest step of a workflow among them."""
    steps = {_step(fact) for fact in facts}
    names = ("workflow_completed", "workflow_step_completed", "workflow_started")
    return next((name for name in names if name in steps), "content_written")


def _step(fact: Fact) -> str | None:
    to = fact.payload.get("to")
    match fact.kind:
        case Kind.STATUS if to == Status.COMPLETED:
            return "workflow_completed"
        case Kind.STEP_EVENT if to == Status.COMPLETED:
            return "workflow_step_completed"
        case Kind.DOCUMENT if fact.payload.get("workflow_type") != WorkflowType.CHART and not fact.supersedes:
            return "workflow_started"
    return None
