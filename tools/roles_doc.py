"""Writes docs/roles.md from the one table of roles, so that the page can say nothing else than the code does.

Owns the words around the table. `make roles` writes the page; with `--check`, as in `make check`, it only compares and
exits 1 where they differ. A role without its sentence fails: nobody gets rights that the page does not explain.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from sync_protocol.roles import RIGHTS, TEXT, Compartment, Role

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "roles.md"

ABOUT: Final = {
    Role.PHYSICIAN: "Treats, and answers for it. Alone states diagnoses, and alone reads what is kept apart.",
    Role.NURSE: "Treats, often alone in a field post: opens documents, and writes all of the chart except diagnoses.",
    Role.CLINICAL_ADMIN: "Runs the ward: who the patient is, what is open, for whom, where. Nothing about findings.",
    Role.ADMIN: "Certifies and revokes devices. Reads no chart and writes in none.",
    Role.EMERGENCY_RESPONDER: "First on the scene: triage, findings, what was given and done, and the text about it.",
    Role.LAB_TECHNICIAN: "Answers an order: results and their corrections, the step that the order asked for, reports.",
    Role.DATA_SCIENTIST: "Works on what is exported for research. Reads no chart and writes in none.",
    Role.COMPLIANCE_OFFICER: "Sees who did what, and when. Reads no content, writes none.",
}
"""One sentence or two for each role."""

_HEAD: Final = """# Roles

<!-- Made from sync_protocol/roles.py by `make roles`. Change the table there; `make check` compares the page. -->

A role stands in the certificate of a (device, user); a later record may change it. It bounds what its holder may read
and what its holder may state in a chart that it belongs to. It gives access to no chart: a member, a team or a broken
glass does.

## Who reads what

"""

_READING: Final = """
A compartment is what one key opens, so this table holds by cryptography and by no server's good will. An epoch key of a
compartment is wrapped to members whose role reads it, and every device judges that again before it accepts the epoch.
Whoever writes into a compartment holds its key, and so can read it: that is why a laboratory reads the clinical
compartment. `safety` holds allergies, medications, problems, triage, identity and status; `clinical` all else;
`sensitive` what law or patient keeps apart; `audit` who read, exported or was refused, without content. The founder of
a chart reads it as far as its role does. Every device writes and reads its own audit ledger, whatever its role.

## Who states what

"""

_WRITING: Final = f"""
`{TEXT}` is a change of a text section; every other word is a kind of fact. A kind of a newer version, which is not in
the table, may be stated by every role that may state anything.

Nobody can be kept from signing. Writing is judged by every receiver, from the signed entry and from the role that its
author had by the control records that the entry names as seen, so that all reach one verdict:

- **accepted**: the role states this kind.
- **flagged**: it did by all that its author had seen, and a change that the author had not seen says otherwise. The
  fact counts, and is shown as concurrent with a change of role or membership.
- **void**: it did not, and the author could know. That fact alone is left out everywhere; the others of its entry
  stand. It is kept, and listed with its reason. An honest device refuses to sign such a fact.
- **quarantined**: the author was revoked, and the entry is outside the cut; see [protocol.md](protocol.md). A member
  who may state the kind, and is not its author, may adopt it.

Nothing is deleted. To delete a document is to state its status `error`, with the reason. Whoever corrects a statement
of somebody else must have a role that states the kind.
"""


def page() -> str:
    """The page, as it must stand in docs/.

    Raises:
        KeyError: a role has no sentence in `ABOUT`.
    """
    reading = _table(
        ("role", *(one.name.lower() for one in Compartment), ""),
        [(f"`{role}`", *(_tick(one in RIGHTS[role].reads) for one in Compartment), ABOUT[role]) for role in Role],
    )
    kinds = sorted(frozenset().union(*(rights.writes for rights in RIGHTS.values())) - {TEXT})
    writers = [role for role in Role if RIGHTS[role].writes]
    silent = ", ".join(f"`{role}`" for role in Role if not RIGHTS[role].writes)
    writing = _table(
        ("kind", *(f"`{role}`" for role in writers)),
        [(f"`{kind}`", *(_tick(kind in RIGHTS[role].writes) for role in writers)) for kind in (*kinds, TEXT)],
    )
    return f"{_HEAD}{reading}{_READING}{writing}\nNothing at all is stated by {silent}.\n{_WRITING}"


def _tick(holds: bool) -> str:  # noqa: FBT001 the one thing that it is given
    return "yes" if holds else "-"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: list[str] | None = None) -> int:
    """0 where the page stands as it must, 1 where `--check` found that it does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page is another")
    parser.add_argument("--page", type=Path, default=PAGE, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.check:
        options.page.write_text(page(), encoding="utf-8")
        return 0
    if options.page.exists() and options.page.read_text(encoding="utf-8") == page():
        return 0
    print(f"{options.page.name}: is not what the table of roles says; run `make roles`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
