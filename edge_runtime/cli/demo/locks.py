"""Whether somebody who is out stays out: every key that a device holds, tried on every lock made since.

Owns the trying. It goes round the program's own rules: an outsider's keys are tried on each wrap of each new key, for
whomever that wrap is. The same is tried with a member's keys, because locks that nobody can open would prove nothing.
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
        new: keys of the chart that are newer than what the outsider has seen of it.
        by_outsider: those that the outsider opens.
        by_member: those that a member opens.
        held: keys that the outsider held of before, which it keeps.
    """

    new: int = 0
    by_outsider: int = 0
    by_member: int = 0
    held: int = 0

    @property
    def out(self) -> bool:
        """Whether the outsider opens none, and a member all of them."""
        return self.by_outsider == 0 < self.new == self.by_member


def try_keys(outsider: Device, member: Device, name: str) -> Tried:
    """Try what an outsider holds on the keys of a chart that it has never seen.

    Args:
        outsider: was let in before.
        member: has everything that was written since.
        name: of the chart.
    """
    chart = ChartId.parse(name)
    with open_home(outsider.home, outsider.passphrase) as out, open_home(member.home, member.passphrase) as within:
        seen = _epochs(out, chart)
        new = [epoch for epoch in _epochs(within, chart) if epoch.id not in {one.id for one in seen}]
        # Team keys minted since may have a wrap for the outsider: those records are the member's.
        teams = [epoch for team in within.keyring.organisation().now.teams.values() for epoch in team.epochs.values()]
        fresh = [key for epoch in teams if (key := out.keyring.open_team(epoch)) is not None]
        private = [out.identity.keys.wrap, *team_keys(out), *fresh]
        held = {key.reveal() for key in epoch_keys(out)}
        return Tried(
            new=len(new),
            by_outsider=sum(_opens(out, chart, epoch, private) or _knows(within, chart, epoch, held) for epoch in new),
            by_member=sum(within.keyring.open_epoch(chart, epoch) is not None for epoch in new),
            held=len(held),
        )


def _epochs(runtime: Runtime, chart: ChartId) -> Sequence[Epoch]:
    membership = runtime.keyring.membership(chart)
    return () if membership is None else tuple(membership.epochs.values())


def _opens(runtime: Runtime, chart: ChartId, epoch: Epoch, private: Sequence[WrapPrivateKey]) -> bool:
    """Whether any of some private keys opens any wrap of an epoch."""
    found = (runtime.keyring.open_with(chart, epoch, key, recipient) for key in private for recipient in epoch.wraps)
    return any(key is not None for key in found)


def _knows(member: Runtime, chart: ChartId, epoch: Epoch, held: Collection[bytes]) -> bool:
    """Whether an epoch's key, which a member opens, is one that was in use before."""
    key = member.keyring.open_epoch(chart, epoch)
    return key is not None and key.reveal() in held
