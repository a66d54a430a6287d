"""`fieldward model adapter`: sign specialty adapters, take them in, list and remove them, and whom to trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_runtime.cli.output import (
    check_out,
    home_options,
    json_option,
    print_json,
    read_passphrase,
    say,
    with_device,
    write_out,
)

if TYPE_CHECKING:
    from edge_runtime.ai.models.adapter_registrar import AdapterRegistrar
    from edge_runtime.ai.models.adapters import Adapter
    from edge_runtime.ai.models.signers import Signer
    from edge_runtime.runtime import Runtime
    from sync_protocol.roles import Role
    from sync_protocol.signing import VerifyKey

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def adapter() -> None:
    """Specialty adapters: small signed files that bend one model towards a specialty.

    \b
    Examples:
      fieldward model adapter sign heart.lora --base NAME --name heart --specialty cardiology --out heart.adapter
      fieldward model adapter import heart.adapter
    """


def _registrar() -> AdapterRegistrar:
    from edge_runtime.ai.models.adapter_registrar import AdapterRegistrar
    from edge_runtime.ai.models.importing import Registrar
    from edge_runtime.ai.models.inspecting import look
    from edge_runtime.cli.model import this_folder
    from edge_runtime.runtime import clock

    folder = this_folder()
    return AdapterRegistrar(folder, Registrar(folder, clock=clock, inspect=look))


@adapter.command()
@click.argument("file", type=_FILE)
@click.option("--base", required=True, help="The model that it was made for, as it is called here.")
@click.option("--name", required=True, help="What it is called: a word.")
@click.option("--title", default="", help="For people.")
@click.option("--specialty", required=True, help="Such as cardiology, oncology, paediatrics.")
@click.option("--rank", type=click.IntRange(1, 256), default=16, show_default=True, help="Of its matrices: 16 or 32.")
@click.option("--licence", default="unstated", show_default=True, help="SPDX identifier of its terms.")
@click.option("--out", type=_FILE, required=True, help="The signed file to write.")
@with_device()
def sign(
    runtime: Runtime,
    file: Path,
    base: str,
    name: str,
    title: str,
    specialty: str,
    rank: int,
    licence: str,
    out: Path,
    *,
    as_json: bool,
) -> None:
    """Sign an adapter for a model, as an administrator or clinical administrator of the organisation.

    You answer for it: whoever trusts your organisation lets it change what their model writes.

    \b
    Example:
      fieldward model adapter sign kids.lora --base demonstration --name kids --specialty paediatrics
        --out kids.adapter --home admin
    """
    from edge_runtime.ai.models.adapters import Adapter, check_member, sign_adapter
    from edge_runtime.cli.model import find, this_folder
    from edge_runtime.runtime import clock
    from sync_protocol.ids import Hash

    check_out(out)
    data = _bytes_of(file)
    entry = find(this_folder(), base)
    key = runtime.identity.keys.signer
    record = Adapter(
        name=name,
        title=title or name,
        specialty=specialty,
        base=Hash(bytes.fromhex(entry.manifest.sha256)),
        file=Hash.of(data),
        size=len(data),
        rank=rank,
        licence=licence,
        signer=key.public,
        signed_ms=clock(),
        certificate=runtime.identity.principal,
    )
    _, roles, standing = _member(runtime, record)
    check_member(record, key.public, roles, standing=standing)
    write_out(out, sign_adapter(record, data, key))
    if as_json:
        print_json({"out": str(out), "name": name, "digest": record.file.hex(), "signer": key.public.hex()})
        return
    say(f"Signed: {out}, for {base} and no other model.")
    say(f"Devices of your organisation: fieldward model adapter import {out.name} --home HOME")
    say(f"Others, once they have your key from you: --signer {key.public.hex()}")


@adapter.command("import")
@click.argument("file", type=_FILE)
@click.option("--signer", metavar="KEY", help="Trust this signer from now on; you have the key from themselves.")
@home_options
def import_adapter(file: Path, signer: str | None, *, home: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Take a signed adapter in, for the model that it was made for.

    It has to be signed by somebody trusted: an administrator or clinical administrator of the organisation of --home,
    or a key that was given with --signer, now or before. The home is opened only where that has to be found out.

    \b
    Examples:
      fieldward model adapter import kids.adapter --home tablet
      fieldward model adapter import heart.adapter --signer KEY
    """
    from edge_runtime.ai.models.adapters import read_adapter_file
    from edge_runtime.ai.models.opening import every_model
    from edge_runtime.cli.model import this_folder
    from edge_runtime.cli.model_text import adapter_json

    parsed = read_adapter_file(_bytes_of(file))

    def vouch(record: Adapter) -> Signer:
        return _given(record, signer) if signer is not None else _of_home(record, home, passphrase_file)

    entry, taken = _registrar().take(parsed, every_model(this_folder()), vouch)
    if as_json:
        print_json(adapter_json(entry.name, taken, "ready"))
        return
    say(f"Adapter {taken.record.name} ({taken.record.specialty}) is here for {entry.name}.")


