"""Whether a verified entry may stand in the log: judged by ids, roles and membership, never by content.

An honest device's entry is refused only for what it can mend by sending something else first: the records that create
its chart, that make its author a member, or that mint its epoch. Who carries an entry here does not matter; who wrote
it does, and only whether it ever could: what was written offline by somebody who was removed or revoked meanwhile is
taken, for its readers to judge.
"""

from __future__ import annotations

from server.relay.charts import Chart
from server.relay.drafting import Draft
from server.relay.parties import Place
from server.relay.tables import may_write
from sync_protocol.chart_records import ConfirmPurge, SetHold
from sync_protocol.control import (
    ORGANISATION_KINDS,
    Control,
    CreateChart,
    UnknownControl,
    chart_id,
    control_stream,
    unpack_control,
)
from sync_protocol.emergency_records import BreakGlass, GrantRecovered, RunRecovery
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import BrokenChainError, UntrustedError, malformed
from sync_protocol.ids import CertificateHash, Hash, TeamId
from sync_protocol.revocation import Revocation, Revoke
from sync_protocol.signed import Signed
from sync_protocol.team_records import TEAM_KINDS, CreateTeam, RemoveFromTeam, RewrapTeam


def admit(entry: VerifiedEntry, author: CertificateHash, draft: Draft) -> Control | UnknownControl | None:
    """Let an entry in, or say why not.

    Args:
        entry: a verified entry.
        author: the principal of its session.
        draft: the directory with everything that stands before this entry.

    Returns:
        The control record that it carries; None for content, whose body nobody here can read.

    Raises:
        UntrustedError: its author may not write there.
        ForgedError: a grant that the recovery key did not sign.
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
    if place.compartment is None:
        return _chart_control(entry, author, chart, draft)
    _check_member(author, chart, draft)
    _content(entry, place, chart)
    return None


def _organisation(entry: VerifiedEntry, author: CertificateHash, draft: Draft) -> Control | UnknownControl:
    record = _control(entry)
    if not isinstance(record, (*ORGANISATION_KINDS, UnknownControl)):
        raise malformed("a record of the organisation", type(record).__name__)
    if isinstance(record, TEAM_KINDS):
        _team(record, author, draft)
    elif isinstance(record, GrantRecovered):
        draft.recoveries.check(record)
    elif not (
        isinstance(record, RunRecovery)
        or draft.is_administrator(author)
        or (isinstance(record, Revoke) and _issuer(record) == draft.base.trust.root.hash)
    ):
        raise _refused(
            "not_administrator", "an administrator", f"certificate {author.short}", "ask an administrator to do it"
        )
    return record


def _issuer(record: Revoke) -> Hash:
    """Whose signatures the intake found on it."""
    return Signed(Revocation, record.record).claimed().issuer


def _team(record: Control | UnknownControl, author: CertificateHash, draft: Draft) -> None:
    """Teams are written by those who belong to them; anybody who may read charts makes one."""
    assert isinstance(record, TEAM_KINDS), "asked of records of teams"
    if isinstance(record, CreateTeam):
        if not draft.office(author).is_clinical:
            raise _refused("not_clinical", "somebody who reads charts", f"certificate {author.short}", "ask one")
        return
    name = draft.team_of(record.epoch) if isinstance(record, RewrapTeam) else record.team
    team = None if name is None else draft.team(name)
    if team is None:
        raise BrokenChainError(
            "unknown_team",
            expected="a team, or a team's epoch, that is stored here",
            got=_missing(record, name),
            do="send the record that makes it first",
        )
    if author in team.ever or (isinstance(record, RemoveFromTeam) and draft.is_administrator(author)):
        return
    raise _refused("not_member", "a member of the team", f"certificate {author.short}", "ask a member to add you")


def _missing(record: Control | UnknownControl, name: TeamId | None) -> str:
    if isinstance(record, RewrapTeam) and name is None:
        return f"epoch {record.epoch.short}"
    assert name is not None, "all others name a team"
    return f"team {name.short}"


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


def _chart_control(
    entry: VerifiedEntry, author: CertificateHash, chart: Chart, draft: Draft
) -> Control | UnknownControl:
    record = _control(entry)
    if isinstance(record, ORGANISATION_KINDS):
        raise malformed("a record of a chart", type(record).__name__)
    if isinstance(record, CreateChart) and control_stream(chart_id(author, record.nonce)) != entry.header.stream:
        raise malformed("the record that creates this chart", "one of another chart")
    if isinstance(record, BreakGlass):
        if not draft.office(author).is_clinical:
            raise _refused("not_clinical", "somebody who reads charts", f"certificate {author.short}", "ask one")
        return record
    _check_member(author, chart, draft)
    if isinstance(record, SetHold | ConfirmPurge) and not draft.office(author).is_officer:
        raise _refused("not_officer", "a compliance officer", f"certificate {author.short}", "ask one")
    return record


def _control(entry: VerifiedEntry) -> Control | UnknownControl:
    if entry.header.epoch is not None:
        raise malformed("a control entry without an epoch", "one that names an epoch")
    return unpack_control(entry.body)


def _check_member(author: CertificateHash, chart: Chart, draft: Draft) -> None:
    if not may_write(chart, author, draft):
        raise _refused("not_member", "a member of the chart", f"certificate {author.short}", "ask a member to add you")


def _content(entry: VerifiedEntry, place: Place, chart: Chart) -> None:
    """No content is acknowledged before the record of its epoch is stored: nobody could ever open it.

    Of a chart whose keys were destroyed nobody shall.
    """
    epoch = entry.header.epoch
    if epoch is None:
        raise malformed("content under an epoch", "none")
    if chart.purged:
        return
    if chart.epochs.get(epoch) is not place.compartment:
        raise BrokenChainError(
            "unknown_epoch",
            expected="an epoch of the chart and compartment that is stored here",
            got=f"epoch {epoch.short}",
            do="send the record that mints the epoch first",
        )


def _refused(code: str, expected: str, got: str, do: str) -> UntrustedError:
    return UntrustedError(code, expected=expected, got=got, do=do)
