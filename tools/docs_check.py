"""Checks the documents against the project: links, make targets, and a row for every direct dependency.

Owns no opinion on wording. It reads every Markdown file in the repository root and under docs/, and prints one line a
fault. Links to the outside are not followed: a check must give the same answer without a network.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

FENCE = re.compile(r"(?ms)^(```|~~~).*?^\1")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(<?([^)\s>]+)>?\)")
HEADING = re.compile(r"(?m)^#{1,6} +(.+?) *#*$")
MAKE = re.compile(r"`make ([a-z][a-z-]*)")
TARGET = re.compile(r"(?m)^([a-z-]+):.*## ")
ROW = re.compile(r"(?m)^\| *`([^`]+)`")
NAME = re.compile(r"[A-Za-z0-9._-]+")


def prose(path: Path) -> str:
    """A document without its fenced code, where a bracket is no link."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors that a document's headings get on the usual forges."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(path)))
    return set(headings)


def link_faults(root: Path, document: Path) -> list[str]:
    """Links of one document that lead nowhere."""
    found = []
    here = document.relative_to(root)
    for link in LINK.findall(prose(document)):
        if "://" in link or link.startswith("mailto:"):
            continue
        file_part, _, anchor = link.partition("#")
        target = (document.parent / file_part).resolve() if file_part else document
        if not target.exists() or not target.is_relative_to(root):
            found.append(f"{here}: link to {link} leads nowhere")
        elif anchor and target.suffix == ".md" and anchor.lower() not in anchors(target):
            found.append(f"{here}: link to {link} names no heading of {target.relative_to(root)}")
    return found


def dependency_names(root: Path) -> set[str]:
    """Every package that pyproject.toml asks for itself."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra in project.get("optional-dependencies", {}).values():
        lines += extra
    return {match[0] for line in lines if (match := NAME.match(line))}


def faults(root: Path) -> list[str]:
    """Everything in the documents that is not so, one line each."""
    root = root.resolve()
    targets = set(TARGET.findall((root / "Makefile").read_text(encoding="utf-8")))
    found = []
    for document in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")]):
        found += link_faults(root, document)
        unknown = [name for name in MAKE.findall(document.read_text(encoding="utf-8")) if name not in targets]
        found += [f"{document.relative_to(root)}: `make {name}` is no target of the Makefile" for name in unknown]
    described = set(ROW.findall((root / "docs" / "dependencies.md").read_text(encoding="utf-8")))
    found += [f"docs/dependencies.md: no row for {name}" for name in sorted(dependency_names(root) - described)]
    return found


def main() -> int:
    """0 where every document holds, 1 where one does not."""
    found = faults(Path(__file__).resolve().parent.parent)
    for line in found:
        print(line, file=sys.stderr)
    print("documents: nothing found" if not found else f"documents: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
