"""Attachments of charts: a file in, sealed and named by a fact; a file out; what waits, what is safe, what makes room.

Owns the order in which a file becomes an attachment: chunks first, durably, then the fact, then the note of it. So a
crash leaves a draft that nobody names, or a fact whose chunks are all here. What travels is in `blobs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.blobs.book import BlobState
from edge_runtime.blobs.sealing import Progress, damaged, open_file, seal_file
from edge_runtime.blobs.stock import BlobStock
from edge_runtime.charts import Charts
from edge_runtime.clinical.attachments import Attachment, attachment_of, fit_name, media_type_of
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.state import Statement
from edge_runtime.errors import InputError, RefusedError, StoreError
from edge_runtime.facts import Fact, FactId, PlacedFact
from edge_runtime.identity import Entropy
from edge_runtime.opened import OpenChart
from edge_runtime.permissions import check_writable
from edge_runtime.recorder.naming import one_named
from sync_protocol.control import content_stream
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.roles import Compartment

_NAME_KEY: Final = "blobs/name-key"
_NAME_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Listed:
    """One attachment of a chart.

    Attributes:
        statement: its fact, with what replaces it.
        attachment: what the fact says.
        state: where its blob is known to be.
        here: whether the file can be opened on this device now.
    """

    statement: Statement
    attachment: Attachment
    state: BlobState
    here: bool

    @property
    def fact(self) -> PlacedFact:
        """The fact in its place."""
        return self.statement.fact


class Attachments:
    """The attachments of one device. Not for use from several threads at once."""

    def __init__(self, charts: Charts, stock: BlobStock, *, entropy: Entropy) -> None:
        """Work on `charts`, with the blobs in `stock`; `entropy` is for keys and nonces."""
        self._charts = charts
        self._entropy = entropy
        self.stock: Final = stock

    def attach(
        self,
        chart: ChartId,
        document: DocumentId,
        file: Path,
        *,
        title: str | None = None,
        replaces: FactId | None = None,
        sensitive: bool = False,
        progress: Progress = lambda _done, _of: None,
    ) -> tuple[FactId, Attachment]:
        """Attach a file to a document: sealed, named by a fact, and the file itself left as it is.

        Raises:
            InputError: no such file, or it cannot be read; or the title is not valid.
            LimitError: longer than an attachment may be.
            RefusedError: no such document, or this device may not write there.
            StoreError: no room, or the store cannot take it.
        """
        check_writable(Kind.ATTACHMENT, self._charts.writable)
        compartment = Compartment.SENSITIVE if sensitive else Compartment.CLINICAL
        self._charts.open(chart).found(document)
        stream = content_stream(chart, document, compartment)
        try:
            with file.open("rb") as source:
                size = os.fstat(source.fileno()).st_size
                sealed = seal_file(
                    self.stock.folder, source, file_bytes=size, stream=stream, entropy=self._entropy, progress=progress
                )
        except OSError as error:
            raise InputError(
                "attachment_file",
                expected="a file that can be read",
                got=(error.strerror or type(error).__name__).lower(),
                do="name another file",
            ) from None
        name = fit_name(file.name)
        payload: dict[str, str | int] = {
            "blob": sealed.blob.id.hex(),
            "key": sealed.key.hex(),
            "name": name,
            "media_type": media_type_of(name),
            "bytes": sealed.file_bytes,
            "sha256": sealed.sha256.hex(),
        }
        fact = Fact(
            kind=Kind.ATTACHMENT,
            payload=payload | ({} if title is None else {"title": title}),
            supersedes=() if replaces is None else (replaces,),
        )
        try:
            entries = self._charts.add_facts(chart, document, [fact], compartment=compartment)
        except BaseException:
            self.stock.folder.drop(self.stock.folder.name(sealed.blob.id))  # nothing names it
            raise
        self.stock.attached(sealed.blob, chart, size)
        attachment = attachment_of(fact)
        assert attachment is not None, "what was validated can be read"
        return FactId(entries[-1].hash, 0), attachment

    def listed(self, opened: OpenChart) -> list[Listed]:
        """Every attachment of an opened chart, those that were replaced included, in the order of their documents."""
        self.stock.find()
        return [
            Listed(statement, attachment, *self.stock.stands(attachment.blob))
            for state in opened.states()
            for statement in state.attachments
            if (attachment := attachment_of(statement.fact.fact)) is not None
        ]

    def named(self, opened: OpenChart, text: str) -> Listed:
        """The attachment whose blob id begins with `text`.

        Raises:
            RefusedError: none, or several.
        """
        known = {one.attachment.blob: one for one in self.listed(opened)}
        return known[one_named(text, known, "attachment", "list them with 'fieldward chart attachments CHART'")]

    def check_here(self, listed: Listed) -> None:
        """Check that a file can be opened here; one that is elsewhere is asked for.

        Raises:
            RefusedError: it is not here yet.
        """
        blob = listed.attachment.blob
        if not self.stock.stands(blob)[1]:
            self.stock.ask(blob)
            raise RefusedError(
                "attachment_not_here",
                expected="an attachment that was fetched to this device",
                got="one that is elsewhere",
                do="it is asked for now: sync, then try again",
            )

    def pieces(self, listed: Listed, progress: Progress = lambda _done, _of: None) -> Iterator[bytes]:
        """The file, piece by piece; what came before an error is not to be believed.

        Raises:
            RefusedError: it is not here yet, and asked for from now on; or it is not what its fact says.
            StoreError: it is damaged here; what the relay has is fetched again.
        """
        self.check_here(listed)
        blob = listed.attachment.blob
        try:
            yield from open_file(self.stock.folder, listed.attachment, progress)
        except StoreError as error:
            if error.code == damaged().code:
                self.stock.fetch_again(blob)
            raise
        self.stock.used(blob)
