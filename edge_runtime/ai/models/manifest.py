"""What a model is, as one small file says it: its name, its bytes, what it can, what it needs, on what terms.

Owns the form, version 1, strictly read: a manifest may come from a stranger's stick or device. Whether the model's
file is what the manifest says, `folder` and `importing` judge by its digests; the manifest is believed in nothing that
these do not cover, or that a person did not confirm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from edge_runtime.ai.engine.port import EngineFacts, Modality
from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.pieces import MODEL_BYTES_MAX, PIECE_BYTES, PIECES_MAX, digest, piece_count
from edge_runtime.ai.models.strict_json import HEX_DIGEST, Fields, read_object, write_object
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_runtime.clinical.fact_json import Json

VERSION: Final = 1
MANIFEST_BYTES_MAX: Final = 2 * 1024 * 1024
"""A model of MODEL_BYTES_MAX has PIECES_MAX digests, of 70 bytes each with quotes, comma and space."""
ENGINE: Final = "litert-lm"
CONTEXT_TOKENS_MAX: Final = 1 << 20
PROMPT_STYLES: Final = ("chat", "completion", "demonstration")
NAME: Final = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")
"""A word that is a safe name of a folder everywhere: no path, no hidden file, no case to be confused about."""
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}")
_VERSION: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}")
_URL: Final = re.compile(r"https://[!-~]{1,250}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_WORDS_MAX: Final = 120
_LANGUAGES_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """On what terms a model may be used.

    Attributes:
        id: an SPDX identifier, or a word of ours for terms that have none, such as "gemma".
        title: for people.
        url: where the terms stand; empty where the project's own LICENSE is meant.
        must_accept: whether somebody has to agree before it may be used.
    """

    id: str
    title: str
    url: str
    must_accept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a model is.

    Attributes:
        name: what it is called here, a word of NAME.
        title: for people.
        file: what its file was called where it came from; never used as a path.
        size: its bytes.
        sha256: of the file, hex.
        pieces: SHA-256 of each PIECE_BYTES.
        engine_version_min: the first version of the engine that runs it.
        context_tokens: prompt and answer together.
        modalities: what a prompt may hold.
        licence: its terms.
        memory_bytes_min: what the device should have in all, as it is sold: 8 GB is 8,000,000,000.
        parameters: how many weights it has; a number to order by, 0 where nobody knows.
        prompt_style: one of PROMPT_STYLES.
        demonstration: a toy whose every answer is labelled so.
        languages: BCP 47 tags; empty where nobody knows.
        base: what it was made from; empty: nothing that has a name.
        neutral: SHA-256 of the adapter that changes nothing, hex; empty where the model takes no adapters. One that
            does reads memory that nobody set where it is run without any.
    """

    name: str
    title: str
    file: str
    size: int
    sha256: str
    pieces: tuple[str, ...]
    engine_version_min: str
    context_tokens: int
    modalities: frozenset[Modality]
    licence: Licence
    memory_bytes_min: int
    parameters: int
    prompt_style: str
    demonstration: bool = False
    languages: tuple[str, ...] = ()
    base: str = ""
    neutral: str = ""

    def renamed(self, name: str) -> Manifest:
        """The same model under another name.

        Raises:
            InputError: no name for a model.
        """
        return replace(self, name=check_name(name))

    def facts(self, *, engine: str = ENGINE, contained: bool = False) -> EngineFacts:
        """What an engine that runs it will say of itself."""
        return EngineFacts(
            engine=engine,
            model=self.name,
            digest=self.sha256,
            context_tokens=self.context_tokens,
            modalities=self.modalities,
            contained=contained,
            demonstration=self.demonstration,
            prompt_style=self.prompt_style,
        )


def check_name(name: str) -> str:
    """Let a model's name through.

    Raises:
        InputError: no word that may be a name.
    """
    if NAME.fullmatch(name) is None:
        raise InputError(
            "model_name",
            expected="1 to 64 of a-z, 0-9, '.', '_' and '-', with a letter or digit at both ends",
            got=f"{len(name)} characters that are none",
            do="choose such a name",
        )
    return name


