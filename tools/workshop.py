"""Makes `.venv` for a purpose, and makes the locks; owns nothing else.

`setup PURPOSE` installs the locks of that purpose, every file by its hash, and the project itself as an editable
package. A stamp inside `.venv` holds the SHA-256 of what was installed, so a second call returns at once and needs no
network; a set-up that was interrupted leaves no stamp and is made afresh. `lock` resolves the requirements again.
Where node is there, the set-up for tests also installs the checkers of `tests/node` from their own lock, by hash.

It runs before anything is installed: standard library only, and its syntax must parse on any Python 3.7 or newer, so
that a too old one gets a sentence and not a traceback. It refuses to guess: no other index, no unpinned package.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON_MIN = (3, 11)
STAMP_NAME = "fieldward-setup.json"
HTTP_TIMEOUT_S = "120"

PROJECT = ["pyproject.toml", "tools/build_codes.py", "edge_runtime/codes/folding.py"]
"""What the editable install is made from: its metadata, and what compiles the codes on the way."""
COMPILED = "edge_runtime/data/codes/icd10cm.sqlite3"
"""What the editable install leaves in the working copy; a set-up without it is not finished."""

LOCKS: dict[str, str] = {"run": "server.txt", "dev": "dev.txt", "ai": "ai.txt", "maker": "maker.txt"}
"""Purpose to lock."""
MEANING: dict[str, str] = {
    "run": "run",
    "dev": "run, test and check",
    "ai": "run models on this device",
    "maker": "make models",
}
COVERS: dict[str, frozenset[str]] = {"dev": frozenset({"run"})}
"""Purposes that a purpose already includes: the tests' environment also runs the program."""
TOOL_LOCKS = ("build.txt", "uv.txt")
"""Installed for every purpose: what builds the editable package, and the installer itself."""

NODE = "tests/node"
"""Checkers that run under node, in the set-up for tests alone."""
NODE_LOCKS = [f"{NODE}/package.json", f"{NODE}/package-lock.json"]

RECIPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("uv.txt", ("requirements/uv.in",)),
    ("build.txt", ("requirements/build.in",)),
    ("run.txt", ("pyproject.toml",)),
    ("server.txt", ("pyproject.toml", "--extra=server", "--extra=fhir", "--extra=units", "--extra=ai")),
    ("ai.txt", ("pyproject.toml", "--extra=ai", "--extra=vision")),
    ("maker.txt", ("pyproject.toml", "--extra=maker")),
    (
        "dev.txt",
        (
            *("pyproject.toml", "--extra=server", "--extra=fhir", "--extra=units", "--extra=ai", "--extra=lan"),
            "--extra=dev",
        ),
    ),
)
"""Lock to what it is resolved from."""


class WorkshopError(Exception):
    """Set-up cannot go on; the message is one line that says what to do."""


class Stamp(NamedTuple):
    """What a finished set-up left in `.venv`."""

    base: str
    """Python version and project folder: scripts in a virtual environment hold both."""
    purposes: frozenset[str]
    locks: str
    """SHA-256, in hex, over the locks that were installed."""
    project: str
    """SHA-256, in hex, over what the editable install was made from."""


class Plan(NamedTuple):
    """What a call has to do: `nothing`, `link` the project again, `sync` the packages too, or `create` it all."""

    action: str
    purposes: frozenset[str]


def needed(wanted: str, held: frozenset[str]) -> frozenset[str]:
    """The purposes to install: an environment keeps what it was made for, less what another purpose covers."""
    purposes = held | {wanted}
    covered: frozenset[str] = frozenset().union(*(COVERS.get(purpose, frozenset()) for purpose in purposes))
    return purposes - covered


def locks_of(purposes: frozenset[str]) -> list[str]:
    """The locks to install for `purposes`, those of the set-up's own tools included."""
    return sorted({*TOOL_LOCKS, *(LOCKS[purpose] for purpose in purposes)})


