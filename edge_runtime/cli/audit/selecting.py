"""The filters that `audit timeline` and `audit export` share: options, and what a person means by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.errors import InputError
from sync_protocol.audit import KINDS, Risk

if TYPE_CHECKING:
    from edge_runtime.audit.selection import Selection
    from edge_runtime.runtime import Runtime


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filters."""
    risks = [risk.name.lower() for risk in Risk]
    for option in (
        click.option("--until", metavar="DATE", help="Up to this day, or before this time; ISO 8601, UTC."),
        click.option("--since", metavar="DATE", help="From this day or time on; ISO 8601, UTC."),
        click.option("--risk", type=click.Choice(risks), help="This level at least."),
        click.option("--kind", "kinds", metavar="NAME", multiple=True, help="Acts of this kind; may be repeated."),
        click.option("--device", metavar="ID", help="Acts on this device; its id, or the beginning of it."),
        click.option("--user", metavar="ID", help="Acts of this person; the id, or the beginning of it."),
        click.option("--chart", "--patient", "chart", metavar="ID", help="Acts on this chart, or its beginning."),
    ):
        command = option(command)
    return command


def selection_of(runtime: Runtime, options: dict[str, Any]) -> Selection:
    """Read the filters; takes them out of `options`.

    Raises:
        RefusedError: an id that fits none or several.
        InputError: no such kind, or no date.
    """
    from edge_runtime.audit.selection import Selection
    from edge_runtime.recorder.naming import one_named

    certificates = [certificate.value for certificate in runtime.identity.trust.certificates()]
    chart, user, device, risk = (options.pop(name) for name in ("chart", "user", "device", "risk"))
    since, until = options.pop("since"), options.pop("until")
    seen = "see 'fieldward audit timeline --json'"
    users, devices = {one.user for one in certificates}, {one.device for one in certificates}
    return Selection(
        chart=None if chart is None else one_named(chart, runtime.keyring.charts(), "chart", seen),
        user=None if user is None else one_named(user, users, "user", seen),
        device=None if device is None else one_named(device, devices, "device", seen),
        kinds=_kinds(options.pop("kinds")),
        risk=None if risk is None else Risk[risk.upper()],
        since_ms=None if since is None else _time(since, end=False),
        until_ms=None if until is None else _time(until, end=True),
    )


def record_look(runtime: Runtime, name: str, selection: Selection, count: int, **words: str) -> None:
    """Record that the audit trail is about to be shown or exported: how much of it, by which filters.

    Raises:
        StoreError: it cannot be recorded; do not do it.
    """
    from sync_protocol.audit import Purpose
    from sync_protocol.roles import Role

    officer = runtime.identity.certificate.role is Role.COMPLIANCE_OFFICER
    runtime.auditor.record(
        name,
        purpose=Purpose.COMPLIANCE if officer else Purpose.OPERATIONS,
        charts=() if selection.chart is None else (selection.chart,),
        count=count,
        detail={**selection.words(), **words},
    )


def _kinds(names: tuple[str, ...]) -> frozenset[str]:
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise InputError(
            "audit_kind", expected=f"one of {', '.join(KINDS)}", got=f"{unknown[0][:48]!r}", do="name one of these"
        )
    return frozenset(names)


def _time(text: str, *, end: bool) -> int:
    """A day or a time as milliseconds since 1970; `end` takes the whole of a day."""
    try:
        found = datetime.fromisoformat(text)
        if end and len(text) <= len("2026-01-31"):
            found += timedelta(days=1)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InputError(
            "date",
            expected="a day as 2026-01-31, or a time as 2026-01-31T13:45",
            got=f"{text[:32]!r}",
            do="write it so; it is read as UTC",
        ) from None
