"""The workshop: locks that anyone can install from, a set-up that repairs itself, a Makefile that explains itself."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sync_protocol.roles import RIGHTS, Role
from tests import conftest
from tools import docs_check, roles_doc, workshop

ROOT = Path(__file__).resolve().parents[2]
LOCK_PATHS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PIN = re.compile(r"(?m)^([a-z0-9-]+)==([^ ;\\]+)(?: ; ([^\\\n]+?))? \\$")


def pins_of(path: Path) -> dict[str, set[str]]:
    """Package to its versions in one lock."""
    pins: dict[str, set[str]] = {}
    for name, version, _ in PIN.findall(path.read_text(encoding="utf-8")):
        pins.setdefault(name, set()).add(version)
    return pins


def direct(*extras: str) -> set[str]:
    """The names that pyproject.toml asks for itself, for the device and for `extras`."""
    wanted = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    return {canonicalize_name(Requirement(line).name) for line in wanted}


# ------------------------------------------------------------------------------------------------------------ locks


def test_every_recipe_has_its_lock():
    """The locks in requirements/ are exactly those that `make lock` writes."""
    assert [path.name for path in LOCK_PATHS] == sorted(name for name, _ in workshop.RECIPES)


@pytest.mark.parametrize("path", LOCK_PATHS, ids=lambda path: path.name)
def test_a_lock_holds_only_pins_and_hashes(path):
    """A lock names no index, no link, no path and no option: only exact versions, each with its hashes."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    pin = re.compile(r"[a-z0-9-]+==[^ ;\\/]+( ; [^\\/]+)? \\")
    file_hash = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not pin.fullmatch(line) and not file_hash.fullmatch(line)] == []
    pinned = [number for number, line in enumerate(lines) if pin.fullmatch(line)]
    assert pinned
    assert all(file_hash.fullmatch(lines[number + 1]) for number in pinned)


@pytest.mark.parametrize("path", LOCK_PATHS, ids=lambda path: path.name)
def test_a_lock_says_how_to_write_it_again(path):
    """The head of a lock names `make lock`, and no address or folder of the machine that wrote it."""
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert any(line.endswith("make lock") for line in head)
    assert not [line for line in head if "/" in line]


def test_no_two_locks_disagree():
    """A package has one version in every lock that names it, so that environments can grow without reinstalling."""
    versions: dict[str, set[str]] = {}
    for path in LOCK_PATHS:
        for name, held in pins_of(path).items():
            versions.setdefault(name, set()).update(held)
    assert {name: held for name, held in versions.items() if len(held) > 1} == {}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("run.txt", ()),
        ("server.txt", ("server", "gateway", "ai")),
        ("ai.txt", ("ai", "vision")),
        ("maker.txt", ("maker",)),
        ("dev.txt", ("server", "ai", "lan", "dev")),
    ],
)
def test_a_lock_holds_what_pyproject_asks_for(lock, extras):
    """Each lock holds every direct dependency of its extras, at a version that pyproject.toml allows."""
    pins = pins_of(ROOT / "requirements" / lock)
    assert direct(*extras) <= set(pins)
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    for requirement in map(Requirement, lines):
        for version in pins[canonicalize_name(requirement.name)]:
            assert requirement.specifier.contains(version), f"{lock} pins {requirement.name} {version}: run `make lock`"


def test_the_test_environment_also_runs_the_program():
    """Whatever `make run` installs, `make test` installs too."""
    run, dev = (set(pins_of(ROOT / "requirements" / name)) for name in ("server.txt", "dev.txt"))
    assert run <= dev


# ------------------------------------------------------------------------------------------------------- pyproject


