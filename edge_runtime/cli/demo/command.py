"""The command `fieldward demo`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_runtime.cli.output import EXIT_DONE, EXIT_REFUSED, json_option, print_json
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_runtime.cli.demo.stage import Stage
    from edge_runtime.cli.demo.verdict import Verdict


@click.command()
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the devices here, to explore.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    multiple=True,
    help="Your own FHIR R4 instead of the official examples; may be given again.",
)
@click.option("--database-url", help="PostgreSQL for the relay instead of its own SQLite.")
@click.option(
    "--story",
    type=click.Choice(["day", "incident"]),
    default="day",
    show_default=True,
    help="A bad day on a ward; or a mass-casualty incident.",
)
@json_option
def demo(keep: Path | None, data: Sequence[Path], database_url: str | None, *, story: str, as_json: bool) -> int:
    """Start a relay and three devices, cut the network, crash the relay, and check that nothing is lost or leaked.

    Then a tablet is stolen, and a stranger breaks the glass. In the story `incident`, four phones without a network
    register 60 casualties and meet at a kit: nobody is lost, and nobody silently becomes less urgent. Exit code 0 means
    that every claim held. Takes a minute or two and leaves nothing behind, unless --keep is given.

    \b
    Examples:
      fieldward demo
      fieldward demo --story incident
      fieldward demo --keep day --data my-patients.ndjson
    """
    if story == "incident":
        if data or database_url is not None:
            raise click.UsageError("--data and --database-url belong to the story 'day'.")
        return _incident(keep, as_json=as_json)
    from edge_runtime.cli.demo.stage import Stage
    from edge_runtime.cli.demo.story import play
    from edge_runtime.cli.demo.verdict import judge

    with _folder(keep) as folder, _telling(as_json=as_json) as tell:
        stage = Stage(folder, database_url=database_url, tell=tell)
        play(stage, data)
        tell("Searching relay, desk and all recorded traffic for every phrase and key")
        verdict = judge(stage)
        if keep is not None:
            _leave_note(stage)
    if as_json:
        print_json(verdict.answer)
    else:
        _print(verdict, stage, keep)
    return EXIT_DONE if verdict.ok else EXIT_REFUSED


def _incident(keep: Path | None, *, as_json: bool) -> int:
    """Play the story `incident`."""
    from edge_runtime.cli.demo.ferry import Ferry
    from edge_runtime.cli.demo.ferry_story import play
    from edge_runtime.cli.demo.ferry_summary import print_summary
    from edge_runtime.cli.demo.ferry_verdict import judge

    with _folder(keep) as folder, _telling(as_json=as_json) as tell:
        stage = Ferry(folder, tell=tell)
        play(stage)
        verdict = judge(stage)
        if keep is not None:
            _say_how(stage, f"\nThe incident is {stage.incident}; {stage.devices['phone 3'].home} is in the water.\n")
    if as_json:
        print_json(verdict.answer)
    else:
        print_summary(verdict, stage, keep)
    return EXIT_DONE if verdict.ok else EXIT_REFUSED


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="fieldward-demo-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    if keep.exists() and any(keep.iterdir()):
        raise InputError("keep", expected="a new or empty folder", got="one with files", do="name another with --keep")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


@contextmanager
def _telling(*, as_json: bool) -> Iterator[Callable[[str], None]]:
    """Show the chapters as they go by, on standard error."""
    if as_json:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(finished_text="[green]✓[/green]"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: list[Any] = []

        def tell(words: str) -> None:
            if tasks:
                progress.update(tasks[-1], total=1, completed=1)
            tasks.append(progress.add_task(words, total=None))

        yield tell
        if tasks:
            progress.update(tasks[-1], total=1, completed=1)


def _leave_note(stage: Stage) -> None:
    tapes = " and ".join(map(str, stage.tapes))
    token = f"The token for emergencies is {stage.token}, its passphrase {stage.token_passphrase}.\n"
    _say_how(stage, f"\nThe story's chart is {stage.chart}. The recorded traffic is in {tapes}.\n", token)


def _say_how(stage: Stage, *more: str) -> None:
    lines = ["# What the demo left\n\nEach device's passphrase stands beside it; look around with, for instance:\n"]
    lines += [
        f"    FIELDWARD_PASSPHRASE={device.passphrase} fieldward chart list --home {device.home}\n"
        for device in stage.devices.values()
    ]
    (stage.folder / "README.md").write_text("".join((*lines, *more)), encoding="utf-8")


def _print(verdict: Verdict, stage: Stage, keep: Path | None) -> None:
    from edge_runtime.cli.demo.summary import print_summary

    print_summary(verdict, stage, keep)
