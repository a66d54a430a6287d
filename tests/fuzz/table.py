"""Every target, by name. A decoder that meets strangers' bytes is registered here by one entry."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tests.fuzz import (
    blob_targets,
    chart_targets,
    edge_targets,
    fhir_targets,
    planted_targets,
    protocol_targets,
    text_targets,
)
from tests.fuzz.target import Entry, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGETS: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "cbor": Entry(8, protocol_targets.cbor),
        "frames": Entry(12, protocol_targets.frames),
        "frame_stream": Entry(2, protocol_targets.frame_stream),
        "records": Entry(20, protocol_targets.all_records),
        "packs": Entry(6, protocol_targets.packs),
        "control": Entry(6, protocol_targets.control),
        "audit": Entry(3, protocol_targets.audit),
        "headers": Entry(6, protocol_targets.headers),
        "signed": Entry(4, protocol_targets.signed),
        "notes": Entry(3, protocol_targets.notes),
        "sealed_bodies": Entry(2, protocol_targets.sealed_bodies),
        "log_bundles": Entry(1, protocol_targets.log_bundles),
        "evidence_frames": Entry(4, protocol_targets.evidence_frames),
        "evidence_files": Entry(1, protocol_targets.evidence_files),
        "bundles": Entry(2, protocol_targets.bundles),
        "manifests": Entry(3, blob_targets.manifests),
        "chunks": Entry(1, blob_targets.chunks),
        "relays_word": Entry(1, blob_targets.relays_word),
        "organisation_file": Entry(1, protocol_targets.organisation_file),
        "invitations": Entry(2, edge_targets.invitations),
        "enrolment": Entry(2, edge_targets.enrolment),
        "contents": Entry(4, edge_targets.contents),
        "charts": Entry(6, chart_targets.charts),
        "bridge_frames": Entry(5, edge_targets.bridge_frames),
        "backups": Entry(2, edge_targets.backups),
        "paper": Entry(1, edge_targets.paper),
        "imports": Entry(2, edge_targets.imports),
        "fhir_files": Entry(2, fhir_targets.fhir_files),
        "screened": Entry(20, text_targets.screened),
        "updates": Entry(20, text_targets.updates),
    }
)


def shares(inputs: int, only: str | None) -> dict[str, int]:
    """How many inputs each target gets: by weight, together exactly `inputs`."""
    chosen = {name: entry.weight for name, entry in TARGETS.items() if only is None}
    if only is not None:
        chosen = {only: 1}
    total = sum(chosen.values())
    found, given, weight = {}, 0, 0
    for name, own in chosen.items():
        weight += own
        found[name] = inputs * weight // total - given
        given += found[name]
    return found


PLANTED: Final[Mapping[str, Entry]] = MappingProxyType(
    {name: Entry(1, make) for name, make in planted_targets.PLANTED.items()}
)
"""Targets with a fault, which the fuzzer must find; they are asked for by name only."""


def target_of(name: str) -> Target:
    """Make a target."""
    return (TARGETS.get(name) or PLANTED[name]).make()
