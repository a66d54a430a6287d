"""The audit is complete: the project's own verification finds what the faults explain, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterable

from edge_runtime.audit.device_source import DeviceSource, Holder
from server.relay.evidence import open_evidence
from sync_protocol.finding_list import Policy
from sync_protocol.findings import Finding, FindingKind, Severity
from sync_protocol.ids import RootHash
from sync_protocol.verification import verify
from tests.simulation.checkers.nothing_lost import surviving
from tests.simulation.power import rise_relay
from tests.simulation.world import World

NAME = "audit"
_RELAY_LIED = frozenset({"relay_rollback", "relay_wiped", "split_view"})
_DAY_MS = 24 * 3600 * 1000


def check(world: World) -> None:
    """Verified again from the root on, neither the relay's data nor a device's shows damage that no fault explains.

    Of the devices two are asked, by the seed's choice.

    A fork is explained by a thief or a restored device, time that runs back by a clock that was set, a relay that
    denied, split or rewrote its log by one that was restored, wiped or copied. A gap is explained where its author's
    device was restored and no place that is left holds what is missing: then it is lost, and the audit has to say so.
    """
    root = world.honest()[0].runtime.identity.root
    policy = Policy(root=RootHash(root.hash), unseen_ms=3650 * _DAY_MS, findings_max=50)
    world.relay.stop()
    with open_evidence(world.relay.folder, database_url=None, root=root.wire) as source:
        found = verify(source, now_ms=world.time.now_ms, policy=policy).findings
    rise_relay(world, world.relay)
    _judge(world, "the relay's data", found)
    for device in random.Random(f"audit/{world.seed}").sample(world.honest(), 2):
        runtime = device.runtime
        own = DeviceSource(Holder(runtime.store, runtime.identity, runtime.keyring))
        report = verify(own, now_ms=world.time.now_ms, policy=policy, found=own.notices())
        _judge(world, device.name, report.findings)


def _judge(world: World, where: str, findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.severity is Severity.DAMAGE and not _explained(world, finding):
            world.oracle.fail(NAME, f"{where}: {finding.kind.value} {dict(finding.evidence)}")


def _explained(world: World, finding: Finding) -> bool:
    faults = world.oracle.faults
    stolen = {str(world.ids[name]) for name in world.stolen}
    thief = bool(stolen & {str(finding.device), str(finding.evidence.get("named_by_device"))})
    match finding.kind:
        case FindingKind.FORK:
            restored = any(finding.device == world.ids[name] for name in world.restored)
            return thief or restored
        case FindingKind.RELAY_DENIED | FindingKind.RELAY_SPLIT | FindingKind.RELAY_REWROTE:
            return bool(_RELAY_LIED & faults.keys())
        case FindingKind.GAP:
            restored = any(finding.device == world.ids[name] for name in world.restored)
            return thief or (restored and _is_gone(world, str(finding.evidence.get("missing"))))
        case _:
            return thief


def _is_gone(world: World, missing: str) -> bool:
    """Whether some device once stored an entry, and none that is left does, nor the relay."""
    once = any(str(name) == missing for name in world.oracle.entries)
    return once and all(str(name) != missing for held in surviving(world).values() for name in held)
