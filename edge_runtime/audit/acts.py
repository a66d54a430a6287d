"""Recording of acts on the device on which they happen: durable before anything that was read is shown.

Owns where an act is recorded, and which repetitions are no new act. An act on a chart goes to the chart's audit stream,
or to this device's ledger where that stream cannot take it; everything else goes to the ledger. Refuses to let an act
pass unrecorded: what cannot be recorded is not done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from edge_runtime.audit.repeats import Repeats, act_name
from edge_runtime.errors import RefusedError, StoreError
from sync_protocol.audit import KINDS, AuditRecord, Head, Purpose, Result, Stands, audit_record
from sync_protocol.control import LEDGER_DOCUMENT, audit_stream, control_stream
from sync_protocol.limits import AUDIT_CHARTS_MAX, AUDIT_HEADS_MAX

if TYPE_CHECKING:
    from edge_runtime.ai.models.journal import Change
    from edge_runtime.audit.shown import Shown
    from edge_runtime.identity import Clock, Identity
    from edge_runtime.keyring import Keyring
    from edge_runtime.recorder.batch import Batch
    from edge_runtime.recorder.record import Recorder
    from edge_runtime.store.device import DeviceStore
    from edge_runtime.store.writing import DeviceWriter
    from edge_runtime.vault.attempts import Attempts
    from sync_protocol.accusations import Verdict
    from sync_protocol.entries import VerifiedEntry
    from sync_protocol.errors import ExplainedError
    from sync_protocol.ids import CertificateHash, ChartId, Hash, StreamId

_REASON_CHARS: Final = 200


class Auditor:
    """Records what is done on one device, as its user."""

    def __init__(
        self, store: DeviceStore, identity: Identity, keyring: Keyring, recorder: Recorder, *, clock: Clock
    ) -> None:
        """Record as `identity` by `recorder`; `clock` says what is a repetition."""
        self._identity = identity
        self._keyring = keyring
        self._recorder = recorder
        self._clock = clock
        self._repeats = Repeats(store)

    @property
    def name(self) -> CertificateHash:
        """Who records: the principal."""
        return self._identity.principal

    # -------------------------------------------------------------------------------------------------- on a chart

    def accessed(self, shown: Shown, *, purpose: Purpose = Purpose.TREATMENT) -> VerifiedEntry | None:
        """Record that a chart, or a part of it, is about to be shown.

        What was shown for the same purpose within REPEAT_MS, and is the same still, is no new act.

        Returns:
            The entry; None for a repetition.

        Raises:
            StoreError: it cannot be recorded; do not show it.
        """
        return self._on_chart(shown.chart, _of_shown("data_accessed", shown, purpose, {}), once=True)

    def exported(self, shown: Shown, *, purpose: Purpose, form: str) -> VerifiedEntry | None:
        """Record that a chart, or a part of it, is about to leave the device as a file in some form."""
        return self._on_chart(shown.chart, _of_shown("exported", shown, purpose, {"format": form}), once=False)

    def printed(self, shown: Shown, *, purpose: Purpose) -> VerifiedEntry | None:
        """Record that a chart, or a part of it, is about to be printed."""
        return self._on_chart(shown.chart, _of_shown("printed", shown, purpose, {}), once=False)

    def refused(self, chart: ChartId, error: ExplainedError, *, purpose: Purpose = Purpose.TREATMENT) -> None:
        """Record that an act on a chart was refused: why, by its code and what was found. Repetitions count."""
        detail = {"reason": error.code, "got": error.got[:_REASON_CHARS]}
        record = audit_record("access_refused", purpose=purpose, result=Result.REFUSED, detail=detail)
        self._on_chart(chart, record, once=False)

    def destroyed(self, chart: ChartId, count: int, keep: Callable[[DeviceWriter], None]) -> None:
        """Record that a chart's content was destroyed on this device: how many bodies.

        Args:
            chart: which.
            count: the bodies.
            keep: further writes of the same transaction, so that it is recorded once.
        """
        record = audit_record("content_destroyed", purpose=Purpose.COMPLIANCE, count=count)
        self._on_chart(chart, record, once=False, also=keep)

    # ------------------------------------------------------------------------------------------------ on the device

    def listed(self, charts: Iterable[ChartId], *, purpose: Purpose = Purpose.TREATMENT) -> VerifiedEntry | None:
        """Record that charts are about to be listed by what identifies their patients; repetitions as for `accessed`.

        Args:
            charts: all of them; the record names as many as it may.
            purpose: for what.
        """
        names = tuple(sorted(charts))
        record = audit_record(
            "charts_listed", purpose=purpose, fields=("identity",), charts=names[:AUDIT_CHARTS_MAX], count=len(names)
        )
        return self._in_ledger(record, once=True)

    def imported(self, *, charts: int, entries: int, refused: int) -> VerifiedEntry | None:
        """Record an import: into how many charts, how many entries it wrote, how much it left out."""
        detail = {"entries": str(entries), "refused": str(refused)}
        return self.record("imported", purpose=Purpose.TREATMENT, count=charts, detail=detail)

    def unlocked(self, by: str) -> VerifiedEntry | None:
        """Record that the device was opened, by a host over the bridge for example."""
        return self.record("unlocked", purpose=Purpose.OPERATIONS, detail={"by": by})

    def locked(self, by: str) -> VerifiedEntry | None:
        """Record that the device is about to be locked: why, as a stable word."""
        return self.record("locked", purpose=Purpose.OPERATIONS, detail={"by": by})

    def unlock_failed(self, attempts: Attempts) -> VerifiedEntry | None:
        """Record failed attempts to open the device, which were counted while nothing could be sealed."""
        detail = {"first_ms": str(attempts.first_ms), "last_ms": str(attempts.last_ms)}
        return self.record(
            "unlock_failed", purpose=Purpose.OPERATIONS, result=Result.FAILED, count=attempts.count, detail=detail
        )

    def models_changed(
        self, changes: Iterable[Change], keep: Callable[[DeviceWriter], None]
    ) -> tuple[VerifiedEntry, ...]:
        """Record what was changed about this device's models: one act each, none of them with a path.

        Args:
            changes: lines of the models' journal that this home has not recorded yet; at least one.
            keep: further writes of the same transaction, so that each is recorded once.
        """
        batch = self._recorder.begin()
        count = 0
        for change in changes:
            one = change.present
            detail = {
                "action": change.action.value,
                "model": one.model,
                "adapter": one.adapter,
                "digest": one.digest,
                "licence": one.licence,
                "accepted": "yes" if one.accepted else "no",
                "at_ms": str(change.at_ms),
            }
            told = {name: words for name, words in detail.items() if words}
            batch.ledger(audit_record("model_changed", purpose=Purpose.OPERATIONS, detail=told))
            count += 1
        with _required():
            return self._recorder.write(batch, also=keep)[-count:]

    def met_peer(self, peer: CertificateHash, heads: Iterable[Head], note: bytes | None) -> tuple[VerifiedEntry, ...]:
        """Record a meeting with another device, after what it had is here.

        Args:
            peer: the other device.
            heads: how far its chains reached here afterwards; more than one record holds take several.
            note: the newest checkpoint of the relay's log that is known here, as signed.
        """
        return self._reached("met_peer", peer, heads, note=note)

    def bundle_exported(self, *, entries: int, charts: int, everything: bool) -> VerifiedEntry | None:
        """Record that a bundle is about to be whole: how many entries of how many charts anybody may now carry off."""
        detail = {"entries": str(entries), "scope": "everything" if everything else "waiting"}
        return self.record("bundle_exported", purpose=Purpose.OPERATIONS, count=charts, detail=detail)

    def bundle_imported(
        self, peer: CertificateHash | None, heads: Iterable[Head], *, received: int
    ) -> tuple[VerifiedEntry, ...]:
        """Record that a bundle was taken in, after what it had is here.

        Args:
            peer: who made it; None where nobody knows.
            heads: how far the chains that grew reach here now.
            received: how many entries were new.
        """
        return self._reached("bundle_imported", peer, heads, count=received)

    def met_relay(self, note: bytes | None) -> VerifiedEntry | None:
        """Record how far the relay's log is known here, before this device pushes again.

        Not when nothing but ledger entries came or was written since the last such record: each would be the reason
        for the next, here and on the officers' devices, for ever.

        Args:
            note: the newest checkpoint that was proven to be of the relay's log, as signed; None where there is none.
        """
        if note is None or not self._repeats.moved(note, self._ledger_streams()):
            return None
        batch = self._recorder.begin()
        batch.ledger(audit_record("met_relay", purpose=Purpose.OPERATIONS, note=note))
        with _required():
            return self._recorder.write(batch, also=lambda writer: self._repeats.met(writer, note))[-1]

    def accused(self, verdict: Verdict) -> VerifiedEntry | None:
        """Record that the relay was convicted; the evidence is kept with what is known of its log."""
        detail = {"what": str(verdict.finding.kind), "act": verdict.fact.hex()}
        return self.record("relay_accused", purpose=Purpose.COMPLIANCE, detail=detail)

    def record(
        self,
        name: str,
        *,
        purpose: Purpose,
        result: Result = Result.DONE,
        chart: ChartId | None = None,
        charts: tuple[ChartId, ...] = (),
        count: int | None = None,
        note: bytes | None = None,
        detail: Mapping[str, str] | None = None,
    ) -> VerifiedEntry | None:
        """Record any act of the catalogue: on `chart` where its kind stands in charts, otherwise in the ledger.

        Args:
            name: the kind's.
            purpose: for what.
            result: how it ended.
            chart: where the kind stands in charts.
            charts: those that an act in the ledger concerns.
            count: charts, resources or attempts.
            note: a checkpoint, as signed.
            detail: further words by name.

        Raises:
            StoreError: it cannot be recorded; do not do it.
        """
        record = audit_record(
            name, purpose=purpose, result=result, charts=charts, count=count, note=note, detail=detail
        )
        if chart is None:
            return self._in_ledger(record, once=False)
        assert KINDS[name].stands is Stands.CHART, "a kind of the ledger concerns no single chart"
        return self._on_chart(chart, record, once=False)

    # ------------------------------------------------------------------------------------------------------ writing

    def _reached(
        self,
        name: str,
        peer: CertificateHash | None,
        heads: Iterable[Head],
        *,
        note: bytes | None = None,
        count: int | None = None,
    ) -> tuple[VerifiedEntry, ...]:
        """Record how far somebody's chains reached here; more heads than one record holds take several."""
        known = sorted(set(heads))
        parts = [known[at : at + AUDIT_HEADS_MAX] for at in range(0, len(known), AUDIT_HEADS_MAX)] or [[]]
        batch = self._recorder.begin()
        for part in parts:
            record = audit_record(
                name, purpose=Purpose.OPERATIONS, peer=peer, heads=tuple(part), note=note, count=count
            )
            batch.ledger(record)
        with _required():
            written = self._recorder.write(batch)
        return written[-len(parts) :]

    def _on_chart(
        self, chart: ChartId, record: AuditRecord, *, once: bool, also: Callable[[DeviceWriter], None] = lambda _: None
    ) -> VerifiedEntry | None:
        name = act_name(record, chart)
        if once and self._repeats.recent(name, self._clock()):
            return None
        batch = self._recorder.begin()
        try:
            batch.audit(chart, record)
        except RefusedError:  # no reader of the audit stream, or too many of them: that keeps nobody from care
            batch = self._recorder.begin()
            batch.ledger(replace(record, charts=(chart,)))
        return self._write(batch, name if once else None, also=also)

    def _in_ledger(self, record: AuditRecord, *, once: bool) -> VerifiedEntry | None:
        name = act_name(record, None)
        if once and self._repeats.recent(name, self._clock()):
            return None
        batch = self._recorder.begin()
        batch.ledger(record)
        return self._write(batch, name if once else None)

    def _write(
        self, batch: Batch, name: Hash | None = None, *, also: Callable[[DeviceWriter], None] = lambda _: None
    ) -> VerifiedEntry:
        def keep(writer: DeviceWriter) -> None:
            also(writer)
            if name is not None:
                self._repeats.keep(writer, name, self._clock())

        with _required():
            return self._recorder.write(batch, also=keep)[-1]

    def _ledger_streams(self) -> frozenset[StreamId]:
        ledgers = self._keyring.ledgers()
        audits = {audit_stream(ledger, LEDGER_DOCUMENT) for ledger in ledgers}
        return frozenset(audits | {control_stream(ledger) for ledger in ledgers})


def _of_shown(name: str, shown: Shown, purpose: Purpose, detail: Mapping[str, str]) -> AuditRecord:
    return audit_record(
        name,
        purpose=purpose,
        fields=shown.fields,
        compartments=shown.compartments,
        documents=shown.documents,
        seen=shown.seen,
        checks=shown.checks,
        detail=detail,
    )


@contextmanager
def _required() -> Iterator[None]:
    """Say of a store that cannot take a record why nothing was done."""
    try:
        yield
    except StoreError as error:
        raise StoreError(
            error.code,
            expected=f"to record this act before it is done: {error.expected}",
            got=error.got,
            do=error.do,
        ) from error