def write_manifest(manifest: Manifest) -> bytes:
    """The file of a manifest: the same bytes for the same model."""
    licence = manifest.licence
    value: dict[str, Json] = {
        "fieldward_model": VERSION,
        "name": manifest.name,
        "title": manifest.title,
        "file": manifest.file,
        "bytes": manifest.size,
        "sha256": manifest.sha256,
        "piece_bytes": PIECE_BYTES,
        "pieces": list(manifest.pieces),
        "engine": ENGINE,
        "engine_version_min": manifest.engine_version_min,
        "context_tokens": manifest.context_tokens,
        "modalities": [one.value for one in Modality if one in manifest.modalities],
        "licence": {"id": licence.id, "title": licence.title, "url": licence.url, "must_accept": licence.must_accept},
        "memory_bytes_min": manifest.memory_bytes_min,
        "parameters": manifest.parameters,
        "prompt_style": manifest.prompt_style,
        "demonstration": manifest.demonstration,
        "languages": list(manifest.languages),
        "base": manifest.base,
    }
    if manifest.neutral:
        value["neutral_adapter"] = manifest.neutral
    return write_object(value)


def manifest_digest(data: bytes) -> str:
    """The name by which a manifest is accepted, shared and recorded: SHA-256 of its file, hex."""
    return digest(data)


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest's file.

    Raises:
        ModelError: `manifest_malformed`: not strictly of this form. `manifest_version`: of a later one.
    """
    try:
        fields = read_object(data, bytes_max=MANIFEST_BYTES_MAX)
        if fields.number("fieldward_model") != VERSION:
            raise ModelError(
                "manifest_version",
                expected=f"a manifest of version {VERSION}",
                got="another version",
                do="update this program, or have the manifest written by this version",
            )
        return _read(fields)
    except ValueError as error:
        raise ModelError(
            "manifest_malformed",
            expected="a manifest as docs/models.md describes it",
            got=str(error),
            do="get the manifest again from where the model came from; nothing was changed",
        ) from None


def _read(fields: Fields) -> Manifest:
    size = fields.number("bytes", least=1, most=MODEL_BYTES_MAX)
    if fields.number("piece_bytes") != PIECE_BYTES:
        raise ValueError(f"pieces of other than {PIECE_BYTES} bytes")
    pieces = fields.texts("pieces", items_max=PIECES_MAX, chars_max=64, form=HEX_DIGEST)
    if len(pieces) != piece_count(size):
        raise ValueError("not one digest for each piece")
    fields.text("engine", chars_max=_WORDS_MAX, form=re.compile(re.escape(ENGINE)))
    manifest = Manifest(
        name=fields.text("name", chars_max=64, form=NAME),
        title=fields.text("title", chars_max=_WORDS_MAX),
        file=fields.text("file", chars_max=127, form=_FILE),
        size=size,
        sha256=fields.digest("sha256"),
        pieces=pieces,
        engine_version_min=fields.text("engine_version_min", chars_max=20, form=_VERSION),
        context_tokens=fields.number("context_tokens", least=1, most=CONTEXT_TOKENS_MAX),
        modalities=_modalities(fields),
        licence=_licence(fields.within("licence")),
        memory_bytes_min=fields.number("memory_bytes_min", most=1 << 48),
        parameters=fields.number("parameters"),
        prompt_style=fields.text("prompt_style", chars_max=20, form=re.compile("|".join(PROMPT_STYLES))),
        demonstration=fields.flag("demonstration"),
        languages=fields.texts("languages", items_max=_LANGUAGES_MAX, chars_max=35, form=_LANGUAGE),
        base=fields.text("base", chars_max=_WORDS_MAX),
        neutral=fields.digest("neutral_adapter") if fields.has("neutral_adapter") else "",
    )
    fields.end()
    return manifest


def _modalities(fields: Fields) -> frozenset[Modality]:
    names = fields.texts("modalities", items_max=len(Modality), chars_max=8, form=re.compile("|".join(Modality)))
    found = frozenset(Modality(name) for name in names)
    if Modality.TEXT not in found or len(found) != len(names):
        raise ValueError("modalities without text, or one twice")
    return found


def _licence(fields: Fields) -> Licence:
    licence = Licence(
        id=fields.text("id", chars_max=64, form=re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")),
        title=fields.text("title", chars_max=_WORDS_MAX),
        url=fields.text("url", chars_max=258, form=re.compile(rf"|{_URL.pattern}")),
        must_accept=fields.flag("must_accept"),
    )
    fields.end()
    return licence
