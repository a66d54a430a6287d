"""`fieldward model import`: take a model in from a stick or another device, on its terms."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.model_progress import on_bar
from edge_runtime.cli.output import json_option, print_json, read_passphrase, say

if TYPE_CHECKING:
    from edge_runtime.ai.errors import ModelError
    from edge_runtime.ai.models.importing import Imported
    from edge_runtime.ai.models.kept import Acceptance
    from edge_runtime.ai.models.offers import Offer
    from edge_runtime.ai.models.receiving import Progress

_STYLES: Final = ("chat", "completion", "demonstration")


@click.command("import")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--from", "address", metavar="HOST:PORT", help="Fetch it from the device that shares it there.")
@click.option("--code", help="The code that this device shows; with --from.")
@click.option("--name", help="What it is called here. A file that nobody knows needs one.")
@click.option("--sha256", help="The digest that the file must have, from where the model was published.")
@click.option("--link", is_flag=True, help="Leave the file where it is; the model is gone when the file is.")
@click.option(
    "--style", type=click.Choice(_STYLES), default="chat", help="How a file that nobody knows wants to be asked."
)
@click.option("--accept-licence", is_flag=True, help="You have read the model's terms, and agree to them.")
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="Record for whom the terms were accepted."
)
@click.option("--passphrase-file", type=click.Path(path_type=Path, dir_okay=False), help="Of that home.")
@json_option
def import_model(
    path: Path | None,
    address: str | None,
    code: str | None,
    name: str | None,
    sha256: str | None,
    *,
    link: bool,
    style: str,
    accept_licence: bool,
    home: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Import a model: from PATH, a file or a folder with manifest.json, or from a device that shares one.

    What came stays when it is interrupted: the same command goes on. Terms that have to be accepted are shown with
    their address, and who does not accept them imports nothing. The digest comes from elsewhere than the file: by
    --sha256, or by your confirming the one that is shown.

    \b
    Examples:
      fieldward model import /media/stick/gemma-3n-E2B-it-int4.litertlm --sha256 DIGEST --accept-licence
      fieldward model import --from 192.168.4.20:8450 --code ABCD-EFGH-IJKL-MNOP
    """
    from edge_runtime.ai.models.importing import Registrar, check_offer
    from edge_runtime.ai.models.inspecting import look
    from edge_runtime.cli.model import this_folder
    from edge_runtime.runtime import clock

    if (path is None) == (address is None) or (address is None) != (code is None):
        raise click.UsageError("Give a path, or --from with --code.")
    folder = this_folder()
    try:
        with on_bar(as_json=as_json) as progress:
            offer = _offer(path, address, code, name=name, sha256=sha256, style=style, progress=progress)
        _confirm_digest(offer, as_json=as_json)
        accepted = _accepted(offer, home, passphrase_file, given=accept_licence, as_json=as_json)
        check_offer(offer, accepted)
        with on_bar(as_json=as_json) as progress:
            registrar = Registrar(folder, clock=clock, inspect=look)
            imported = registrar.take(offer, accepted=accepted, link=link, progress=progress)
    except KeyboardInterrupt:
        raise _stopped() from None
    _tell(imported, as_json=as_json)


def _offer(
    path: Path | None,
    address: str | None,
    code: str | None,
    *,
    name: str | None,
    sha256: str | None,
    style: str,
    progress: Progress,
) -> Offer:
    if path is not None:
        from edge_runtime.ai.models.inspecting import look
        from edge_runtime.ai.models.offers import Wishes, offer_of_path

        wishes = Wishes(name=name, sha256=sha256, prompt_style=style)
        return offer_of_path(path, wishes, inspect=look, progress=progress)
    from edge_runtime.ai.models.fetching import PeerSource
    from edge_runtime.ai.models.offers import check_digest
    from edge_runtime.ai.models.sharing import listen_address, parse_code

    offer = PeerSource(listen_address(address or "")).offer(parse_code(code or ""), rename=name)
    check_digest(sha256, offer.manifest.sha256)
    return offer


def _confirm_digest(offer: Offer, *, as_json: bool) -> None:
    """Have a person confirm a digest that nobody vouched for.

    Raises:
        ModelError: `digest_unconfirmed`.
    """
    from edge_runtime.ai.errors import ModelError

    if offer.vouched:
        return
    if not as_json and sys.stdin.isatty():
        click.echo(f"The file's SHA-256 is {offer.manifest.sha256}.", err=True)
        if click.confirm("Is that the one that its publisher states?", err=True):
            return
    raise ModelError(
        "digest_unconfirmed",
        expected="the digest that the model's publisher states, by --sha256, or confirmed at the prompt",
        got=f"nobody who vouches for {offer.manifest.sha256}",
        do="compare it with the publisher's, and give it with --sha256; nothing was imported",
    )


def _accepted(
    offer: Offer, home: Path | None, passphrase_file: Path | None, *, given: bool, as_json: bool
) -> Acceptance | None:
    """Who agrees to the terms, where somebody has to."""
    from edge_runtime.ai.models.kept import Acceptance
    from edge_runtime.runtime import clock

    licence = offer.manifest.licence
    if not licence.must_accept:
        return None
    agreed = given
    if not agreed and not as_json and sys.stdin.isatty():
        where = f"They stand at {licence.url}." if licence.url else "Nobody stated where they stand."
        click.echo(f"{offer.manifest.title} comes under {licence.title}. {where}", err=True)
        agreed = click.confirm("Have you read them, and do you agree?", err=True)
    if not agreed:
        return None
    by = "" if home is None else _user_of(home, passphrase_file)
    return Acceptance(licence=licence.id, manifest=offer.digest, at_ms=clock(), by=by)


def _user_of(home: Path, passphrase_file: Path | None) -> str:
    """The user of a home."""
    from edge_runtime.runtime import open_home

    with open_home(home, read_passphrase(passphrase_file, confirm=False)) as runtime:
        return str(runtime.identity.certificate.user)


def _stopped() -> ModelError:
    from edge_runtime.ai.errors import ModelError

    return ModelError(
        "import_stopped",
        expected="an import that runs to its end",
        got="Ctrl-C",
        do="run the same command again: what came is kept, and it goes on from there",
    )


def _tell(imported: Imported, *, as_json: bool) -> None:
    from edge_runtime.ai.models.choosing import Device, memory_refusal
    from edge_runtime.ai.models.opening import this_device
    from edge_runtime.cli.model_text import entry_json, size_text

    entry = imported.entry
    warnings = []
    refusal = memory_refusal(entry, Device(memory_bytes=this_device().memory_bytes))
    if refusal is not None:
        warnings.append(f"This device will not load it: {refusal[1]}.")
    if imported.uninspected:
        warnings.append("No engine is installed here, so nobody looked into the file: pip install 'fieldward[ai]'.")
    if as_json:
        print_json(
            entry_json(entry)
            | {"already_there": imported.again, "resumed_bytes": imported.kept_bytes, "warnings": warnings}
        )
        return
    if imported.again:
        say(f"{entry.name} is here already, whole.")
    else:
        resumed = f"; {size_text(imported.kept_bytes)} had come before" if imported.kept_bytes else ""
        size, digest = size_text(entry.manifest.size), entry.manifest.sha256
        say(f"{entry.name} is imported: {size}, digest {digest[:12]}...{resumed}.")
    for words in warnings:
        say(click.style(f"WARNING: {words}", fg="yellow"))
