"""Writes the validator's table: the same bytes from the same package, on any machine.

    python -m tools.fhir_tables            write edge_runtime/data/fhir_r4/definitions.json.gz
    python -m tools.fhir_tables --check    only compare; 1 if it differs

The package is the one that `make set-up` installs for the tests under node.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path
from typing import Any, Final

from tools.fhir_tables.codes import codes_of
from tools.fhir_tables.package import LICENCE, PACKAGE, PackageError, read
from tools.fhir_tables.profiles import extensions_of, profiles_of
from tools.fhir_tables.types import Interned, Types

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "tests" / "node" / "node_modules" / PACKAGE[0]
TARGET: Final = ROOT / "edge_runtime" / "data" / "fhir_r4" / "definitions.json.gz"


def main() -> int:
    """Write or compare the table; 0 when done or equal, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tools.fhir_tables", description=__doc__.partition("\n")[0])
    parser.add_argument("--source", type=Path, default=SOURCE, help="the unpacked package")
    parser.add_argument("--check", action="store_true", help="compare with the table that is there")
    options = parser.parse_args()
    try:
        made = packed(options.source)
    except (PackageError, OSError) as error:
        print(f"fhir_tables: {error}", file=sys.stderr)
        return 1
    if options.check:
        same = TARGET.read_bytes() == made
        print("the table is up to date" if same else "the table differs: run python -m tools.fhir_tables")
        return 0 if same else 1
    TARGET.write_bytes(made)
    print(f"{TARGET.relative_to(ROOT)}: {len(made)} bytes")
    return 0


def packed(source: Path) -> bytes:
    """The table, compressed.

    Raises:
        PackageError: another package or version, or a definition that this does not understand.
    """
    text = json.dumps(table(source), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def table(source: Path) -> dict[str, Any]:
    """The table as `edge_runtime/fhir/validation/definitions.py` reads it.

    Raises:
        PackageError: another package or version, or a definition that this does not understand.
    """
    definitions = read(source)
    interned = Interned()
    types = Types(definitions, interned)
    types.build()
    profiles = profiles_of(definitions, interned, types.bindings)
    extensions = extensions_of(definitions, interned, types.bindings)
    codes = {url: codes_of(url, definitions) for url in sorted(types.bindings)}
    return {
        "fhir": PACKAGE[1],
        "source": {"package": PACKAGE[0], "version": PACKAGE[1], "licence": LICENCE, "sha256": definitions.digest},
        "rules": [list(rule) for rule in interned.rules],
        "types": types.rows,
        "codes": {url: each for url, each in codes.items() if each is not None},
        "unlisted": [url for url, each in codes.items() if each is None],
        "profiles": profiles,
        "extensions": extensions,
    }


if __name__ == "__main__":
    sys.exit(main())
