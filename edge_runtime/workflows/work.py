"""Workflows as a person goes through them: begun from a template, step by step, to their completion.

Owns the way from a command to facts in one change, and the check before a document is completed. What a document lacks,
how long it took and how well it is kept, `clinical.workflows` says. Refuses to complete what is not complete, unless
somebody says why; the reason stands in the document for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge_runtime.charts import Charts
from edge_runtime.clinical.fractions import arrange
from edge_runtime.clinical.layout import Kind, Status, StepStatus, Validation
from edge_runtime.clinical.payloads import REASON_CHARS_MAX, SCHEMAS
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.steps import Step
from edge_runtime.clinical.workflows.durations import contradiction, step_contradiction
from edge_runtime.clinical.workflows.template import Template, facts_of
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Fact, FactId
from edge_runtime.identity import Clock, Identity
from edge_runtime.opened import OpenChart
from edge_runtime.permissions import check_consent
from edge_runtime.workflows.report import Report, report_of
from sync_protocol.encoding import Value
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId

DESPITE: Final = "Completed despite what lacks: "
"""Before the reason that stands in the document."""


class Workflows:
    """The workflows of one device."""

    def __init__(self, charts: Charts, identity: Identity, clock: Clock) -> None:
        """Work on `charts` as `identity`; `clock` only asks questions about times."""
        self._charts = charts
        self._identity = identity
        self._clock = clock

    def report(self, opened: OpenChart, document: DocumentId) -> Report:
        """How a document stands.

        Raises:
            RefusedError: no such document.
        """
        return report_of(opened, document, self._identity.trust)

    def begin(
        self, chart: ChartId, template: Template, *, title: str | None = None, start: bool = True
    ) -> tuple[DocumentId, tuple[VerifiedEntry, ...]]:
        """Begin a document from a template, in one change.

        Args:
            chart: where.
            template: what it begins with.
            title: what people call it; the template's unless they say.
            start: whether work on it begins at once.

        Raises:
            RefusedError: no such chart, this device is no member of it, its role opens no documents, or the patient
                does not permit it.
            InputError: the title is too long.
        """
        opened = self._charts.open(chart)
        check_consent(chart, opened.lacks)
        batch = self._charts.recorder.begin()
        document = self._charts.begin_document(batch, chart, facts_of(template, title=title, start=start))
        entries = self._charts.recorder.write(batch)
        self._charts.written(chart)
        return document, entries

    def state_step(
        self,
        chart: ChartId,
        document: DocumentId,
        step: FactId,
        to: StepStatus,
        *,
        minutes: int | None = None,
        grade: int | None = None,
        note: str | None = None,
    ) -> tuple[tuple[VerifiedEntry, ...], str | None]:
        """State how far a step is.

        Args:
            chart: where.
            document: where in it.
            step: which.
            to: how far it is now.
            minutes: how long it took.
            grade: how well it went, 0 to 100.
            note: what there is to say.

        Returns:
            The entries, and what to ask about the times; None where nothing needs asking.

        Raises:
            RefusedError, InputError: as for `Charts.add_facts`.
        """
        known = self._charts.open(chart).document(document).steps.of(step)
        stated = {"quality": grade, "actual_minutes": minutes, "note": note}
        payload: dict[str, Value] = {"step": str(step), "to": to.value}
        payload |= {key: value for key, value in stated.items() if value is not None}
        entries = self._charts.add_facts(chart, document, [_fact(Kind.STEP_EVENT, payload)])
        asked = None if known is None else step_contradiction(known, minutes=minutes, now_ms=self._clock())
        return entries, asked

    def add_step(
        self, chart: ChartId, document: DocumentId, payload: Mapping[str, Value], *, place: int | None = None
    ) -> tuple[VerifiedEntry, ...]:
        """Add a step.

        Args:
            chart: where.
            document: where in it.
            payload: of the step, without its place.
            place: how many steps stand before it; None for all of them.

        Raises:
            RefusedError, InputError: as for `Charts.add_facts`.
        """
        steps = self._charts.open(chart).document(document).steps.items
        before = len(steps) if place is None else place
        made = arrange([step.fraction for step in steps], before)
        new = _fact(Kind.STEP, {**payload, "fraction": made.fraction})
        moved = [_moved(steps[number], fraction) for number, fraction in made.moves.items()]
        return self._charts.add_facts(chart, document, [new, *moved])

    def move_step(self, chart: ChartId, document: DocumentId, step: FactId, *, place: int) -> tuple[VerifiedEntry, ...]:
        """Move a step.

        Args:
            chart: where.
            document: where in it.
            step: which; a step of the document.
            place: how many of the other steps stand before it then.

        Raises:
            RefusedError, InputError: as for `Charts.add_facts`.
        """
        listed = self._charts.open(chart).document(document).steps
        moving = listed.of(step)
        if moving is None:
            raise InputError("step", expected="a step of this document", got="another", do="see 'workflow show'")
        others = [one for one in listed.items if one.id != moving.id]
        made = arrange([one.fraction for one in others], place)
        moved = [_moved(others[number], fraction) for number, fraction in made.moves.items()]
        return self._charts.add_facts(chart, document, [_moved(moving, made.fraction), *moved])

    def validate(
        self, chart: ChartId, document: DocumentId, observation: FactId, to: Validation, *, reason: str | None = None
    ) -> tuple[VerifiedEntry, ...]:
        """State of a result that it may be relied upon, or not.

        Raises:
            RefusedError, InputError: as for `Charts.add_facts`; or somebody would validate what they entered.
        """
        opened = self._charts.open(chart)
        state = opened.document(document)
        author = next((item.fact.author for item in state.observations if item.fact.id == observation), None)
        if to is Validation.VALIDATED and author is not None and author.user == self._identity.certificate.user:
            raise RefusedError(
                "own_result",
                expected="somebody else than who entered the result",
                got="the same person",
                do="ask a colleague to validate it on their device",
            )
        payload: dict[str, Value] = {"observation": str(observation), "to": to.value}
        return self._charts.add_facts(
            chart, document, [_fact(Kind.VALIDATION, payload | ({"reason": reason} if reason else {}))]
        )

    def complete(
        self, chart: ChartId, document: DocumentId, *, despite: str | None = None
    ) -> tuple[tuple[VerifiedEntry, ...], str | None]:
        """Complete a document that lacks nothing, or whatever lacks, for a reason.

        Args:
            chart: where.
            document: where in it.
            despite: why it is completed although something lacks.

        Returns:
            The entries, and what to ask about the times; None where nothing needs asking.

        Raises:
            RefusedError: something lacks and no reason is given, it is completed already or was cancelled, or as for
                `Charts.add_facts`.
            InputError: no reason, or too long a one.
        """
        opened = self._charts.open(chart)
        check_consent(chart, opened.lacks)
        report = self.report(opened, document)
        check_open(report.state)
        lacking = report.completeness.lacking
        payload: dict[str, Value] = {"to": Status.COMPLETED.value}
        if despite is not None:
            _check_reason(despite)
        if lacking and despite is None:
            raise not_complete(len(lacking))
        if lacking and despite is not None:
            payload["reason"] = DESPITE + despite.strip()
        asked = contradiction(report.state, now_ms=self._clock())
        return self._charts.add_facts(chart, document, [_fact(Kind.STATUS, payload)]), asked


def check_open(state: DocumentState) -> None:
    """Refuse to complete what has ended.

    Raises:
        RefusedError: it is completed, or was cancelled.
    """
    if state.status.disputed or state.status.value not in {Status.COMPLETED, Status.CANCELLED}:
        return
    raise RefusedError(
        "already_ended",
        expected="a document that people still work at",
        got=f"one that is {state.status.value}",
        do="to take it up again, state its status anew: 'fieldward chart edit', status active",
    )


def not_complete(count: int) -> RefusedError:
    """Make the refusal to complete what lacks something; what lacks may name a patient, so that it is not in it."""
    return RefusedError(
        "not_complete",
        expected="a document that lacks nothing",
        got=f"{count} things that lack" if count > 1 else "one thing that lacks",
        do="do what 'fieldward workflow show' lists, or complete it with --despite and the reason",
    )


def _check_reason(despite: str) -> None:
    most = REASON_CHARS_MAX - len(DESPITE)
    if not 0 < len(despite.strip()) <= most:
        raise InputError(
            "reason", expected=f"a reason of 1 to {most} characters", got=f"{len(despite)} characters", do="say why"
        )


def _moved(step: Step, fraction: str) -> Fact:
    """A step at another place: what stands of it, in one fact."""
    schema, standing = SCHEMAS[Kind.STEP], step.heads[-1].fact.payload
    payload = {key: value for key, value in standing.items() if key in schema.required or key in schema.optional}
    payload |= {"fraction": fraction} | ({"required": True} if step.required else {})
    return Fact(kind=Kind.STEP, payload=payload, supersedes=tuple(head.id for head in step.heads))


def _fact(kind: Kind, payload: Mapping[str, Value]) -> Fact:
    return Fact(kind=kind, payload=payload, supersedes=())
