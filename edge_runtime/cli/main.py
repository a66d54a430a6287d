"""The program `fieldward`: finds the named group, runs it, and turns every error into words and an exit code.

Exit codes: 0 done, 1 refused (a reason is printed), 2 wrong usage, 3 a check found damage.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from io import TextIOWrapper
from typing import Final

import click
from click.exceptions import NoArgsIsHelpError

from edge_runtime.cli.output import EXIT_REFUSED, EXIT_USAGE, exit_code, print_error, wants_json
from sync_protocol.errors import ExplainedError

PLUGINS: Final = "fieldward.commands"


@dataclass(frozen=True, slots=True)
class _Lazy:
    """Where a group lives, what it is for, and which extra brings what it needs."""

    target: str
    help: str
    extra: str | None = None


GROUPS: Final[dict[str, _Lazy]] = {
    "org": _Lazy("edge_runtime.cli.org:org", "Found an organisation."),
    "device": _Lazy("edge_runtime.cli.device:device", "Invite, enrol, approve and list devices."),
    "chart": _Lazy("edge_runtime.cli.chart:chart", "Create, import, show, change and share charts."),
    "workflow": _Lazy(
        "edge_runtime.cli.workflow:workflow", "Work through documents: steps, checks, completion, signatures."
    ),
    "note": _Lazy("edge_runtime.cli.note:note", "Take signed texts along as a file, and check one."),
    "draft": _Lazy(
        "edge_runtime.cli.draft:draft", "See what was drafted; accept it, in whole or in part, or dismiss it."
    ),
    "review": _Lazy("edge_runtime.cli.review:review", "See and decide what the rules could not."),
    "team": _Lazy("edge_runtime.cli.team:team", "Make care teams, and let people in and out."),
    "recovery": _Lazy("edge_runtime.cli.recovery:recovery", "Make, try and use the organisation's recovery key."),
    "break-glass": _Lazy(
        "edge_runtime.cli.break_glass:break_glass", "Open a chart in an emergency; prepare for it; review it."
    ),
    "sync": _Lazy("edge_runtime.cli.sync:sync", "Sync with the relay; see what is where."),
    "bundle": _Lazy("edge_runtime.cli.bundle:bundle", "Carry entries in a file, without a network."),
    "audit": _Lazy("edge_runtime.cli.audit.group:audit", "See who did what; check and prove the record of it."),
    "incident": _Lazy("edge_runtime.cli.incident:incident", "Many casualties at once: number, triage, identify."),
    "score": _Lazy("edge_runtime.cli.score:score", "NEWS2, qSOFA, GCS, Apgar, START, JumpSTART, SALT."),
    "code": _Lazy("edge_runtime.cli.code:code", "Check and search codes; convert units."),
    "fhir": _Lazy("edge_runtime.cli.fhir:fhir", "Check, import and export FHIR R4."),
    "model": _Lazy("edge_runtime.cli.model:model", "The models of this device: import, check, share, measure."),
    "ai": _Lazy("edge_runtime.cli.ai:ai", "Draft notes, codes, translations on this device; check a draft."),
    "doctor": _Lazy("edge_runtime.cli.doctor:doctor", "Check this device: vault, store, chains, clock."),
    "demo": _Lazy(
        "edge_runtime.cli.demo.command:demo", "Watch three devices and a relay go through a bad day.", "server"
    ),
    "server": _Lazy("", "Run the relay.", "server"),
}
"""The groups in the order of the help text. One without a target is registered by its own room."""


class Program(click.Group):
    """The root of the command line; knows its groups by name and help text without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the groups, those of other rooms included."""
        del ctx
        return [*GROUPS, *sorted({point.name for point in entry_points(group=PLUGINS)} - set(GROUPS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a group.

        Raises:
            click.ClickException: the extra that it needs is not installed.
        """
        del ctx
        lazy = GROUPS.get(cmd_name, _Lazy("", ""))
        target = lazy.target or next(
            (point.value for point in entry_points(group=PLUGINS) if point.name == cmd_name), None
        )
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if _is_ours(error):
                raise
            raise _missing(error, cmd_name) from None
        assert isinstance(command, click.Command), f"{target} is a command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of groups without loading any."""
        rows = [(name, GROUPS[name].help if name in GROUPS else "") for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.command(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fieldward")
def program() -> None:
    """Clinical documents that work without a network, sync without loss, and can be read by their members only.

    \b
    Examples:
      fieldward demo                         three devices, a relay, a crash; ends by itself
      fieldward org init --home A --out ORG  found an organisation on this device
      fieldward chart list --home B          what is on device B
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a name that the terminal cannot show must not end the program
    sys.exit(run(given))


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        The exit code.
    """
    try:
        return _run(arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing more to say
        return EXIT_REFUSED


def _run(arguments: Sequence[str]) -> int:
    """Run one command, and tell of whatever ends it but the reader's leaving."""
    try:
        if any("\0" in argument for argument in arguments):  # no system passes one, but a host's test may
            raise click.UsageError("a NUL character in the arguments")  # noqa: TRY301 told as every other usage error
        result = program.main(args=list(arguments), prog_name="fieldward", standalone_mode=False)
    except BrokenPipeError:
        raise
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 nobody is shown a traceback
        told = _told(error, next(iter(arguments), ""))
        print_error(told, as_json=wants_json(arguments))
        return exit_code(told)
    return result if isinstance(result, int) else 0


def _told(error: BaseException, command: str) -> ExplainedError:
    """What a person is told of an error.

    Raises:
        BaseException: the error itself, where a developer asks for it and nobody foresaw it.
    """
    match error:
        case ExplainedError():
            return error
        case click.ClickException():
            return _usage(error)
        case click.Abort() | KeyboardInterrupt():
            return _stopped()
        case ModuleNotFoundError() if not _is_ours(error):
            return _missing(error, command)
    if os.environ.get("FIELDWARD_DEBUG"):
        raise error
    return _bug(error)


def _is_ours(error: ModuleNotFoundError) -> bool:
    return error.name is None or error.name.partition(".")[0] in {"edge_runtime", "sync_protocol"}


def _missing(error: ModuleNotFoundError, command: str) -> ExplainedError:
    """A package that is not installed: which extra brings it."""
    lazy = GROUPS.get(command)
    extra = (lazy.extra if lazy else None) or command
    return ExplainedError(
        "extra_missing",
        expected=f"the extra '{extra}', which 'fieldward {command}' needs",
        got=f"an installation without {error.name}",
        do=f"install it: pip install 'fieldward[{extra}]'",
    )


def _usage(error: click.ClickException) -> ExplainedError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "fieldward"
    return ExplainedError(
        "usage", expected="a command as the help describes it", got=error.format_message(), do=f"see '{command} --help'"
    )


def _stopped() -> ExplainedError:
    return ExplainedError(
        "stopped", expected="the command to end by itself", got="a stop", do="run it again; what was recorded is kept"
    )


def _bug(error: BaseException) -> ExplainedError:
    """An error that nobody foresaw: its kind only, because its words may hold a patient's."""
    return ExplainedError(
        "bug",
        expected="a foreseen error",
        got=type(error).__name__,
        do="nothing that was recorded is lost; run it again with FIELDWARD_DEBUG=1 and report what it prints",
    )
