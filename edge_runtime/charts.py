"""Charts as a person works with them: create, share, open, change. Each change is validated, then recorded whole.

Owns the way from a command to a recorded change. What a change means is decided in `clinical`; how it is sealed and
chained, in `recorder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from edge_runtime.cache.keeping import OpenedCharts
from edge_runtime.clinical.authoring import check_section, prepare
from edge_runtime.clinical.layout import LAYOUT_VERSION, Kind, Section, WorkflowType
from edge_runtime.clinical.state import DocumentState
from edge_runtime.destroyed import destroyed
from edge_runtime.documents import DocumentReader
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import CausalGraph, Content, Fact
from edge_runtime.identity import Entropy, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.opened import OpenChart, empty, missing
from edge_runtime.permissions import Writable, check_consent, check_writable
from edge_runtime.recorder.batch import Batch
from edge_runtime.recorder.compartments import sort_out
from edge_runtime.recorder.naming import one_named, principal_named, shared_type
from edge_runtime.recorder.record import Recorder
from edge_runtime.recorder.sections import add_edits
from edge_runtime.store.device import DeviceStore
from sync_protocol.audit import Purpose
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, TeamId
from sync_protocol.limits import ID_BYTES
from sync_protocol.roles import TEXT as WRITTEN
from sync_protocol.roles import Compartment


class Charts:
    """The charts of one device."""

    def __init__(
        self,
        *,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        reader: DocumentReader,
        recorder: Recorder,
        entropy: Entropy,
        writable: Writable,
        written: Callable[[ChartId], None] = lambda _: None,
    ) -> None:
        """Work as `identity`, stating what is `writable`; `written` hears of each chart once facts went into it."""
        self.store = store
        self.keyring = keyring
        self.recorder = recorder
        self.entropy = entropy
        self.writable = writable
        self.written = written
        self.opened = OpenedCharts(store, identity, keyring, reader)
        self._identity = identity
        self._reader = reader

    def forget(self, entries: Iterable[EntryHash]) -> None:
        """Let go of what was opened of some entries."""
        self._reader.forget(entries)
        self.opened.let_go()

    def find(self, text: str) -> ChartId:
        """The chart whose id begins with `text`.

        Raises:
            RefusedError: none, or several.
        """
        return one_named(text, self.keyring.charts(), "chart", "list them with 'fieldward chart list'")

    def find_document(self, opened: OpenChart, text: str) -> DocumentId:
        """The document that `text` names: the start of its id, `chart`, or a workflow type that only one document has.

        Raises:
            RefusedError: none, or several; or the patient does not permit that the chart is opened.
        """
        check_consent(opened.chart, opened.lacks)
        if text == "chart":
            return opened.membership.chart_document
        typed = [state.document for state in opened.state.documents if state.workflow_type == text]
        if len(typed) == 1:
            return typed[0]
        if typed:
            raise shared_type(typed)
        return one_named(text, opened.membership.documents, "document", "list them with 'fieldward chart show CHART'")

    def create(self, facts: Iterable[Fact], *, workflow: WorkflowType | None) -> tuple[ChartId, tuple[DocumentId, ...]]:
        """Create a chart, with first facts in its chart document and, if wanted, a first document of a workflow.

        Raises:
            RefusedError: this device's role reads no chart, or may not state one of the facts.
            InputError: a fact is not valid.
        """
        batch = self.recorder.begin()
        chart, document = self.begin_chart(batch, facts)
        documents = [document]
        if workflow is not None:
            documents.append(self.add_document(batch, chart, workflow))
        self.recorder.write(batch)
        self.written(chart)
        return chart, tuple(documents)

    def begin_chart(
        self, batch: Batch, facts: Iterable[Fact], *, teams: Iterable[TeamId] = ()
    ) -> tuple[ChartId, DocumentId]:
        """Add a chart to a change under construction: shared with teams before anything is stated in it.

        Returns:
            The chart and its chart document.

        Raises:
            RefusedError: this device's role reads no chart, or may not state one of the facts; or no such team.
            InputError: a fact is not valid.
        """
        document = DocumentId(self.entropy(ID_BYTES))
        chart = batch.create_chart(document)
        for team in teams:
            batch.add_team(chart, team, batch.readable(chart))
        self._add(batch, chart, empty(document), facts)
        return chart, document

    def add_document(
        self, batch: Batch, chart: ChartId, workflow: WorkflowType, title: str | None = None
    ) -> DocumentId:
        """Add a document of a workflow to a change under construction.

        Raises:
            RefusedError: this device is no member of the chart, or its role opens no documents.
            InputError: the title is too long.
        """
        payload = {"schema": LAYOUT_VERSION, "workflow_type": workflow.value} | ({"title": title} if title else {})
        return self.begin_document(batch, chart, [Fact(kind=Kind.DOCUMENT, payload=payload, supersedes=())])

    def begin_document(self, batch: Batch, chart: ChartId, facts: Iterable[Fact]) -> DocumentId:
        """Add a document that begins with some facts to a change under construction.

        Raises:
            RefusedError: this device is no member of the chart, or its role may not state one of the facts.
            InputError: a fact is not valid.
        """
        document = DocumentId(self.entropy(ID_BYTES))
        batch.create_document(chart, document)
        self._add(batch, chart, empty(document), facts)
        return document

    def open(self, chart: ChartId, *, purpose: Purpose = Purpose.TREATMENT) -> OpenChart:
        """Open a chart as far as this device can read it, and may for this purpose by the patient's consents.

        Raises:
            RefusedError: the chart is not on this device.
        """
        membership = self.keyring.membership(chart)
        if membership is None:
            raise missing("chart", chart.short)
        if self._identity.principal not in membership.members:
            self._reader.close(chart, membership)  # access that ended leaves nothing in memory
        return self.opened.open(membership, purpose=purpose, note=destroyed(self.store, chart))

    def add_facts(
        self, chart: ChartId, document: DocumentId, facts: Iterable[Fact], *, compartment: Compartment | None = None
    ) -> tuple[VerifiedEntry, ...]:
        """Validate facts and record them as one change.

        Args:
            chart: where.
            document: where in it.
            facts: what; an empty `supersedes` is filled with what the author sees of the same thing.
            compartment: None for the one where each kind belongs.

        Raises:
            InputError: a fact is not valid; nothing was recorded.
            RefusedError: no such document, or this device may not write there, or its role not state this, or the
                patient does not permit it.
        """
        opened = self.open(chart)
        check_consent(chart, opened.lacks)
        graphs = opened.found(document).graphs
        batch = self.recorder.begin()
        self._add(batch, chart, opened.authored(document), facts, graphs=graphs, compartment=compartment)
        entries = self.recorder.write(batch)
        self.written(chart)
        return entries

    def put(
        self,
        batch: Batch,
        opened: OpenChart,
        document: DocumentId,
        facts: Iterable[Fact],
        *,
        compartment: Compartment | None = None,
    ) -> None:
        """Add facts to a document of an opened chart to a change under construction.

        Args:
            batch: the change.
            opened: the chart.
            document: where in it.
            facts: what.
            compartment: None for the one where each kind belongs.

        Raises:
            InputError: a fact is not valid.
            RefusedError: no such document, or this device may not write there, or its role not state this, or the
                patient does not permit it.
        """
        check_consent(opened.chart, opened.lacks)
        graphs, state = opened.found(document).graphs, opened.authored(document)
        self._add(batch, opened.chart, state, facts, graphs=graphs, compartment=compartment)

    def put_texts(self, batch: Batch, opened: OpenChart, document: DocumentId, texts: Mapping[Section, str]) -> bool:
        """Add edits of text sections of an opened chart to a change that holds nothing of its texts yet.

        The chart must have been opened after the change was begun, which settles the session that writes.

        Returns:
            False where every section reads so already.

        Raises:
            InputError, RefusedError, DraftUnavailableError: see `edit_text`.
        """
        check_consent(opened.chart, opened.lacks)
        for section, text in texts.items():
            check_section(section, text)
        history = self.keyring.history(opened.chart)
        changed = add_edits(batch, history, opened.found(document), texts)
        if changed:
            check_writable(WRITTEN, self.writable)
        return changed

    def edit_text(self, chart: ChartId, document: DocumentId, section: str, text: str) -> tuple[VerifiedEntry, ...]:
        """Make a text section read `text`: as a change of what differs.

        The whole text is started anew where the section is disputed, and where somebody reads it who may not read its
        past.

        Returns:
            The entry; empty when the section reads so already.

        Raises:
            InputError: no such section, or too long a text.
            RefusedError: no such document, this device may not write there, it cannot show all of the section, its
                role writes no text, or the patient does not permit it.
            DraftUnavailableError: the section cannot be edited now.
        """
        try:
            named = Section(section)
        except ValueError:
            raise InputError(
                "section", expected=f"one of {', '.join(Section)}", got=f"{section[:32]!r}", do="name one of these"
            ) from None
        check_section(named, text)
        batch = self.recorder.begin()  # before the update, because it settles which session writes
        changed = self.put_texts(batch, self.open(chart), document, {named: text})
        return self.recorder.write(batch) if changed else ()

    def share(self, chart: ChartId, device: str, *, from_now_on: bool = False) -> CertificateHash:
        """Make a device's user a member of a chart, with its history unless that is left out.

        A member gets its keys again: the wraps that it has may be bad.

        Raises:
            RefusedError: no such device, or its role reads no chart, or this device may not share it.
        """
        organisation = self.keyring.organisation()
        name = principal_named(device, organisation)
        reads = organisation.now.reads(name)
        if not reads:
            raise RefusedError(
                "role_reads_no_chart",
                expected="a device whose role reads charts",
                got=f"role {', '.join(sorted(role.value for role in organisation.now.roles(name)))}",
                do="share with a clinical device",
            )
        batch = self.recorder.begin()
        batch.add_member(chart, name, reads & batch.readable(chart), from_now_on=from_now_on)
        self.recorder.write(batch)
        return name

    def _add(
        self,
        batch: Batch,
        chart: ChartId,
        state: DocumentState,
        facts: Iterable[Fact],
        *,
        graphs: Mapping[Compartment, CausalGraph] | None = None,
        compartment: Compartment | None = None,
    ) -> None:
        """Make facts ready and put them into the compartments where they belong, one entry a compartment."""
        ready = [prepare(state, fact) for fact in facts]
        for where, group in sort_out(ready, {} if graphs is None else graphs, wanted=compartment).items():
            batch.content(chart, state.document, where, Content(facts=tuple(group), text=None))
        for fact in ready:  # only now: who may read nothing here is told that first
            check_writable(fact.kind, self.writable)
