"""The people and devices of the story, their input, and the secrets that must never be seen."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from edge_runtime.break_glass.token import open_token
from edge_runtime.cli.demo.processes import Device
from edge_runtime.runtime import Runtime, entropy, open_home
from edge_runtime.vault.passphrase import Passphrase
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.sealing import ContentKey

ROLES: Final = {"tablet": "physician", "phone": "nurse", "kit": "emergency_responder"}
"""The devices that change charts, and the roles of those who hold them."""
OFFICER: Final = "officer"
"""The compliance officer's device: it reads who did what, and no chart."""
STRANGER: Final = "ambulance"
"""The device of a responder who knows nobody here, and breaks the glass."""
PATIENT: Final = "example"
"""The official example with the richest chart."""

OFFLINE: Final = (
    "suspected pulmonary embolism, anticoagulation started",
    "allergy history taken from the husband by telephone",
    "Gemüse und Nüsse verträgt sie, Penicillin nicht",
    "evacuate by boat before nightfall, stretcher needed",
)
"""What three people wrote without a network."""
FORGED: Final = "stop the anticoagulation, send her home tonight"
"""What a thief wrote with a stolen tablet."""
SAID: Final = "61 year old man with dizziness for 3 weeks"
DICTATED: Final = f"""{SAID}. No chest pain. Takes metformin 850 mg twice daily. No known allergies.
Pulse 76, blood pressure 168 over 98. Regular heart sounds, no oedema.
Impression is high blood pressure. Candesartan 8 mg once daily. Kidney function today. Review in two weeks."""
"""What the physician dictates; what a model makes of it must stay on the devices as well."""
WHY: Final = "found alone at the landing stage, answers nobody"
"""Why the stranger broke the glass."""
PHRASES: Final = (*OFFLINE, FORGED, SAID, WHY)
"""Written on the devices during the story; each must stay on them."""
_DESK_KEYS: Final = "desk.key"


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
    """Everybody's devices, each with its own home and passphrase; the stranger's is not enrolled before its chapter."""
    names = ("administrator", OFFICER, *ROLES, STRANGER)
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
            for number, team in enumerate(team_keys(runtime)):
                found[f"team key {number} of {device.name}"] = team.reveal()
    return found


def emergency_secrets(token: Path, token_passphrase: str) -> dict[str, bytes]:
    """What opens the inner layer behind broken glass: the facility's token, and the passphrase that closes it."""
    seed = open_token(token.read_text(encoding="ascii"), Passphrase(token_passphrase)).reveal()
    return {"token": seed, "passphrase of the token": token_passphrase.encode()}


def desk_secrets(home: Path) -> dict[str, bytes]:
    """The desk's own keys: what takes the outer layer off, and what signs."""
    seeds = (home / _DESK_KEYS).read_bytes()
    half = len(seeds) // 2
    return {"wrapping key of the desk": seeds[:half], "signing key of the desk": seeds[half:]}


def epoch_keys(runtime: Runtime) -> list[ContentKey]:
    """Every epoch key that a device can open."""
    keys: list[ContentKey] = []
    for chart in runtime.keyring.charts():
        membership = runtime.keyring.membership(chart)
        epochs = () if membership is None else membership.epochs.values()
        opened = (runtime.keyring.open_epoch(chart, epoch) for epoch in epochs)
        keys.extend(key for key in opened if key is not None)
    return keys


def team_keys(runtime: Runtime) -> list[WrapPrivateKey]:
    """Every private key of a team that a device can open."""
    teams = runtime.keyring.organisation().now.teams.values()
    opened = (runtime.keyring.open_team(epoch) for team in teams for epoch in team.epochs.values())
    return [key for key in opened if key is not None]