def digest_of(root: Path, names: list[str]) -> str:
    """SHA-256, in hex, over the names and contents of some of the project's files."""
    total = hashlib.sha256()
    for name in names:
        total.update(f"{name} {hashlib.sha256((root / name).read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def base_of(root: Path) -> str:
    """The Python and the folder that an environment made now would be bound to."""
    return f"{sys.version_info[0]}.{sys.version_info[1]} {root}"


def stamp_for(root: Path, purposes: frozenset[str]) -> Stamp:
    """The stamp of an environment that was made for `purposes` from the files as they are now."""
    locks = [f"requirements/{name}" for name in locks_of(purposes)]
    return Stamp(base_of(root), purposes, digest_of(root, locks), digest_of(root, PROJECT))


def read_stamp(venv: Path) -> Stamp | None:
    """The stamp of a finished set-up; None where there is none, or none that can be read."""
    try:
        held = json.loads((venv / STAMP_NAME).read_text(encoding="utf-8"))
        purposes = frozenset(held["purposes"]) & frozenset(LOCKS)
        return Stamp(str(held["base"]), purposes, str(held["locks"]), str(held["project"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(venv: Path, stamp: Stamp) -> None:
    """Write the stamp in one step: it is there whole or not at all."""
    draft = venv / f"{STAMP_NAME}.new"
    draft.write_text(json.dumps({**stamp._asdict(), "purposes": sorted(stamp.purposes)}) + "\n", encoding="utf-8")
    draft.replace(venv / STAMP_NAME)


def plan_setup(root: Path, wanted: str) -> Plan:
    """Decide, without changing anything, what `setup` has to do."""
    venv = root / ".venv"
    stamp = read_stamp(venv)
    if stamp is None or stamp.base != base_of(root) or not (venv / "bin" / "python").exists():
        return Plan("create", needed(wanted, stamp.purposes if stamp else frozenset()))
    purposes = needed(wanted, stamp.purposes)
    now = stamp_for(root, purposes)
    if (now.purposes, now.locks) != (stamp.purposes, stamp.locks):
        return Plan("sync", purposes)
    done = now.project == stamp.project and (root / COMPILED).exists()
    return Plan("nothing" if done else "link", purposes)


def say(text: str) -> None:
    """One progress line, on standard error so that a command's own output stays clean."""
    print(f"fieldward: {text}", file=sys.stderr, flush=True)


def check_python() -> None:
    """Refuse a Python that is too old or cannot make virtual environments."""
    if sys.version_info < PYTHON_MIN:
        here = ".".join(str(part) for part in sys.version_info[:3])
        raise WorkshopError(
            f"needs Python 3.11 or newer, and this is {here}: apt-get install python3.11 python3.11-venv, "
            "then make PYTHON=python3.11 ..."
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise WorkshopError("this Python cannot make virtual environments: apt-get install python3-venv")


@contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Make a second set-up of the same folder wait for the first."""
    import fcntl  # noqa: PLC0415 - not on Windows, where the message above about Python must still be shown

    with (root / "pyproject.toml").open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run(step: str, *command: str) -> None:
    """Run one tool quietly; on failure show what it said, and say what can be done."""
    env = {"UV_HTTP_TIMEOUT": HTTP_TIMEOUT_S, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **os.environ}
    env.pop("VIRTUAL_ENV", None)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, check=False)
    if done.returncode != 0:
        print(done.stdout.decode(errors="replace").rstrip(), file=sys.stderr)
        raise WorkshopError(
            f"could not {step} (exit {done.returncode}); call it again once the cause above is mended. "
            "Behind a mirror, uv takes its address from UV_DEFAULT_INDEX."
        )


def pins_in(lock: Path) -> dict[str, str]:
    """Package to version, as one lock pins them."""
    return dict(re.findall(r"(?m)^([a-z0-9.-]+)==(\S+)", lock.read_text(encoding="utf-8")))


def count_pins(root: Path, purposes: frozenset[str]) -> int:
    """How many packages the locks of `purposes` name."""
    return len({name for lock in locks_of(purposes) for name in pins_in(root / "requirements" / lock)})


def setup(root: Path, wanted: str) -> None:
    """Bring `.venv` to what `wanted` needs; returns at once where it is there already."""
    check_python()
    if plan_setup(root, wanted).action == "nothing" and not wants_node(root, wanted):
        return
    with one_at_a_time(root):
        plan = plan_setup(root, wanted)
        if plan.action != "nothing":
            install(root, plan)
        if wants_node(root, wanted):
            install_node(root)


def node_stamp(root: Path) -> Path:
    """The file that names the locks from which the checkers under node were installed."""
    return root / NODE / "node_modules" / STAMP_NAME


def wants_node(root: Path, wanted: str) -> bool:
    """Whether the checkers under node are to be installed; without npm their tests are skipped, each by name."""
    if wanted != "dev" or shutil.which("npm") is None or not all((root / name).exists() for name in NODE_LOCKS):
        return False
    stamp = node_stamp(root)
    return not stamp.exists() or stamp.read_text(encoding="utf-8") != digest_of(root, NODE_LOCKS)


def install_node(root: Path) -> None:
    """Install exactly what the lock of `tests/node` names, every file by its hash, and none of its scripts.

    It serves a few tests only, so a machine that cannot reach those packages is told so and goes on without them.
    """
    digest = digest_of(root, NODE_LOCKS)
    say("installing the checkers that run under node")
    try:
        run("install the packages of tests/node", "npm", "--prefix", str(root / NODE), "ci", "--ignore-scripts")
    except WorkshopError as error:
        say(f"{error} Going on: the tests that need them are skipped.")
        return
    node_stamp(root).write_text(digest, encoding="utf-8")


def install(root: Path, plan: Plan) -> None:
    """Carry out a plan; the stamp goes first and comes back last."""
    venv = root / ".venv"
    stamp = stamp_for(root, plan.purposes)
    if plan.action == "create":
        create(venv)
    else:
        say("the locks, pyproject.toml or the codes changed, or .venv was made for less: bringing it up to date")
        (venv / STAMP_NAME).unlink()
    if plan.action != "link":
        install_locks(root, plan.purposes)
    # No network from here on: the project's own requirements are there, and so is what builds it.
    editable = ("--no-deps", "--no-build-isolation", "--quiet", "-e", str(root))
    run("install fieldward itself", *uv_pip(venv, "install"), *editable)
    write_stamp(venv, stamp)
    say(f"set-up is done: .venv is ready to {' and '.join(MEANING[purpose] for purpose in sorted(plan.purposes))}")


def create(venv: Path) -> None:
    """Make the environment from nothing, over whatever is there."""
    say("making .venv" + (" afresh: it was unfinished, or for another Python or folder" if venv.exists() else ""))
    # Started from an active virtual environment, the base interpreter is the one to build on.
    base_python = getattr(sys, "_base_executable", sys.executable)
    run("make .venv", base_python, "-m", "venv", "--clear", str(venv))


def install_locks(root: Path, purposes: frozenset[str]) -> None:
    """Install exactly what the locks of `purposes` name, every file by its hash; anything else in there goes."""
    venv, folder = root / ".venv", root / "requirements"
    say(f"installing {count_pins(root, purposes)} packages, each file checked by its hash")
    checked = ("--require-hashes", "--quiet")
    pip = (str(venv / "bin" / "python"), "-m", "pip")
    run("install uv", *pip, "install", *checked, "-r", str(folder / "uv.txt"))
    run(
        "install the locked packages",
        *uv_pip(venv, "sync"),
        *checked,
        *(str(folder / name) for name in locks_of(purposes)),
    )


def uv_pip(venv: Path, command: str) -> tuple[str, ...]:
    """The head of a uv command for this environment."""
    return (str(venv / "bin" / "uv"), "pip", command, "--python", str(venv / "bin" / "python"))


def seed_pins(root: Path) -> str:
    """Every pin that the locks hold now, so that resolving again changes only what has to change."""
    pins: dict[str, str] = {}
    for name, _ in RECIPES:
        path = root / "requirements" / name
        pins.update(pins_in(path) if path.exists() else {})
    return "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))


def lock(root: Path, *, upgrade: bool) -> None:
    """Resolve every lock from one resolution of everything, so that no two locks disagree on a version."""
    uv = os.environ.get("UV", str(root / ".venv" / "bin" / "uv"))
    whole = root / "build" / "lock" / "all.txt"
    whole.parent.mkdir(parents=True, exist_ok=True)
    whole.write_text("" if upgrade else seed_pins(root), encoding="utf-8")
    compile_ = ["pip", "compile", "--quiet", "--universal", "--python-version=3.11", "--fork-strategy=fewest"]
    compile_ += ["--override=requirements/overrides.in"]
    compile_ += ["--no-annotate", "--no-emit-index-url", "--custom-compile-command=make lock"]
    say("resolving everything at once")
    sources = ("pyproject.toml", "--all-extras", "requirements/build.in", "requirements/uv.in")
    os.chdir(root)
    run("resolve the requirements", uv, *compile_, *sources, "-o", str(whole))
    for name, recipe in RECIPES:
        say(f"resolving {name}")
        hashed = ("--generate-hashes", "-c", str(whole), *recipe)
        run(f"resolve {name}", uv, *compile_, *hashed, "-o", str(whole.with_name(name)))
    for name, _ in RECIPES:
        whole.with_name(name).replace(root / "requirements" / name)
    if shutil.which("npm") is not None:
        npm = ("npm", "--prefix", str(root / NODE), "install", "--package-lock-only", "--ignore-scripts")
        run("resolve the packages of tests/node", *npm)
    say("the locks in requirements/ are written")


def main() -> int:
    """Read the arguments; 0 done, 1 refused with a reason, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="tools/workshop.py", description="Makes .venv and the locks.")
    commands = parser.add_subparsers(dest="command", required=True)
    setup_command = commands.add_parser("setup", help="make .venv for a purpose, or bring it up to date")
    setup_command.add_argument("purpose", choices=sorted(LOCKS))
    lock_command = commands.add_parser("lock", help="resolve the requirements again")
    lock_command.add_argument("--upgrade", action="store_true", help="take newer releases where they are allowed")
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    try:
        if arguments.command == "setup":
            setup(root, arguments.purpose)
        else:
            lock(root, upgrade=arguments.upgrade)
    except WorkshopError as error:
        say(f"set-up stopped: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped; the next call goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
