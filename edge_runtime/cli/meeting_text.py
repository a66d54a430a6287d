"""What the command line says of a meeting with another device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.output import say
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_runtime.sync.meeting_report import MeetingReport
    from sync_protocol.certificates import Certificate

_ALARMS: Final = {
    "relay_log_split": "The relay signed two different logs of one length: it showed the other device another one. "
    "Tell an administrator; the evidence is kept on this device.",
    "peer_sent_unsound_entries": "The other device handed over entries that do not verify; none was stored. "
    "Tell an administrator which device it was.",
}
_SHOWN: Final = 5
_LISTEN: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+)):([0-9]{1,5})", re.ASCII)


def listen_place(text: str) -> tuple[str, int]:
    """The address and port that `--listen` names.

    Raises:
        InputError: not of the form host:port.
    """
    found = _LISTEN.fullmatch(text)
    if found is None:
        raise InputError(
            "listen_address",
            expected="an address of this machine and a port, such as 127.0.0.1:8731",
            got=f"{len(text)} characters that are none",
            do="check --listen",
        )
    return found[1] or found[2], int(found[3])


def own_words(certificate: Certificate) -> str:
    """How this device shows itself, for the other's screen to be compared with."""
    return f"{certificate.role.value}, user {certificate.user.short}, device {certificate.device.short}"


def meeting_json(report: MeetingReport, *, pending: int) -> dict[str, Any]:
    """One meeting, for machines."""
    peer = {
        "role": None if report.role is None else report.role.value,
        "user": str(report.user),
        "device": str(report.device),
        "certificate": str(report.peer),
        "expired": report.expired,
    }
    refused = [{"code": e.code, "expected": e.expected, "got": e.got, "do": e.do} for e in report.refused]
    counts = {"received": report.received, "streams": report.streams, "charts": report.charts, "sent": report.sent}
    rest = {"rounds": report.rounds, "notes": report.notes, "more": report.more, "pending": pending}
    told = {"refused": refused, "alarms": report.alarms, "attachments": {"fetched": report.blobs.fetched}}
    return {"ok": is_well(report), "peer": peer} | counts | rest | told


def is_well(report: MeetingReport) -> bool:
    """Whether nothing was refused, left over, or to be alarmed about."""
    return report.complete and not (report.refusals or report.alarms or report.more)


def say_meeting(report: MeetingReport, *, pending: int) -> None:
    """One meeting, for people."""
    assert report.role is not None, "a meeting that came to its end was with somebody"
    assert report.user is not None, "a meeting that came to its end was with somebody"
    assert report.device is not None, "a meeting that came to its end was with somebody"
    say(f"Met: {report.role.value}, user {report.user.short}, device {report.device.short}.")
    where = f" (charts that changed: {report.charts})" if report.received else ""
    say(f"{report.received} entries came{where}; {report.sent} were handed over.")
    if report.blobs.fetched:
        say(f"{report.blobs.fetched} attachments came; the next sync offers them to the relay.")
    if report.expired:
        say("Its certificate has expired: what it has was taken, and it was given the organisation's records only.")
        say("Have an administrator renew it, or check this device's clock.")
    for error in report.refused[:_SHOWN]:
        say(safe(f"Not taken ({error.code}): expected {error.expected}; got {error.got}; {error.do}."))
    if report.refusals > _SHOWN:
        say(f"... and {report.refusals - _SHOWN} more that were not taken.")
    if report.more:
        say("There is more than one meeting may bring: meet again.")
    for alarm in report.alarms:
        say(f"ALARM: {_ALARMS.get(alarm, alarm)}")
    if pending:
        say(f"{pending} entries on this device wait for the relay.")
