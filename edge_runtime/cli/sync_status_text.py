"""What `fieldward sync status` says to a person: counts, then what is not in order, each with why and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap
from typing import Any, Final

from edge_runtime.cli.blob_text import counts_line
from edge_runtime.cli.output import say, when
from edge_runtime.cli.safe_text import safe

ALARMS: Final = {
    "relay_log_differs": "The relay's log is not what it was. All was compared and sent again; tell an administrator.",
    "relay_log_shrank": "The relay's log is shorter than the relay itself had signed. Tell an administrator.",
    "relay_log_split": "The relay signed two different logs of one length. Tell an administrator.",
    "relay_log_denied": "The relay says that it never had a log that it signed. Tell an administrator.",
    "relay_log_unproven": "The relay does not prove the log that it signed. Tell an administrator.",
    "relay_log_rewrote": "The relay has another entry where it signed for one of this device. Tell an administrator.",
    "relay_withheld": "The relay had kept back entries; a comparison brought them. Tell an administrator.",
    "relay_sent_unsound_entries": "The relay sent entries that do not verify; none was stored. Tell an administrator.",
}
_SHOWN: Final = 8
_LINE: Final = 100
"""Characters of a line: what a terminal that shares a screen has room for."""
_INDENT: Final = 10
_COPIES: Final = 3
"""Copies in a row after which it is rather the disk that gives files other numbers."""
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S
_WHY: Final = {
    "store_older": "its store was an older one than before",
    "other_marker": "its store was put in another's place",
    "other_file": "its store was copied from elsewhere",
    "backup": "it was made from a backup",
    "relay": "the relay had more of it than this device",
    "peer": "another device had more of it than this one",
    "came_back": "entries of its own came from elsewhere",
}
DISPUTES: Final = {
    "fork": "a session wrote two entries with one number",
    "outside_cut": "written by a revoked device outside its cut",
}
_Line = tuple[str, str]
"""What there is, and what to do."""


def say_status(facts: dict[str, Any]) -> None:
    """All of it."""
    age, backup = facts["oldest_unsent_s"], facts["backed_up"]
    oldest = "" if age is None else f"; the oldest has waited {ago(age)}"
    only_here = facts["on_this_device_only"]
    saved = "" if backup is None else f", which is {ago(backup['age_s'])} old"
    say(f"{facts['entries']} entries are on this device. Of these")
    for count, words in (
        (only_here, f"on this device only{oldest if only_here else ''}"),
        (facts["at_a_peer"], f"at another device as well, not at the relay yet{'' if only_here else oldest}"),
        (facts["at_the_relay"], "from the relay"),
        (facts["receipted"], "receipted: the relay signed for them, and that was verified"),
        (facts["safe"], f"safe: in the relay's last backup, too{saved}"),
        (len(facts["refused"]), "refused by the relay, kept here"),
    ):
        say(f"{count:>8}  {words}")
    if line := counts_line(facts["attachments"]):
        say(f"{'':>8}  {line}")
    if backup is None and facts["receipted"] + facts["at_the_relay"]:
        say("The relay has not said yet that anything is in a backup: nothing counts as safe.")
    _say_list("Refused", _refused_lines(facts["refused"]))
    _say_list("Held", _held_lines(facts["held"]))
    _say_list("Disputed", map(_dispute_line, facts["disputed"]))
    _say_restored(facts["restored"])
    if facts["withheld"] is not None:
        count, at_ms = facts["withheld"]["entries"], facts["withheld"]["at_ms"]
        say(f"Note: the relay has withheld {entries(count)} at the least; comparing brought them, last {when(at_ms)}")
    if facts["alarm"] is not None:
        say(f"ALARM: {ALARMS.get(facts['alarm'], facts['alarm'])}")


def _say_list(title: str, lines: Iterable[_Line]) -> None:
    found = list(lines)
    if not found:
        return
    say(f"{title}:")
    for what, do in found[:_SHOWN]:
        _say_wrapped(what, "")
        _say_wrapped(f"-> {do}", "   ")
    if len(found) > _SHOWN:
        say(f"{'':>{_INDENT}}... and {len(found) - _SHOWN} more; --json has them all")


def _say_wrapped(words: str, hang: str) -> None:
    """Lines of words, indented; somebody else's words may be among them."""
    indent = " " * _INDENT
    for line in wrap(safe(words), _LINE, initial_indent=indent, subsequent_indent=indent + hang):
        say(line)


def _refused_lines(refused: Iterable[dict[str, Any]]) -> Iterator[_Line]:
    """One line for each reason, whoever many it hit."""

    def why(one: dict[str, Any]) -> tuple[str, str, str]:
        return one["code"], one["reason"], one["do"]

    for (code, reason, do), some in groupby(sorted(refused, key=why), key=why):
        yield f"{entries(len(list(some)))} ({code}): {reason}", do


def _held_lines(held: Iterable[dict[str, Any]]) -> Iterator[_Line]:
    """One line for each author and reason; the one that has waited longest first."""
    groups: dict[tuple[str | None, str, str], list[dict[str, Any]]] = {}
    for one in held:
        groups.setdefault((one["author"], one["reason"], one["do"]), []).append(one)
    for (author, reason, do), some in groups.items():
        who = "several authors" if author is None else author_words(author, some[0]["by"])
        first = min(one["since_ms"] for one in some)
        since = f", since {when(first)}" if first else ""
        yield f"{entries(sum(one['entries'] for one in some))} of {who}{since}: {reason}", do


def author_words(author: str, by: dict[str, str] | None) -> str:
    """An author as other screens name it: role, device and user; with the beginning of its id."""
    words = f"author {author[:8]}"
    return words if by is None else f"{by['role']} {by['device'][:8]}, user {by['user'][:8]} ({words})"


def _dispute_line(one: dict[str, Any]) -> _Line:
    where = "the organisation's records" if one["chart"] is None else f"chart {one['chart'][:8]}"
    return f"{entries(one['entries'])} in {where}: {DISPUTES[one['kind']]}", one["do"]


def _say_restored(notes: list[dict[str, Any]]) -> None:
    """The newest: it stays true for ever, and the others are long over."""
    for one in notes[-1:]:
        why = _WHY.get(one["why"], one["why"])
        before = f" {len(notes) - 1} more before; --json has them all." if len(notes) > 1 else ""
        say(f"Note: this device began a new session at {when(one['at_ms'])}, because {why}.{before}")
    if len(notes) >= _COPIES and {one["why"] for one in notes[-_COPIES:]} == {"other_file"}:
        say("If nobody copied it: its disk gives files other numbers at each start. Nothing is lost by that, but")
        say("every start begins a session; better keep the device's home on a disk inside the machine.")


def entries(count: int) -> str:
    """A number of entries."""
    return "1 entry" if count == 1 else f"{count} entries"


def ago(seconds: int) -> str:
    """A length of time for a person."""
    for unit, words in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {words}"
    return f"{seconds} s"
