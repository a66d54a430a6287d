"""The table of kinds in `docs/audit.md`, from the code. `python -m tests.unit.sync_protocol.audit_table` writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sync_protocol.audit import CATALOGUE, AuditKind, Stands

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "audit.md"
_BEGIN: Final = "<!-- table: kinds -->\n"
_END: Final = "\n<!-- end -->"
_ACTIONS: Final = {"C": "create", "R": "read", "U": "update", "D": "delete", "E": "execute"}
_STANDS: Final = {Stands.CHART: "chart", Stands.LEDGER: "ledger", Stands.DERIVED: "is the entry"}


def rows() -> str:
    """A row a kind, in the catalogue's order."""
    head = ["| kind | code | title | action | risk | recorded in |", "| --- | --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *map(_row, CATALOGUE)])


def _row(kind: AuditKind) -> str:
    code = str(kind.code) if kind.code else ""
    cells = (f"`{kind.name}`", code, kind.title, _ACTIONS[kind.action], kind.risk.name.lower(), _STANDS[kind.stands])
    return "| " + " | ".join(cells) + " |"


def written() -> str:
    """The table as the document has it."""
    found = re.search(re.escape(_BEGIN) + "(.*?)" + re.escape(_END), DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, "the document has the table's place"
    return found[1]


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(text.replace(_BEGIN + written() + _END, _BEGIN + rows() + _END), encoding="utf-8")