def test_the_extras_are_those_documented():
    """These are the extras of the project, and a device needs none of them."""
    extras = {"server", "gateway", "fhir", "units", "ai", "vision", "maker", "lan", "dev"}
    assert set(PROJECT["optional-dependencies"]) == extras
    heavy = {"fastapi", "sqlmodel", "pydantic", "numpy", "mediapipe", "litert-lm-api", "psutil", "torch", "zeroconf"}
    heavy |= {"fhirkit-rs", "fhirpathpy", "pint", "ucumvert", "simple-icd-10-cm"}
    assert direct().isdisjoint(heavy)


def test_commands_are_named_once_and_loaded_late():
    """`fieldward` starts in the edge's command line, and the server's group is only named, not imported."""
    assert PROJECT["scripts"] == {"fieldward": "edge_runtime.cli.main:main"}
    assert PROJECT["entry-points"]["fieldward.commands"]["server"] == "server.relay.commands:server"


# -------------------------------------------------------------------------------------------------------- Makefile


def test_make_alone_lists_every_target():
    """`make` lists each target with one line that says what it does."""
    make = shutil.which("make") or ""
    conftest.require(make, "make", "it is how the project is set up and tested: apt-get install make")
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):", text))
    shown = subprocess.run([make], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = {name for name, _ in re.findall(r"(?m)^  make (\S+) +(\S.+)$", shown)}
    assert listed == targets
    assert targets == {name for line in re.findall(r"(?m)^\.PHONY: (.+)$", text) for name in line.split()}
    assert {"help", "run", "test", "check", "bench", "soak", "vectors", "lock", "clean"} <= targets


# ---------------------------------------------------------------------------------------------------------- set-up


@pytest.fixture
def project(tmp_path):
    """A folder with locks and a `.venv` that looks finished for `run`."""
    (tmp_path / "requirements").mkdir()
    for name, _ in workshop.RECIPES:
        (tmp_path / "requirements" / name).write_text(f"{name.removesuffix('.txt')}==1 \\\n", encoding="utf-8")
    for name in (*workshop.PROJECT, workshop.COMPILED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("[project]\n", encoding="utf-8")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    finish(tmp_path, "run")
    return tmp_path


def plan(action: str, *purposes: str) -> workshop.Plan:
    """What a call is expected to decide."""
    return workshop.Plan(action, frozenset(purposes))


def finish(root: Path, *purposes: str) -> None:
    """Write the stamp that a finished set-up would leave."""
    workshop.write_stamp(root / ".venv", workshop.stamp_for(root, frozenset(purposes)))


def test_a_finished_setup_is_left_alone(project):
    """Where the stamp matches the locks, a call does nothing and starts no other program."""
    assert workshop.plan_setup(project, "run") == plan("nothing", "run")
    workshop.setup(project, "run")  # would fail here: there is no real Python behind .venv/bin/python


@pytest.mark.parametrize("name", ["server.txt", "uv.txt", "build.txt"])
def test_a_changed_lock_is_installed_in_place(project, name):
    """A change of a used lock brings the environment up to date without making it anew."""
    (project / "requirements" / name).write_text("changed==2 \\\n", encoding="utf-8")
    assert workshop.plan_setup(project, "run") == plan("sync", "run")


@pytest.mark.parametrize("name", workshop.PROJECT)
def test_a_changed_project_is_linked_again_without_a_network(project, monkeypatch, name):
    """A change of pyproject.toml or of what compiles the codes installs the project again and asks no index."""
    (project / name).write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert workshop.plan_setup(project, "run") == plan("link", "run")
    steps = []
    monkeypatch.setattr(workshop, "run", lambda step, *_command: steps.append(step))
    workshop.setup(project, "run")
    assert steps == ["install fieldward itself"]
    assert workshop.plan_setup(project, "run") == plan("nothing", "run")


def test_codes_that_are_missing_are_compiled_again(project):
    """A set-up without the compiled codes is not finished: the project is installed again, which compiles them."""
    (project / workshop.COMPILED).unlink()
    assert workshop.plan_setup(project, "run") == plan("link", "run")


def test_an_unused_lock_changes_nothing(project):
    """A lock that the environment was not made from does not touch it."""
    (project / "requirements" / "dev.txt").write_text("changed==2 \\\n", encoding="utf-8")
    assert workshop.plan_setup(project, "run").action == "nothing"


def test_run_after_test_neither_downgrades_nor_reinstalls(project):
    """An environment made for tests serves `make run` as it is, and stays one for tests when a lock changes."""
    finish(project, "dev")
    assert workshop.plan_setup(project, "run") == plan("nothing", "dev")
    (project / "requirements" / "dev.txt").write_text("changed==2 \\\n", encoding="utf-8")
    assert workshop.plan_setup(project, "run") == plan("sync", "dev")


def test_an_environment_only_grows(project):
    """Asking for a further purpose keeps those that the environment was made for."""
    assert workshop.plan_setup(project, "dev") == plan("sync", "dev")
    assert workshop.plan_setup(project, "ai") == plan("sync", "run", "ai")


def move(project: Path) -> None:
    """Make the stamp say that the environment was made in another folder."""
    stamp = project / ".venv" / workshop.STAMP_NAME
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "base": "3.11 elsewhere"}), encoding="utf-8")


