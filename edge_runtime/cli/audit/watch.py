"""`fieldward audit watch`: an outside eye on the relay's log."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.audit.watch_text import facts, tell, tell_unreachable
from edge_runtime.cli.output import EXIT_DAMAGE, EXIT_DONE, json_option, print_json, read_passphrase, say
from edge_runtime.errors import InputError, RefusedError, RemoteError
from sync_protocol.errors import PeerError

if TYPE_CHECKING:
    from edge_runtime.audit.log_fetching import FetchedLog
    from edge_runtime.audit.watching import Look, Shown, Watched
    from edge_runtime.transports.http import HttpClient
    from sync_protocol.certificates import Root
    from sync_protocol.signed import Verified

_DAY_S: Final = 86_400
_MS: Final = 1_000
_FILE_BYTES_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    """What a watch looks at, and where it keeps its state."""

    root: Verified[Root]
    http: HttpClient
    state: Path
    as_json: bool


@click.command()
@click.option("--relay", help="The relay's address; with --home by default the one last used.")
@click.option(
    "--organisation",
    type=click.Path(path_type=Path, dir_okay=False),
    help="ORG file that says whom to trust; needs no device, but --relay.",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="FIELDWARD_HOME",
    help="A device that says whom to trust; opened for a moment only.  [default: ~/.fieldward]",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the home's passphrase from the first line of this file.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to keep what was verified.  [default: ORG.watch.json, or watch.json in the home]",
)
@click.option("--once", is_flag=True, help="Look once and end.")
@click.option(
    "--interval",
    type=click.IntRange(1, _DAY_S),
    default=300,
    show_default=True,
    help="Seconds from one look to the next.",
)
@json_option
def watch(*, once: bool, interval: int, as_json: bool, **options: Any) -> int:  # noqa: ANN401 click's
    """Watch the relay's log and raise an alarm if it changes its past.

    Each look checks the newest checkpoint's signatures, that it only adds to the last one, by tiles of hashes that the
    relay publishes, and that its daily cosignature is not older than 48 hours. An alarm is printed, its evidence is
    written beside the state file, and the exit code is 3. It needs no secret; run it where the relay's operator cannot
    reach.

    \b
    Examples:
      fieldward audit watch --relay https://relay.example.org --organisation clinic.org
      fieldward audit watch --home admin --once --json
    """
    import time

    from edge_runtime.runtime import clock

    post = _post(**options, as_json=as_json)
    if not as_json:
        say(f"Watching the log at {post.http.address}; state in {post.state}.")
    with closing(post.http):
        while True:
            try:
                if not _round(post):
                    return EXIT_DAMAGE
            except RemoteError as error:
                if once:
                    raise
                tell_unreachable(error, clock(), as_json=as_json)
            if once:
                return EXIT_DONE
            time.sleep(interval)


def _post(
    *,
    relay: str | None,
    organisation: Path | None,
    home: Path | None,
    passphrase_file: Path | None,
    state: Path | None,
    as_json: bool,
) -> _Post:
    """Find out whom to trust and where to look.

    Raises:
        InputError: an organisation file that cannot be read, or no address.
        PeerError: an organisation file that does not hold.
    """
    from edge_runtime.connections import TIMEOUT_S
    from edge_runtime.runtime import open_home
    from edge_runtime.transports.http import HttpClient
    from edge_runtime.transports.link import address_of

    if organisation is not None:
        if relay is None:
            raise InputError(
                "relay_address", expected="--relay beside --organisation", got="none", do="name the relay's address"
            )
        root = _root_of(organisation)
        kept = state or organisation.with_name(f"{organisation.name}.watch.json")
        http = HttpClient(address_of(relay), timeout_s=TIMEOUT_S)
        return _Post(root=root, http=http, state=kept, as_json=as_json)
    folder = home or Path.home() / ".fieldward"
    with open_home(folder, read_passphrase(passphrase_file, confirm=False)) as runtime:
        root, http = runtime.identity.root, runtime.connections.http(runtime.connections.relay_address(relay))
    return _Post(root=root, http=http, state=state or folder / "watch.json", as_json=as_json)


def _root_of(file: Path) -> Verified[Root]:
    from sync_protocol.organisation_file import open_organisation_file

    try:
        with file.open("rb") as opened:
            data = opened.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise InputError(
            "organisation_file", expected="a readable file", got=error.strerror or "an error", do="check --organisation"
        ) from None
    return open_organisation_file(data, expected=None)[0]


def _round(post: _Post) -> bool:
    """Look once, tell, and keep what was verified.

    Returns:
        Whether all was well.
    """
    from edge_runtime.audit.log_fetching import FetchedLog
    from edge_runtime.audit.watch_files import load_watched, save_watched, write_evidence
    from edge_runtime.runtime import clock

    watched = load_watched(post.state)
    wire = _record(post.http)
    log = FetchedLog(post.http)
    shown = _shown(log)
    now_ms = clock()
    found = _judged(watched, shown, wire, post.root, log, now_s=now_ms // _MS)
    evidence = [write_evidence(post.state, alarm, watched, shown, wire, now_ms=now_ms) for alarm in found.alarms]
    if found.watched is not None and found.watched != watched:
        save_watched(post.state, found.watched)
    if post.as_json:
        print_json(facts(found, evidence, now_ms))
    else:
        tell(found, evidence, now_ms)
    return not found.alarms


def _judged(
    watched: Watched | None, shown: Shown, wire: bytes, root: Verified[Root], log: FetchedLog, *, now_s: int
) -> Look:
    """Judge what is shown, by the keys that the organisation's root recorded."""
    from edge_runtime.audit.watching import Look, foreign, look
    from sync_protocol.certificates import open_relay

    try:
        record = open_relay(wire, root).value
    except PeerError as error:
        return Look(alarms=(foreign(error, "the relay's record"),), checkpoint=None, before=None, watched=watched)
    return look(watched, shown, record, log.tiles, now_s=now_s)


def _record(http: HttpClient) -> bytes:
    """The relay's record as it shows it; it names the keys that judge the log.

    Raises:
        RefusedError: the relay has none yet.
        RemoteError: no answer.
    """
    from edge_runtime.enrolment.relay import relay_facts

    wire = relay_facts(http).record
    if wire is None:
        raise RefusedError(
            "relay_unclaimed",
            expected="a relay that the organisation's root has recorded",
            got="one without a record",
            do="invite a device first: that signs the record",
        )
    return wire


def _shown(log: FetchedLog) -> Shown:
    from edge_runtime.audit.watching import Shown

    cosigned = log.cosigned()  # first, so that it cannot honestly be larger than the note
    return Shown(cosigned=cosigned, note=log.note())
