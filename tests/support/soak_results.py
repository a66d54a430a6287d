"""Where a soak leaves its outcome: one JSON file in `build/soak`, with the commit that it ran on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "soak"


def write_down(name: str, result: dict[str, object]) -> None:
    """Keep a soak's outcome with the commit that it ran on."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    text = json.dumps({"commit": commit or None, **result}, indent=1) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
