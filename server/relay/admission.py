"""Whether a verified entry may stand in the log: judged by ids, roles and membership, never by content.

An honest device's entry is refused only for what it can mend by sending something else first: the records that create
its chart, that make its author a member, or that mint its epoch. Who carries an entry here does not matter; who wrote
it does.
"""

from __future__ import annotations

from server.relay.charts import Place
from server.relay.directory import Draft
from sync_protocol.control import (
    ORGANISATION_KINDS,
    Control,
    CreateChart,
    UnknownControl,
    chart_id,
    control_stream,
    unpack_control,
)
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import BrokenChainError, UntrustedError, malformed
from sync_protocol.ids import CertificateHash
from sync_protocol.roles import Role


def admit(entry: VerifiedEntry, author: CertificateHash, draft: Draft) -> Control | UnknownControl | None:
    """Let an entry in, or say why not.

    Args:
        entry: a verified entry.
        author: the certificate of its session.
        draft: the directory with everything that stands before this entry.

    Returns:
        The control record that it carries; None for content, whose body nobody here can read.

    Raises:
        UntrustedError: its author may not write there.
        BrokenChainError: something that must stand before it is missing.
        MalformedError: a control entry whose body is none, or of a kind that belongs elsewhere.
    """
    stream = entry.header.stream
    if stream == draft.organisation:
        return _organisation(entry, author, draft)
    place = draft.place(stream)
    if place is None:
        return _founding(entry, author)
    chart = draft.chart(place.chart)
    assert chart is not None, "a stream's chart is known"
    if author not in chart.members:
        raise _refused("not_member", "a member of the chart", f"certificate {author.short}", "ask a member to add you")
    if place.compartment is None:
        return _chart_control(entry)
    _content(entry, place, draft)
    return None


def _organisation(entry: VerifiedEntry, author: CertificateHash, draft: Draft) -> Control | UnknownControl:
    record = _control(entry)
    if not isinstance(record, (*ORGANISATION_KINDS, UnknownControl)):
        raise malformed("a record of the organisation", type(record).__name__)
    if draft.role(author) is not Role.ADMIN:
        raise _refused(
            "not_administrator", "an administrator", f"certificate {author.short}", "ask an administrator to do it"
        )
    return record


def _founding(entry: VerifiedEntry, author: CertificateHash) -> Control | UnknownControl:
    """An unknown stream is taken when its first record makes the chart whose control stream it is, by this author."""
    if entry.header.epoch is None:
        record = _control(entry)
        if isinstance(record, CreateChart) and control_stream(chart_id(author, record.nonce)) == entry.header.stream:
            return record
    raise BrokenChainError(
        "unknown_stream",
        expected="a stream of a known chart, or the record that creates one",
        got=f"stream {entry.header.stream.short}",
        do="send the chart's control records first",
    )


def _chart_control(entry: VerifiedEntry) -> Control | UnknownControl:
    record = _control(entry)
    if isinstance(record, ORGANISATION_KINDS):
        raise malformed("a record of a chart", type(record).__name__)
    return record


def _control(entry: VerifiedEntry) -> Control | UnknownControl:
    if entry.header.epoch is not None:
        raise malformed("a control entry without an epoch", "one that names an epoch")
    return unpack_control(entry.body)


def _content(entry: VerifiedEntry, place: Place, draft: Draft) -> None:
    """No content is acknowledged before the record of its epoch is stored: nobody could ever open it."""
    chart = draft.chart(place.chart)
    assert chart is not None, "a stream's chart is known"
    epoch = entry.header.epoch
    if epoch is None:
        raise malformed("content under an epoch", "none")
    if chart.epochs.get(epoch) is not place.compartment:
        raise BrokenChainError(
            "unknown_epoch",
            expected="an epoch of the chart and compartment that is stored here",
            got=f"epoch {epoch.short}",
            do="send the record that mints the epoch first",
        )


def _refused(code: str, expected: str, got: str, do: str) -> UntrustedError:
    return UntrustedError(code, expected=expected, got=got, do=do)