@adapter.command("list")
@json_option
def list_adapters(*, as_json: bool) -> None:
    """List the adapters of each model, whether each may be loaded, and whose are trusted.

    \b
    Example:
      fieldward model adapter list
    """
    from edge_runtime.ai.models.adapter_shelf import adapters_on
    from edge_runtime.ai.models.opening import every_model, usable_adapters
    from edge_runtime.ai.models.signers import read_signers
    from edge_runtime.cli import model_text
    from edge_runtime.cli.model import this_folder

    folder = this_folder()
    rows = []
    for entry in every_model(folder):
        _, left_out = usable_adapters(folder, entry)
        rows += [
            (entry.name, one, left_out.get(one.record.name, "ready")) for one in adapters_on(folder.shelf(entry.name))
        ]
    signers = read_signers(folder.signers)
    if as_json:
        adapters = [model_text.adapter_json(*row) for row in rows]
        print_json({"adapters": adapters, "signers": [model_text.signer_json(one) for one in signers]})
        return
    for row in rows:
        for line in model_text.adapter_rows(*row):
            say(line)
    for one in signers:
        say(model_text.signer_row(one))
    if not rows:
        say("No adapter is here.")


@adapter.command()
@click.argument("model")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(model: str, name: str, *, yes: bool, as_json: bool) -> None:
    """Remove the adapter NAME of MODEL.

    \b
    Example:
      fieldward model adapter remove demonstration kids
    """
    if not yes:
        click.confirm(f"Remove the adapter {name} of {model}?", abort=True, err=True)
    from edge_runtime.cli.model import find, this_folder

    _registrar().drop(find(this_folder(), model).name, name)
    if as_json:
        print_json({"model": model, "name": name, "removed": True})
        return
    say(f"Adapter {name} of {model} is removed.")


@adapter.command()
@click.argument("key")
@json_option
def distrust(key: str, *, as_json: bool) -> None:
    """Trust a signer no more: the adapters that they signed are loaded no more.

    \b
    Example:
      fieldward model adapter distrust KEY
    """
    from edge_runtime.ai.models.signers import parse_key

    _registrar().distrust(parse_key(key))
    if as_json:
        print_json({"key": key, "trusted": False})
        return
    say("That signer is trusted no more; 'fieldward model adapter list' shows what is left out for it.")


def _bytes_of(file: Path) -> bytes:
    from edge_runtime.ai.models.adapters import ADAPTER_BYTES_MAX, malformed_adapter
    from edge_runtime.ai.models.sources import source_gone

    try:
        with file.open("rb") as opened:
            data = opened.read(ADAPTER_BYTES_MAX + 1)
    except OSError as error:
        raise source_gone(error) from None
    if not 0 < len(data) <= ADAPTER_BYTES_MAX:
        raise malformed_adapter(f"a file of 0 or more than {ADAPTER_BYTES_MAX:,} bytes")
    return data


def _given(record: Adapter, signer: str) -> Signer:
    """The signer whose key a person gave.

    Raises:
        ModelError: another key signed.
    """
    from edge_runtime.ai.models.adapters import untrusted_signer
    from edge_runtime.ai.models.signers import Signer, parse_key
    from edge_runtime.runtime import clock

    key = parse_key(signer)
    if key != record.signer:
        raise untrusted_signer("the signature of the key that was given", f"that of key {record.signer.short}")
    return Signer(key=key, organisation="", role="", since_ms=clock())


def _of_home(record: Adapter, home: Path, passphrase_file: Path | None) -> Signer:
    """The signer, as the organisation of a home knows them.

    Raises:
        ModelError: nobody of it, or nobody who may.
    """
    from edge_runtime.ai.models.adapters import check_member
    from edge_runtime.ai.models.signers import Signer
    from edge_runtime.runtime import clock, open_home

    with open_home(home, read_passphrase(passphrase_file, confirm=False)) as runtime:
        key, roles, standing = _member(runtime, record)
        check_member(record, key, roles, standing=standing)
        root = runtime.identity.root.hash.hex()
    return Signer(key=key, organisation=root, role=roles[0].value, since_ms=clock())


def _member(runtime: Runtime, record: Adapter) -> tuple[VerifyKey, tuple[Role, ...], bool]:
    """The member of a home's organisation whose principal a record names: key, roles in force, and whether they stand.

    Raises:
        ModelError: there is none.
    """
    from edge_runtime.ai.models.adapters import untrusted_signer
    from edge_runtime.cli.device_list import known_members
    from edge_runtime.runtime import clock

    found = next((one for one in known_members(runtime) if one.principal == record.certificate), None)
    if found is None:
        raise untrusted_signer("the signature of a member of this home's organisation", "a stranger's")
    return found.certificate.ed25519, found.roles, found.trusted and found.ends(clock()) != "ended"
