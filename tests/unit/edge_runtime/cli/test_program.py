"""The program: loads what a command needs and no more, explains itself, and turns whatever happens into words."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.cli import main as module
from edge_runtime.cli.main import GROUPS, program, run
from edge_runtime.clinical.scores.catalogue import SCALES
from edge_runtime.errors import RefusedError, StoreError, VaultError
from tests.unit.edge_runtime.cli.world import World

HEAVY = {"fastapi", "sqlmodel", "sqlalchemy", "pydantic", "numpy", "rich", "typer", "pycrdt", "uvicorn", "alembic"} | {
    "shamir_mnemonic"
}
OWN_GROUPS = ("org", "device", "team", "chart", "recovery", "sync", "audit", "doctor", "score", "fhir")
ENDLESS = {("sync", "host"), ("audit", "watch")}
"""Commands that go on until somebody stops them; their own tests do."""
WITHOUT_A_HOME: dict[tuple[str, str], set[str]] = {
    ("device", "users"): {"--folder"},  # lists the homes of a shared device, before anybody has opened one
    ("device", "add-user"): {"--folder", "--passphrase-file"},  # makes one more home there
    ("score", "list"): set(),  # scores need no device
    ("fhir", "validate"): {"--quiet"},  # nor do files
    **{("score", name): {"--input", "--ndjson"} for name in SCALES},
}
"""Commands that open no home, each with what it takes instead."""


def _loaded(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('-----', *sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    return set(done.stdout.rpartition("-----")[2].split())


def _commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command of the device's own groups, with the words that name it."""
    context = click.Context(program)
    for name in OWN_GROUPS:
        group = program.get_command(context, name)
        assert group is not None
        yield (name,), group
        if isinstance(group, click.Group):
            for inner in group.list_commands(context):
                command = group.get_command(context, inner)
                assert command is not None
                yield (name, inner), command


# --------------------------------------------------------------------------------------------------- what is loaded


def test_the_core_of_a_device_loads_no_framework():
    """A phone's Python has neither web framework nor terminal library: the runtime comes up without them."""
    loaded = {name.partition(".")[0] for name in _loaded("import edge_runtime.runtime")}
    assert not loaded & {"fastapi", "sqlmodel", "sqlalchemy", "pydantic", "numpy", "click", "rich", "typer", "server"}
    assert "shamir_mnemonic" not in loaded
    assert "subprocess" not in _loaded("import edge_runtime.runtime")


def test_help_loads_no_group():
    """`fieldward --help` is quick: nothing but click and what it needs."""
    loaded = _loaded("from edge_runtime.cli.main import run\nassert run(['--help']) == 0")
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert not any(name.startswith(("edge_runtime.cli.chart", "edge_runtime.cli.demo", "server")) for name in loaded)


@pytest.mark.parametrize("group", OWN_GROUPS)
def test_a_group_loads_itself_alone(group: str):
    """Help on one group loads neither the others, nor a server, nor what its commands need when they run."""
    loaded = _loaded(f"from edge_runtime.cli.main import run\nassert run(['{group}', '--help']) == 0")
    assert not {name.partition(".")[0] for name in loaded} & (HEAVY | {"server", "websockets"})
    others = {f"edge_runtime.cli.{other}" for other in OWN_GROUPS if other != group}
    assert not loaded & others
    assert "edge_runtime.runtime" not in loaded


