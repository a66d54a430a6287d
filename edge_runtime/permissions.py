"""What this device refuses of its own accord: what its user's role may not state, what the patient did not permit.

Owns the two refusals, in words. Every receiver judges the same again by what was signed; an honest device never makes
what would be void there. Source: `docs/roles.md`; `docs/protocol.md`, section Verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from edge_runtime.errors import RefusedError
from sync_protocol.chart_records import Purpose
from sync_protocol.ids import ChartId
from sync_protocol.roles import TEXT

Writable: TypeAlias = Callable[[str], bool]
"""Whether this device's user may now state facts of a kind, or `roles.TEXT`."""

ROLE: Final = "role_may_not_state"
CONSENT: Final = "no_consent"


def check_writable(kind: str, writable: Writable) -> None:
    """Refuse what would be void at every receiver.

    Raises:
        RefusedError: this device's role may not state this kind.
    """
    if not writable(kind):
        what = "changes of text sections" if kind == TEXT else f"facts of kind {kind}"
        raise RefusedError(
            ROLE,
            expected=f"a role that may state {what}",
            got="the role of this device's user, which may not",
            do="ask a member whose role may; docs/roles.md has the table",
        )


def check_consent(chart: ChartId, lacks: Purpose | None) -> None:
    """Refuse what the patient did not permit.

    Raises:
        RefusedError: the consent `lacks` is wanting.
    """
    if lacks is None:
        return
    raise RefusedError(
        CONSENT,
        expected=f"a patient who permits {lacks.value.replace('_', ' ')}",
        got=f"chart {chart.short}, where this is denied or was never permitted",
        do="record a consent once the patient gives it; in an emergency, break the glass, with a reason",
    )
