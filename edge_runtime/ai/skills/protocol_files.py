"""Where protocols are kept: those of the package, and an organisation's own in a folder.

Owns the reading of files. A shipped file that is not of the form is our own bug; a folder's is an error with its place
in the folder, never with its name or words.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from edge_runtime.ai.skills.protocol_book import PROTOCOLS_MAX, Protocol, read_protocol
from edge_runtime.clinical.fact_json import Json
from edge_runtime.errors import InputError

FILE_BYTES_MAX: Final = 64 * 1024
_FOLDER: Final = "data/protocols"
_ENDING: Final = ".toml"


@cache
def shipped() -> tuple[Protocol, ...]:
    """The protocols of the package, by name of their files."""
    folder = files("edge_runtime").joinpath(_FOLDER)
    found = sorted((one for one in folder.iterdir() if one.name.endswith(_ENDING)), key=lambda one: one.name)
    return tuple(read_protocol(tomllib.loads(one.read_text(encoding="utf-8"))) for one in found)


def read_folder(path: Path) -> list[Json]:
    """An organisation's own protocols, as the skill takes them in `facts["protocols"]`.

    Args:
        path: of a folder; each file that ends in `.toml` is one protocol.

    Raises:
        InputError: no folder, too many files; a file that is too large, no UTF-8, no TOML or no protocol; one id
            twice.
    """
    if not path.is_dir():
        raise _refusal("a folder", "none of that name", "name the folder of your protocols")
    names = sorted(one for one in path.iterdir() if one.suffix == _ENDING)
    if len(names) > PROTOCOLS_MAX:
        raise _refusal(f"at most {PROTOCOLS_MAX} files", f"{len(names)}", "keep fewer protocols")
    found: dict[str, Json] = {}
    for number, name in enumerate(names, 1):
        raw = _read(name, number)
        protocol = read_protocol(raw, own=True)
        if protocol.id in found:
            raise _refusal("protocols of different ids", f"one id twice, again in file {number}", "change one of them")
        found[protocol.id] = raw
    return list(found.values())


def _read(path: Path, number: int) -> Json:
    where = f"file {number} by name"
    with path.open("rb") as opened:
        data = opened.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise _refusal(f"{where}: at most {FILE_BYTES_MAX} bytes", "more", "shorten it")
    try:
        parsed = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        raise _refusal(f"{where}: TOML in UTF-8", "something else", "correct it") from None
    return _plain(parsed, where)


def _plain(value: Any, where: str) -> Json:  # noqa: ANN401 whatever TOML may hold
    """The same as JSON, which has no times and no fractions."""
    if isinstance(value, dict):
        return {name: _plain(item, where) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, where) for item in value]
    if isinstance(value, float | dt.date | dt.time):
        raise _refusal(f"{where}: texts, whole numbers, true and false", "another type", "write it as text")
    assert isinstance(value, str | int), "TOML has no other types"
    return value


def _refusal(expected: str, got: str, do: str) -> InputError:
    return InputError("invalid_protocol", expected=expected, got=got, do=do)
