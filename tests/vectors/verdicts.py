"""Vectors for the organisation, its charts and the verdicts on content: record sets and what they amount to."""

from __future__ import annotations

import json
import lzma
from typing import Any

from sync_protocol.certificates import Certificate, Session, Trust, open_root, open_session
from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import content_stream, control_stream
from sync_protocol.control_entry import read_control
from sync_protocol.entries import Seal as SealRecord
from sync_protocol.entries import VerifiedEntry, WireEntry, claimed_header, open_seal, verify_entry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, Hash, SessionId
from sync_protocol.judge import Judge
from sync_protocol.membership import Membership
from sync_protocol.organisation import Organisation, View
from sync_protocol.roles import CONTENT, TEXT
from sync_protocol.signed import Signed, Verified
from tests.support.org_world import SealBook, parents_first
from tests.vectors import recorded

KINDS = ("allergy", "diagnosis", "observation", TEXT)


class Records:
    """A history's records, verified one by one as a receiver does."""

    def __init__(self, content: dict[str, Any], item: dict[str, Any]) -> None:
        """Verify them.

        Args:
            content: the whole file, for what the history names by hash.
            item: the history.
        """
        self.trust = Trust(open_root(bytes.fromhex(content["root"]), expected=None))
        for name in item["certificates"]:
            self.trust.admit(Signed(Certificate, bytes.fromhex(content["certificates"][name])))
        self._sessions: dict[SessionId, Verified[Session]] = {}
        for name in item["sessions"]:
            session = open_session(bytes.fromhex(content["sessions"][name]), self.trust)
            self._sessions[session.value.session] = session
        self.seals = SealBook(self._seal(bytes.fromhex(content["seals"][name])) for name in item["seals"])
        self.entries = [self._entry(content["entries"][name]) for name in item["entries"]]
        self.chart = ChartId.parse(item["chart"])

    def author(self, entry: VerifiedEntry) -> CertificateHash:
        """The principal who wrote an entry."""
        return self.trust.principal(self._sessions[entry.header.session].value.certificate)

    def _seal(self, wire: bytes) -> Verified[SealRecord]:
        session = self._sessions[Signed(SealRecord, wire).claimed().session]
        certificate = self.trust.certificate(session.value.certificate)
        assert certificate is not None, "its session was verified"
        return open_seal(wire, certificate.value.ed25519)

    def _entry(self, item: dict[str, Any]) -> VerifiedEntry:
        wire = WireEntry(
            header=bytes.fromhex(item["header"]),
            body=bytes.fromhex(item["body"]),
            index=item["index"],
            path=tuple(map(Hash.parse, item["path"])),
        )
        header = claimed_header(wire)
        for seal in self.seals.seals(header.session, header.seal):
            try:
                return verify_entry(wire, header, seal)
            except PeerError:
                continue
        raise AssertionError(wire.hash)


def summed(content: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """What the records of a history amount to, as it is written."""
    records = Records(content, item)
    control = [
        read_control(one, records.author(one), records.seals)
        for one in records.entries
        if one.header.stream == records.trust.root.value.control
    ]
    organisation = Organisation(records.trust, control, records.seals)
    of_chart = [
        read_control(one, records.author(one), records.seals)
        for one in records.entries
        if one.header.stream == control_stream(records.chart)
    ]
    history = ChartHistory(of_chart, records.chart, organisation)
    assert history.now is not None, "every history has a chart"
    return {
        "organisation": _organisation(organisation, organisation.now),
        "membership": _membership(history.now),
        "verdicts": _verdicts(records, history),
    }


def _organisation(organisation: Organisation, view: View) -> dict[str, Any]:
    principals = sorted(organisation.trust.principals())
    return {
        "roles": {name.hex(): sorted(role.value for role in view.roles(name)) for name in principals},
        "revoked": sorted(name.hex() for name in view.revoked),
        "recovered": sorted(name.hex() for name in view.recovered),
        "refused": {name.hex(): why for name, why in sorted(view.refused.items())},
        "teams": {
            name.hex(): {
                "compartments": sorted(map(int, team.compartments)),
                "members": sorted(member.hex() for member in team.members),
                "epochs": {
                    epoch.hex(): {"valid": organisation.teams.is_valid(found), "counts": found.counts}
                    for epoch, found in sorted(team.epochs.items())
                },
            }
            for name, team in sorted(view.teams.items())
        },
    }


def _membership(found: Membership) -> dict[str, Any]:
    return {
        "members": {name.hex(): sorted(map(int, reads)) for name, reads in sorted(found.members.items())},
        "documents": [document.hex() for document in found.documents],
        "heads": [head.hex() for head in found.heads],
        "epochs": {
            name.hex(): {
                "valid": epoch.valid,
                "counts": epoch.counts,
                "recipients": sorted(recipient.hex() for recipient in epoch.wraps),
            }
            for name, epoch in sorted(found.epochs.items())
        },
        "consents": {purpose.value: said for purpose, said in found.consents.items()},
        "broken": [one.record.hex() for one in found.broken],
        "held": found.held,
        "purge": None if found.purge is None else found.purge[0].hex(),
        "refused": {name.hex(): why for name, why in sorted(found.refused.items())},
    }


def _verdicts(records: Records, history: ChartHistory) -> dict[str, Any]:
    assert history.now is not None, "every history has a chart"
    written: dict[str, Any] = {}
    for compartment in CONTENT:
        stream = content_stream(records.chart, history.now.chart_document, compartment)
        placed = parents_first(one for one in records.entries if one.header.stream == stream)
        judge = Judge(history, compartment, placed, authors=records.author, seals=records.seals)
        for entry in placed:
            found = {kind: judge.verdict(entry.hash, kind) for kind in KINDS}
            written[entry.hash.hex()] = {
                kind: [one.standing.value, None if one.reason is None else one.reason.value]
                for kind, one in found.items()
            }
    return dict(sorted(written.items()))


def make() -> dict[str, Any]:
    """The recorded histories and what they amount to, in whatever order the records are taken."""
    content: dict[str, Any] = json.loads(lzma.decompress(bytes.fromhex(recorded.read()["verdicts"])))
    return content | {
        "about": "Histories of an organisation and one of its charts: signed records, by hash, and what any order "
        "of them amounts to: roles, revocations and teams; the chart's members, epochs and consents; what does not "
        "count, with a word for the reason; for each content entry the verdict on some kinds, as standing and reason. "
        "The wraps in these histories are zeros and open for nobody. Compartments are 1 to 4.",
        "histories": [item | {"result": summed(content, item)} for item in content["histories"]],
    }
