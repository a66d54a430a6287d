"""Whether somebody who is out stays out: every key that a device holds, tried on every lock made since.

Owns the trying. It goes round the program's own rules: an outsider's keys are tried on each wrap of each new key, for
whomever that wrap is. Two counts show that the trying is worth something: of the new keys that a member opens, and of
the earlier ones that the outsider opens in the very same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_runtime.cli.demo.cast import epoch_keys, team_keys
from edge_runtime.runtime import open_home
from sync_protocol.ids import ChartId

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from edge_runtime.cli.demo.processes import Device
    from edge_runtime.runtime import Runtime
    from sync_protocol.epochs import Epoch
    from sync_protocol.key_wrap import WrapPrivateKey


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it.

    Attributes:
        new: keys of the chart that were made since the members know that the outsider is out.
        by_outsider: those that the outsider opens.
        by_member: those that a member opens.
        before: earlier keys that the outsider opens by the same trying.
    """

    new: int = 0
    by_outsider: int = 0
    by_member: int = 0
    before: int = 0

    @property
    def out(self) -> bool:
        """Whether the outsider, who opened earlier ones, opens none of the new, and a member all of them."""
        return self.by_outsider == 0 < self.new == self.by_member and self.before > 0


def try_keys(outsider: Device, member: Device, name: str, *, since_ms: int) -> Tried:
    """Try what an outsider holds on the newest keys of a chart.

    Args:
        outsider: was let in before.
        member: has everything that was written since.
        name: of the chart.
        since_ms: when all members knew that the outsider is out; all devices of the demo have one clock.
    """
    chart = ChartId.parse(name)
    with open_home(outsider.home, outsider.passphrase) as out, open_home(member.home, member.passphrase) as within:
        new, earlier = _epochs(within, chart, since_ms)
        # Team keys minted since may have a wrap for the outsider: those records are the member's.
        teams = [epoch for team in within.keyring.organisation().now.teams.values() for epoch in team.epochs.values()]
        fresh = [key for epoch in teams if (key := out.keyring.open_team(epoch)) is not None]
        private = [out.identity.keys.wrap, *team_keys(out), *fresh]
        held = {key.reveal() for key in epoch_keys(out)}
        return Tried(
            new=len(new),
            by_outsider=sum(_opens(out, chart, epoch, private) or _knows(within, chart, epoch, held) for epoch in new),
            by_member=sum(within.keyring.open_epoch(chart, epoch) is not None for epoch in new),
            before=sum(_opens(out, chart, epoch, private) for epoch in earlier),
        )


def _epochs(member: Runtime, chart: ChartId, since_ms: int) -> tuple[list[Epoch], list[Epoch]]:
    """The epochs of a chart that were minted from a time on, and those before."""
    membership = member.keyring.membership(chart)
    epochs = {} if membership is None else membership.epochs
    found: tuple[list[Epoch], list[Epoch]] = ([], [])
    for entry in member.keyring.control_entries(chart):
        if entry.hash in epochs:
            found[entry.wall_ms < since_ms].append(epochs[entry.hash])
    return found


def _opens(runtime: Runtime, chart: ChartId, epoch: Epoch, private: Sequence[WrapPrivateKey]) -> bool:
    """Whether any of some private keys opens any wrap of an epoch."""
    found = (runtime.keyring.open_with(chart, epoch, key, recipient) for key in private for recipient in epoch.wraps)
    return any(key is not None for key in found)


def _knows(member: Runtime, chart: ChartId, epoch: Epoch, held: Collection[bytes]) -> bool:
    """Whether an epoch's key, which a member opens, is one that was in use before."""
    key = member.keyring.open_epoch(chart, epoch)
    return key is not None and key.reveal() in held
