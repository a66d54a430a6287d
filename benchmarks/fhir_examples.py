"""Fetches the whole set of official FHIR R4 examples for the import benchmark: 5,305 resources, 190 MB unpacked.

Owns one function. They are there where the set-up for tests installed them, by hash; elsewhere it needs `npm` on the
path and a registry within reach, and says so in one line where either is missing. What is fetched is checked against
the digest below before anything of it is unpacked.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

PACKAGE = "hl7.fhir.r4.examples@4.0.1"
ARCHIVE = "hl7.fhir.r4.examples-4.0.1.tgz"
SHA256 = "dce87f1b5b9341867033f7d1f544fa1b5232503f6d62813887ac6b8a8b6cb682"
FETCH_TIMEOUT_S = 300
INSTALLED = Path(__file__).resolve().parent.parent / "tests" / "node" / "node_modules" / "hl7.fhir.r4.examples"
"""Where the locked packages of `tests/node` hold them."""


class FetchError(Exception):
    """The examples cannot be had; the message is one line."""


def fetch(build_dir: Path) -> Path:
    """Fetch and unpack the examples, unless they are installed or there already.

    Args:
        build_dir: a folder for what the workshop makes.

    Returns:
        The folder that holds the examples, one `.json` file each, and the package's own `package.json`.

    Raises:
        FetchError: npm is missing, the registry is out of reach, or what came is not the package.
    """
    if (INSTALLED / "package.json").is_file():
        return INSTALLED
    target = build_dir / "fhir-r4-examples"
    if (target / "package" / "package.json").is_file():
        return target / "package"
    archive = build_dir / ARCHIVE
    if not archive.is_file():
        _pack(build_dir)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        archive.unlink()
        raise FetchError(f"{PACKAGE} came with other bytes than expected; nothing was unpacked")
    unpacking = build_dir / "fhir-r4-examples.part"
    shutil.rmtree(unpacking, ignore_errors=True)
    with tarfile.open(archive) as package:
        package.extractall(unpacking, filter="data")
    unpacking.rename(target)
    return target / "package"


def _pack(build_dir: Path) -> None:
    if shutil.which("npm") is None:
        raise FetchError(f"npm is needed to fetch {PACKAGE} for this benchmark; install Node.js, or leave it out")
    build_dir.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(build_dir)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=FETCH_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"npm could not fetch {PACKAGE}: {type(error).__name__}; try again with a network") from None
    if done.returncode or not (build_dir / ARCHIVE).is_file():
        raise FetchError(f"npm could not fetch {PACKAGE} (exit code {done.returncode}); try again with a network")
