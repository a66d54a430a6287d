"""The people and devices of the story, their input, and the secrets that must never be seen."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from edge_runtime.cli.demo.processes import Device
from edge_runtime.runtime import Runtime, entropy, open_home
from sync_protocol.sealing import ContentKey

ROLES: Final = {"tablet": "physician", "phone": "nurse", "kit": "emergency_responder"}
"""The devices that change charts, and the roles of those who hold them."""
OFFICER: Final = "officer"
"""The compliance officer's device: it reads who did what, and no chart."""
PATIENT: Final = "example"
"""The official example with the richest chart."""

PHRASES: Final = (
    "suspected pulmonary embolism, anticoagulation started",
    "allergy history taken from the husband by telephone",
    "Gemüse und Nüsse verträgt sie, Penicillin nicht",
    "evacuate by boat before nightfall, stretcher needed",
)
"""Written on the devices during the story; each must stay on them."""


def official_examples(folder: Path) -> tuple[Path, Path]:
    """Cut the packaged examples in two files: the story's patient, and everybody else.

    Returns:
        The two NDJSON files.
    """
    packed = files("edge_runtime").joinpath("data/fhir_r4/examples.ndjson.gz").read_bytes()
    one, others = folder / "patient.ndjson", folder / "others.ndjson"
    lines = gzip.decompress(packed).splitlines(keepends=True)
    mine = [line for line in lines if _is_of_patient(line)]
    one.write_bytes(b"".join(mine))
    others.write_bytes(b"".join(line for line in lines if line not in mine))
    return one, others


def _is_of_patient(line: bytes) -> bool:
    resource = json.loads(line)
    own = resource["resourceType"] == "Patient" and resource.get("id") == PATIENT
    return own or f'"Patient/{PATIENT}"'.encode() in line


def make_devices(folder: Path) -> dict[str, Device]:
    """The administrator's device, the officer's and the three of the story, each with its own home and passphrase."""
    names = ("administrator", OFFICER, *ROLES)
    return {name: Device(name, folder / name, f"demo-{entropy(12).hex()}") for name in names}


def secrets_of(devices: Iterable[Device], names: Sequence[str]) -> dict[str, bytes]:
    """Every key of every device, by a name that may be shown, and the passphrases.

    Args:
        devices: whose homes to open; nobody else uses them now.
        names: the stored values that are secret.
    """
    found: dict[str, bytes] = {}
    for device in devices:
        found[f"passphrase of {device.name}"] = device.passphrase.encode()
        with open_home(device.home, device.passphrase) as runtime:
            keys = runtime.identity.keys
            found[f"signing key of {device.name}"] = keys.signer.reveal()
            found[f"wrapping key of {device.name}"] = keys.wrap.reveal()
            for name in names:
                value = runtime.store.get_value(name)
                if value is not None:
                    found[f"{name} of {device.name}"] = value
            for number, key in enumerate(epoch_keys(runtime)):
                found[f"epoch key {number} of {device.name}"] = key.reveal()
    return found


def epoch_keys(runtime: Runtime) -> list[ContentKey]:
    """Every epoch key that a device can open."""
    keys: list[ContentKey] = []
    for chart in runtime.keyring.charts():
        membership = runtime.keyring.membership(chart)
        epochs = () if membership is None else membership.epochs.values()
        opened = (runtime.keyring.open_epoch(chart, epoch) for epoch in epochs)
        keys.extend(key for key in opened if key is not None)
    return keys
