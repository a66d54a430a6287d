"""What two validators of other people say of a resource: `@medplum/core` under node, and `fhir.resources`.

Owns the way to ask them. Each says only whether it takes a resource: neither is asked where it sees a fault, which is
in their favour. `fhir.resources` no longer has R4 but R4B, which changed what is about evidence, subscriptions and the
definition of medicines, none of which is asked for here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

NODE: Final = Path(__file__).parents[1] / "node"
NAME: Final = "node with tests/node/node_modules/@medplum/core"
HOW: Final = "a second opinion on FHIR resources; install node 20.19 or newer with npm, then run `make set-up`"
MEDPLUM: Final = "@medplum/core"
FHIR_RESOURCES: Final = "fhir.resources"
_TIMEOUT_S: Final = 600
_FAULTS: Final = frozenset({"fatal", "error"})


def is_there() -> bool:
    """Whether node and Medplum's validator are installed."""
    return shutil.which("node") is not None and (NODE / "node_modules" / "@medplum" / "core").is_dir()


def medplum_takes(resources: Sequence[Any]) -> list[bool]:
    """Whether Medplum's validator finds nothing wrong with each resource."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resources.ndjson"
        path.write_text("".join(json.dumps(one) + "\n" for one in resources), encoding="utf-8")
        command = ["node", str(NODE / "validate_resources.mjs"), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
    answer = json.loads(done.stdout)
    assert answer["checked"] == len(resources), "one answer a resource"
    wrong = {fault["line"] for fault in answer["faults"] if fault["severity"] in _FAULTS}
    return [line not in wrong for line in range(1, len(resources) + 1)]


def fhir_resources_takes(resource: Any) -> bool:
    """Whether the models of `fhir.resources` take a resource."""
    kind = resource["resourceType"]
    model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    try:
        model.model_validate(resource)
    except ValueError:
        return False
    return True