HARMS = {
    "unfinished": lambda project: (project / ".venv" / workshop.STAMP_NAME).unlink(),
    "torn stamp": lambda project: (project / ".venv" / workshop.STAMP_NAME).write_text('{"base": ', encoding="utf-8"),
    "no Python": lambda project: (project / ".venv" / "bin" / "python").unlink(),
    "nothing": lambda project: shutil.rmtree(project / ".venv"),
    "moved": move,
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_half_made_environment_is_made_afresh(project, harm):
    """Interrupted, damaged, moved or missing: the next call makes the environment from nothing."""
    harm(project)
    assert workshop.plan_setup(project, "run") == plan("create", "run")


def test_an_interrupted_install_leaves_no_stamp(project, monkeypatch):
    """The stamp goes before anything is changed, so a failure in the middle can never pass for a finished set-up."""
    (project / "requirements" / "server.txt").write_text("changed==2 \\\n", encoding="utf-8")

    def fail(step, *_command):
        raise workshop.WorkshopError(step)

    monkeypatch.setattr(workshop, "run", fail)
    with pytest.raises(workshop.WorkshopError, match="install uv"):
        workshop.setup(project, "run")
    assert workshop.read_stamp(project / ".venv") is None


def test_an_old_python_gets_a_sentence(monkeypatch):
    """A Python below 3.11 is refused in one line that names the command to type."""
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(workshop.WorkshopError, match=r"is 3\.9\.2: apt-get install python3\.11") as refusal:
        workshop.check_python()
    assert "\n" not in str(refusal.value)


def test_a_python_without_venv_gets_a_sentence(monkeypatch):
    """A Python that cannot make environments is refused in one line that names the package to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(workshop.WorkshopError, match="apt-get install python3-venv"):
        workshop.check_python()


# -------------------------------------------------------------------------------------------- checkers under node


@pytest.fixture
def with_node(project, monkeypatch):
    """A finished set-up for tests, with a lock for node and an npm that writes down what it is asked."""
    finish(project, "dev")
    (project / workshop.NODE / "node_modules").mkdir(parents=True)
    for name in workshop.NODE_LOCKS:
        (project / name).write_text("{}", encoding="utf-8")
    steps: list[tuple[str, ...]] = []
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(workshop, "run", lambda _step, *command: steps.append(command))
    return project, steps


def test_node_packages_come_from_their_lock_once(with_node):
    """The set-up for tests installs what the node lock names, once for each lock; that for running does not."""
    project, steps = with_node
    workshop.setup(project, "run")
    assert steps == []
    workshop.setup(project, "dev")
    workshop.setup(project, "dev")
    assert [command[3:] for command in steps] == [("ci", "--ignore-scripts")]
    (project / workshop.NODE_LOCKS[1]).write_text('{"changed": 2}', encoding="utf-8")
    workshop.setup(project, "dev")
    assert len(steps) == 2


def test_without_npm_the_setup_goes_on(with_node, monkeypatch):
    """Without npm nothing is tried; where npm fails the set-up says so, leaves no stamp, and goes on."""
    project, _ = with_node
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert not workshop.wants_node(project, "dev")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")

    def fail(step, *_command):
        raise workshop.WorkshopError(step)

    monkeypatch.setattr(workshop, "run", fail)
    workshop.setup(project, "dev")
    assert workshop.wants_node(project, "dev")


def test_the_node_lock_pins_everything():
    """Exact versions, each with its hash, and no address of where they came from."""
    wanted, lock = (json.loads((ROOT / name).read_text(encoding="utf-8")) for name in workshop.NODE_LOCKS)
    assert lock["packages"][""]["dependencies"] == wanted["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted["dependencies"].values())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert not [name for name, one in packages.items() if "resolved" in one]
    table = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in table for name in wanted["dependencies"])


# ------------------------------------------------------------------------------------------------- tests and papers


def test_what_is_missing_is_skipped_by_name(monkeypatch):
    """Outside CI a test that lacks a tool is skipped, and the skip says which tool and what for."""
    monkeypatch.setattr(conftest, "REQUIRE_ALL", False)
    conftest.require("/usr/bin/node", "node", "to compare with Yjs")
    with pytest.raises(pytest.skip.Exception, match="node is missing: to compare with Yjs"):
        conftest.require(None, "node", "to compare with Yjs")


def test_ci_skips_nothing_for_want_of_a_tool(monkeypatch):
    """Under FIELDWARD_REQUIRE_ALL=1 the same test fails instead."""
    monkeypatch.setattr(conftest, "REQUIRE_ALL", True)
    with pytest.raises(pytest.fail.Exception, match="node is missing, and FIELDWARD_REQUIRE_ALL=1"):
        conftest.require(None, "node", "to compare with Yjs")


def test_documents_that_lead_nowhere_are_found(tmp_path):
    """A link to a missing file or heading, an unknown `make` target, and a package without a row are faults."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "Makefile").write_text("test: ## run\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["cbor2>=6"]\n', encoding="utf-8")
    (tmp_path / "docs" / "dependencies.md").write_text("| package |\n", encoding="utf-8")
    (tmp_path / "docs" / "a.md").write_text(
        "# Größe & Maß\n[here](#größe--maß) [gone](b.md) [no heading](#no)\n"
        "`make test` `make tea`\n```\n[code](x.md)\n```\n",
        encoding="utf-8",
    )
    assert docs_check.faults(tmp_path) == [
        "docs/a.md: link to b.md leads nowhere",
        "docs/a.md: link to #no names no heading of docs/a.md",
        "docs/a.md: `make tea` is no target of the Makefile",
        "docs/dependencies.md: no row for cbor2",
    ]


def test_the_page_of_roles_is_what_the_table_says():
    """docs/roles.md is made from the table: `make roles` writes it, `make check` finds a page that says otherwise."""
    assert roles_doc.main(["--check"]) == 0
    assert set(roles_doc.ABOUT) == set(Role)
    for kind in RIGHTS[Role.PHYSICIAN].writes:
        assert f"| `{kind}` |" in roles_doc.page()


def test_a_page_of_roles_that_says_otherwise_is_found(tmp_path, capsys):
    """A page that is missing or changed by hand fails the check, which writes nothing; the writer mends it."""
    page = tmp_path / "roles.md"
    assert roles_doc.main(["--check", "--page", str(page)]) == 1
    assert not page.exists()
    assert "run `make roles`" in capsys.readouterr().err
    assert roles_doc.main(["--page", str(page)]) == 0
    page.write_text(page.read_text(encoding="utf-8") + "Nurses state diagnoses.\n", encoding="utf-8")
    assert roles_doc.main(["--check", "--page", str(page)]) == 1
