"""What `fieldward sync status --entry` says of one entry: its one state, and what about it is not in order, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.output import say
from edge_runtime.cli.safe_text import safe
from edge_runtime.cli.sync_status_text import DISPUTES, author_words

if TYPE_CHECKING:
    from edge_runtime.access.entry_states import EntryState
    from edge_runtime.runtime import Runtime
    from sync_protocol.ids import CertificateHash

_REFUSED_DO: Final = "it stays on this device and is offered again by each sync; ask an administrator about the reason"
_KEYLESS: Final = "unknown_epoch"
_KEYLESS_DO: Final = (
    "it stays on this device and is offered again by each sync; let the devices of its chart sync, or meet them: one"
    " that has the record of its key brings it. If none has it any more, what this entry says is lost"
)
_STATES: Final = {
    "on_this_device_only": "on this device only",
    "at_a_peer": "at another device as well, not at the relay yet",
    "at_the_relay": "at the relay, from which it came",
    "receipted": "receipted: the relay signed for it, and that was verified",
    "safe": "safe: at the relay, and in its last backup",
    "refused": "refused by the relay, kept here",
    "held": "held here, and not in its place yet",
}


def refused_do(code: str) -> str:
    """The way out of the relay's refusal, by its code."""
    return _KEYLESS_DO if code == _KEYLESS else _REFUSED_DO


def entry_json(runtime: Runtime, text: str) -> dict[str, Any]:
    """What became of the entry whose hash begins with `text`.

    Raises:
        RefusedError: none, or several.
    """
    from edge_runtime.access.entry_states import entry_state, find_entry

    name = find_entry(runtime.store, text)
    found = entry_state(runtime.store, runtime.identity, runtime.keyring, name)
    header = found.entry.header
    return {
        "entry": str(name),
        "author": str(found.author),
        "by": by(runtime, found.author),
        "stream": str(header.stream),
        "session": str(header.session),
        "seq": header.seq,
        "state": found.state.value,
        "log_index": found.log_index,
        "not_in_order": _not_in_order(found),
    }


def by(runtime: Runtime, author: CertificateHash | None) -> dict[str, str] | None:
    """Who an author is, as other screens name it; None where this device cannot say."""
    certificate = None if runtime.waiting or author is None else runtime.identity.trust.certificate(author)
    if certificate is None or author is None:
        return None
    roles = sorted(runtime.keyring.organisation().now.roles(author)) or [certificate.value.role]
    return {
        "device": str(certificate.value.device),
        "user": str(certificate.value.user),
        "role": "+".join(role.value for role in roles),
    }


def say_entry(told: dict[str, Any]) -> None:
    """The same for a person."""
    say(f"Entry {told['entry']}")
    say(f"  by {author_words(told['author'], told['by'])}, number {told['seq']} of its chain in {told['stream'][:8]}")
    say(f"  {_STATES[told['state']]}")
    for one in told["not_in_order"]:
        say(safe(f"  {one['kind'].capitalize()}: {one['reason']}"))
        say(safe(f"    -> {one['do']}"))


def _not_in_order(found: EntryState) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    if found.refused is not None:
        code, reason = found.refused
        told.append({"kind": "refused", "code": code, "reason": reason, "do": refused_do(code)})
    if found.held is not None:
        told.append({"kind": "held", "code": found.held.code, "reason": found.held.got, "do": found.held.do})
    told += [
        {"kind": "disputed", "code": one.kind.value, "reason": DISPUTES[one.kind.value], "do": one.do}
        for one in found.disputes
    ]
    return told
