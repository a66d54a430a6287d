"""What `audit verify` and `audit findings` share: where the evidence is, and the run over it with its progress."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from edge_runtime.cli.output import DAMAGE, home_options, read_passphrase
from edge_runtime.errors import InputError
from sync_protocol.errors import ExplainedError, PeerError
from sync_protocol.finding_list import Policy
from sync_protocol.findings import Finding, FindingKind
from sync_protocol.ids import RootHash
from sync_protocol.organisation_file import open_organisation_file
from sync_protocol.verification import Progress, Report, verify

if TYPE_CHECKING:
    from sync_protocol.certificates import Root
    from sync_protocol.signed import Verified

SOURCES: Final = "fieldward.audit_sources"
_SERVER: Final = "server-data"
_DAY_MS: Final = 24 * 3600 * 1000
_FOLDER: Final = click.Path(path_type=Path, file_okay=False, exists=True)
_FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where the evidence is, as the options say.

    Attributes:
        organisation: the organisation's file, which pins the root.
        unseen_days: for how long a device may be silent.
    """

    home: Path
    passphrase_file: Path | None
    bundle: Path | None
    server_data: Path | None
    database_url: str | None
    organisation: Path | None
    unseen_days: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What a run found, and how long it took."""

    report: Report
    seconds: float


def evidence_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and hand them to a command as one `Where`."""

    @functools.wraps(command)
    def placed(**options: Any) -> Any:  # noqa: ANN401 - click's
        where = Where(**{name: options.pop(name) for name in Where.__slots__})
        _check(where)
        return command(where, **options)

    for option in (
        click.option(
            "--unseen-days",
            type=click.IntRange(min=1),
            default=Policy().unseen_ms // _DAY_MS,
            show_default=True,
            help="Report devices that were silent for longer.",
        ),
        click.option("--organisation", type=_FILE, help="The organisation's file: accept its root and no other."),
        click.option("--database-url", help="With --server-data: the database, where it is not in that folder."),
        click.option("--server-data", type=_FOLDER, help="Check a relay's home folder; the relay may run meanwhile."),
        click.option("--bundle", type=_FILE, help="Check an evidence file; needs no device."),
    ):
        placed = option(placed)
    return home_options(placed)


def run_verification(where: Where, *, as_json: bool) -> Verification:
    """Check what the options name, showing the progress where a person looks.

    Damage that ends the reading is a finding like any other.

    Raises:
        ExplainedError: there is nothing to check, or it may not be opened.
    """
    from edge_runtime.runtime import clock

    root = pinned_root(where.organisation)
    policy = Policy(root=None if root is None else RootHash(root.hash), unseen_ms=where.unseen_days * _DAY_MS)
    started = time.monotonic()
    with _showing(as_json=as_json) as progress:
        try:
            report = _verified(where, root, policy, clock(), progress)
        except ExplainedError as error:
            if error.code not in DAMAGE:
                raise
            report = _unreadable(error)
    return Verification(report, time.monotonic() - started)


def _verified(where: Where, root: Verified[Root] | None, policy: Policy, now_ms: int, progress: Progress) -> Report:
    if where.bundle is not None:
        from edge_runtime.audit.evidence_file import open_file
        from sync_protocol.evidence_verification import verify_evidence

        return verify_evidence(open_file(where.bundle), now_ms=now_ms, policy=policy, progress=progress)
    if where.server_data is not None:
        opener = _server_opener()
        wire = None if root is None else root.wire
        with opener(where.server_data, database_url=where.database_url, root=wire) as source:
            return verify(source, now_ms=now_ms, policy=policy, progress=progress, found=source.damage())
    from edge_runtime.audit.device_source import DeviceSource, Holder
    from edge_runtime.runtime import open_home

    with open_home(where.home, read_passphrase(where.passphrase_file, confirm=False)) as runtime:
        source = DeviceSource(Holder(runtime.store, runtime.identity, runtime.keyring))
        own = policy if root is not None else replace(policy, root=RootHash(runtime.identity.root.hash))
        return verify(source, now_ms=now_ms, policy=own, progress=progress, found=source.notices())


def pinned_root(file: Path | None) -> Verified[Root] | None:
    """The root in the organisation's file.

    Raises:
        InputError: it is none.
    """
    if file is None:
        return None
    try:
        return open_organisation_file(file.read_bytes(), expected=None)[0]
    except (OSError, PeerError) as error:
        raise InputError(
            "organisation_file",
            expected="an organisation file as 'fieldward org' wrote it",
            got=error.got if isinstance(error, PeerError) else type(error).__name__,
            do="copy the file again from an administrator's device",
        ) from None


def _server_opener() -> Callable[..., Any]:
    """What reads a relay's data: the server's room registers it, so that this one need not know the server.

    Raises:
        ExplainedError: the server is not installed.
    """
    for point in entry_points(group=SOURCES):
        if point.name == _SERVER:
            opener: Callable[..., Any] = point.load()
            return opener
    raise ExplainedError(
        "extra_missing",
        expected="the extra 'server', which --server-data needs",
        got="an installation without it",
        do="install it: pip install 'fieldward[server]'",
    )


def _unreadable(error: ExplainedError) -> Report:
    """A report of evidence that could not be read to its end."""
    evidence = {"problem": error.code, "expected": error.expected, "got": error.got}
    return Report(
        ok=False,
        entries=0,
        sessions=0,
        devices=(),
        findings=(Finding(kind=FindingKind.DAMAGED, evidence=evidence),),
        counts={FindingKind.DAMAGED: 1},
        checkpoints=0,
        receipts=0,
        log_size=None,
    )


def _check(where: Where) -> None:
    """Refuse what does not go together.

    Raises:
        click.UsageError: two kinds of evidence at once, or a database without a relay's folder.
    """
    context = click.get_current_context()
    homes = context.get_parameter_source("home") is ParameterSource.COMMANDLINE
    if sum((homes, where.bundle is not None, where.server_data is not None)) > 1:
        raise click.UsageError("name one of --home, --bundle and --server-data")
    if where.database_url is not None and where.server_data is None:
        raise click.UsageError("--database-url needs --server-data")


@contextmanager
def _showing(*, as_json: bool) -> Iterator[Progress]:
    """A bar, where a person looks."""
    if as_json or not sys.stderr.isatty():
        yield lambda _done, _size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("Checking entries", total=None)
        yield lambda done, size: bars.update(task, completed=done, total=size)
