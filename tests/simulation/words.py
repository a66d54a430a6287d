"""What devices write in a simulation. Every phrase holds a mark that no key, header or hash can hold by chance."""

from __future__ import annotations

import random
from typing import Any, Final

MARK: Final = "Zyzzogeton"
"""Stands in every name and phrase: where it is found outside a device, something was not sealed."""
NAMES: Final = tuple(f"{MARK} {name}" for name in ("Ana Lima", "Jürgen Käse", "O'Hara 🍀", "Nguyễn Thị", "李雷"))
SECTIONS: Final = ("plan", "history", "subjective", "assessment")
_WORDS: Final = ("Rest", "Walk", "50 mg", "250 mg", "naïve", "Käse 🍀", "twice", "daily", "stop", "e\u0301té", MARK)


def phrase(rng: random.Random) -> str:
    """A few words."""
    return " ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 4))) + " " + MARK


def edited(rng: random.Random, text: str) -> str:
    """The text as somebody leaves it after typing."""
    words = text.split(" ") if text else []
    at = rng.randint(0, len(words))
    match rng.randrange(4):
        case 0 if words:
            del words[min(at, len(words) - 1)]
        case 1 if words:
            words[min(at, len(words) - 1)] = rng.choice(_WORDS)
        case _:
            words[at:at] = phrase(rng).split(" ")
    return " ".join(words[:40])


def stated(rng: random.Random) -> tuple[str, dict[str, Any]]:
    """A fact that a clinician may state: its kind and payload."""
    note = f"{MARK} {rng.randrange(8)}"
    return rng.choice(
        (
            ("status", {"to": rng.choice(("active", "paused", "completed"))}),
            ("allergy", {"text": f"Penicillin {note}", "severity": "severe"}),
            ("allergy", {"text": f"Penicillin {note}", "verification": "refuted"}),
            (
                "medication",
                {"text": f"Metoprolol {note}", "dose": rng.choice(("25", "50")), "unit": "mg", "action": "start"},
            ),
            ("medication", {"text": f"Metoprolol {note}", "action": "stop"}),
            (
                "observation",
                {
                    "code": "8867-4",
                    "system": "http://loinc.org",
                    "text": f"Pulse {note}",
                    "value": str(rng.randint(40, 180)),
                    "unit": "/min",
                },
            ),
        )
    )