def test_the_program_is_installed_under_its_name():
    """`fieldward` and `python -m edge_runtime.cli` are the same program."""
    project = tomllib.loads((Path(module.__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["fieldward"] == "edge_runtime.cli.main:main"
    done = subprocess.run(
        [sys.executable, "-m", "edge_runtime.cli", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert project["version"] in done.stdout


def test_what_a_terminal_cannot_show_does_not_end_the_program():
    """On an ASCII terminal, and for bytes that are no text, something is shown and nothing breaks."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "edge_runtime.cli",
            b"chart",
            b"show",
            b"\xff\xfeAna-Mar\xc3\xada",
            b"--home",
            b"\xc3\xa9\xff",
        ],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "FIELDWARD_PASSPHRASE": "x"},
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert done.stderr.startswith(b"Not done (no_vault)")


def test_a_reader_that_leaves_is_no_error():
    """A closed pipe ends the command without a word."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m edge_runtime.cli nonsense --json | true"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr


# --------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("words", [words for words, _ in _commands()], ids=" ".join)
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    """Help says what a command does, by which options, and shows one that a person could type."""
    assert run([*words, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Usage: fieldward " + " ".join(words))
    is_group = len(words) == 1 and words != ("doctor",)
    if is_group:
        assert "Commands:" in said
    else:
        assert "Example" in said
        assert f"fieldward {' '.join(words)}" in said.partition("Example")[2]
        options = WITHOUT_A_HOME.get((words[0], words[-1]), {"--home", "--passphrase-file"})
        assert all(option in said for option in {"--json", *options})


def test_every_example_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What help shows is parsed: no example names an option or argument that is not there."""
    monkeypatch.chdir(tmp_path)
    for name in ("evidence.fwe", "clinic.org"):  # files that an example takes as given
        Path(name).touch()
    Path("relay").mkdir()
    checked = 0
    for words, command in _commands():
        text = (command.callback.__doc__ or "") if command.callback else ""
        for line in text.splitlines():
            if not line.strip().startswith("fieldward "):
                continue
            import shlex

            given = shlex.split(line.strip())[1:]
            assert tuple(given[: len(words)]) == words
            with command.make_context(words[-1], given[len(words) :], resilient_parsing=False):
                checked += 1
    assert checked >= 14


def test_groups_are_listed_without_being_loaded(capsys: pytest.CaptureFixture[str]):
    """Each has a line of help; what an entry point adds is listed too."""
    assert run(["--help"]) == 0
    said = capsys.readouterr().out
    for name, lazy in GROUPS.items():
        assert name in said
        assert lazy.help.split(",")[0].split(";")[0][:20] in said


def test_nothing_asked_is_answered_by_help(capsys: pytest.CaptureFixture[str]):
    """The program and a group without a command show their help, and end as wrong usage does."""
    for words in ([], ["chart"]):
        assert run(words) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("Usage: fieldward")


# ------------------------------------------------------------------------------------------------------- extras


def test_a_missing_extra_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """What is not installed is named, with the command that installs it; when a group loads and when it runs."""

    def missing(_: str) -> Any:
        raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")

    monkeypatch.setattr("importlib.import_module", missing)
    assert run(["demo", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "extra_missing"
    assert error["do"] == "install it: pip install 'fieldward[server]'"
    assert "fastapi" in error["got"]
    assert run(["server"]) == 1
    assert "pip install" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(program, "main", lambda **_: missing(""))
    assert run(["server", "run", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "extra_missing"


def test_a_part_of_our_own_that_is_missing_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Nobody is told to install what ought to be there."""

    def missing(_: str) -> Any:
        raise ModuleNotFoundError("No module named 'edge_runtime.x'", name="edge_runtime.x")

    monkeypatch.setattr("importlib.import_module", missing)
    assert run(["chart", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bug"


# ------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (RefusedError("no", expected="a", got="b", do="c"), "no", 1),
        (StoreError("store_damaged", expected="a", got="b", do="c"), "store_damaged", 3),
        (VaultError("vault_damaged", expected="a", got="b", do="c"), "vault_damaged", 3),
        (click.UsageError("wrong"), "usage", 2),
        (click.FileError("x", "wrong"), "usage", 2),
        (click.Abort(), "stopped", 1),
        (KeyboardInterrupt(), "stopped", 1),
        (ZeroDivisionError("Ana Lima"), "bug", 1),
        (RecursionError(), "bug", 1),
    ],
    ids=str,
)
def test_whatever_ends_a_command_is_told_in_one_form(
    error: BaseException,
    code: str,
    exit_code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """As JSON on standard output, or in readable lines on standard error; a patient's words in neither."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.delenv("FIELDWARD_DEBUG", raising=False)
    monkeypatch.setattr(program, "main", fail)
    assert run(["chart", "--json"]) == exit_code
    said = capsys.readouterr()
    assert said.err == ""
    assert json.loads(said.out)["error"]["code"] == code
    assert run(["chart"]) == exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert f"Not done ({code})" in said.err
    assert "Ana" not in said.err


def test_a_developer_may_ask_for_the_traceback(monkeypatch: pytest.MonkeyPatch):
    """FIELDWARD_DEBUG shows what nobody foresaw."""

    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("FIELDWARD_DEBUG", "1")
    monkeypatch.setattr(program, "main", fail)
    with pytest.raises(ZeroDivisionError):
        run([])


def test_the_exit_code_is_the_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """`main` leaves with what `run` says, and takes the words of the command line."""
    monkeypatch.setattr(sys, "argv", ["fieldward", "nonsense"])
    with pytest.raises(SystemExit) as leaving:
        module.main()
    assert leaving.value.code == 2
    with pytest.raises(SystemExit) as leaving:
        module.main(["--version"])
    assert leaving.value.code == 0
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(SystemExit):
        module.main(["--version"])


_PATHS = st.sampled_from(["tablet", "none", ".", "", "/dev/null", "a/b/../c", "\udcff", "x" * 300, "-", "~"])
_WORDS = st.sampled_from(
    [
        *OWN_GROUPS,
        *("init", "invite", "enrol", "approve", "list", "create", "show", "share", "edit", "import", "once", "status"),
        *("--home", "--json", "--out", "--name", "--device", "--document", "--fact", "--section", "--text-file"),
        *("--relay", "--role", "--code", "--invitation", "--attempts", "--http", "--workflow", "--passphrase-file"),
        *("plan", "chart", "encounter", "nurse", "0", "-1", "{}", '{"kind": "x"}', "abcd", "https://relay.example"),
        *("--", "-h", "--nope", "\x00", "\u202e", "é", ADDRESS := "https://relay.example:443"),
    ]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_WORDS | _PATHS | st.text(max_size=12), max_size=9))
def test_no_arguments_end_in_a_traceback(world: World, arguments: list[str]):
    """Whatever is typed, the answer is help, an answer, or an error with its code; never a bug."""
    if world.relay is None:
        world.found()
        world.enrol("tablet", "physician")
    answer = world.run(*arguments)
    assert answer.code in {0, 1, 2}
    assert "Traceback" not in answer.err
    assert "(bug)" not in answer.err
    assert '"bug"' not in answer.out


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.sampled_from([words for words, _ in _commands() if words not in ENDLESS]), data=st.data())
def test_no_values_of_options_end_in_a_traceback(world: World, words: tuple[str, ...], data: st.DataObject):
    """The same with options where they belong, and nonsense as their values."""
    if world.relay is None:
        world.found()
        world.enrol("tablet", "physician")
    command = dict(_commands())[words]
    text = st.text(max_size=20) | _PATHS | st.sampled_from(["{}", '{"kind":"status","to":"active"}', "[" * 2000])
    given: list[str] = []
    for parameter in command.params:
        if parameter.name in {"home", "passphrase_file", "as_json"} or not data.draw(st.booleans()):
            continue
        flag = isinstance(parameter, click.Option)
        if flag:
            given.append(parameter.opts[0])
        if not (flag and parameter.is_flag):  # type: ignore[attr-defined]
            given.append(data.draw(text))
    answer = world.run(*words, *given, "--home", "tablet", "--json")
    assert answer.code in {0, 1, 2}
    if answer.code == 2 or answer.out.startswith('{"error"'):
        assert answer.error["code"] != "bug"
