"""Manifests: one form, strictly read, whoever wrote it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.catalogue import DEMONSTRATION, GEMMA, KNOWN, check_terms, known_by_file, with_digests
from edge_runtime.ai.models.manifest import CONTEXT_TOKENS_MAX, MANIFEST_BYTES_MAX, read_manifest, write_manifest
from edge_runtime.ai.models.pieces import Digests
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.ai.models.made import gemma_of, manifest_of

GOOD = json.loads(write_manifest(manifest_of()))


def refused(value: object) -> str:
    """Read a changed manifest, which must be refused; what was got."""
    with pytest.raises(ModelError) as error:
        read_manifest(json.dumps(value).encode())
    assert error.value.code == "manifest_malformed"
    return error.value.got


def test_a_manifest_is_read_as_it_was_written():
    """What is written is read back equal, and written again in the same bytes."""
    for manifest in (manifest_of(), gemma_of(languages=("en", "pt-BR"), base="something", demonstration=True)):
        data = write_manifest(manifest)
        assert read_manifest(data) == manifest
        assert write_manifest(read_manifest(data)) == data


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_key_is_wanted(name):
    """A manifest without one of its keys is refused."""
    refused({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "../evil"),
        ("name", ".hidden"),
        ("name", "Upper"),
        ("name", ""),
        ("name", "a" * 65),
        ("file", "../model"),
        ("file", "a/b"),
        ("file", ""),
        ("title", "line\nbreak"),
        ("title", "\x1b[2J"),
        ("bytes", 0),
        ("bytes", -1),
        ("bytes", True),
        ("bytes", "5"),
        ("bytes", GOOD["bytes"] + 2**23),
        ("sha256", "AB" * 32),
        ("sha256", "ab"),
        ("piece_bytes", 1024),
        ("pieces", GOOD["pieces"][:-1]),
        ("pieces", ["x", *GOOD["pieces"][1:]]),
        ("pieces", {}),
        ("engine", "other"),
        ("engine_version_min", "1.x"),
        ("context_tokens", 0),
        ("context_tokens", CONTEXT_TOKENS_MAX + 1),
        ("modalities", []),
        ("modalities", ["image"]),
        ("modalities", ["text", "text"]),
        ("modalities", ["text", "smell"]),
        ("licence", None),
        ("licence", {**GOOD["licence"], "url": "http://plain.example"}),
        ("licence", {**GOOD["licence"], "url": "javascript:alert(1)"}),
        ("licence", {**GOOD["licence"], "must_accept": "no"}),
        ("licence", {**GOOD["licence"], "more": 1}),
        ("prompt_style", "casual"),
        ("demonstration", 1),
        ("languages", ["english please"]),
        ("parameters", 1.5),
        ("parameters", 2**60),
        ("memory_bytes_min", 2**49),
    ],
)
def test_every_value_has_its_form(name, value):
    """A value of another type, form or size is refused, without repeating it."""
    got = refused(GOOD | {name: value})
    if isinstance(value, str) and len(value) > 3:
        assert value not in got


def test_what_nobody_knows_is_refused():
    """A key more, a key twice, a float, NaN, no object, no UTF-8, trailing bytes, depth: refused."""
    refused(GOOD | {"extra": 1})
    refused([])
    good = write_manifest(manifest_of())
    twice = good.replace(b'"name": "made"', b'"name": "made", "name": "made"')
    deep = b'{"a":' * 50 + b"1" + b"}" * 50
    huge = b'{"fieldward_model": ' + b"9" * 5000 + b"}"
    many = [
        twice,
        good + b"x",
        b"\xff",
        b"",
        deep,
        b"[" * 100_000,
        huge,
        b'{"a": NaN}',
        good + b" " * MANIFEST_BYTES_MAX,
    ]
    for data in many:
        with pytest.raises(ModelError) as error:
            read_manifest(data)
        assert error.value.code == "manifest_malformed"


def test_a_later_version_is_named():
    """A manifest of a later version says so, and does not pass for a damaged one."""
    with pytest.raises(ModelError) as error:
        read_manifest(json.dumps(GOOD | {"fieldward_model": 2}).encode())
    assert error.value.code == "manifest_version"


@given(st.binary(max_size=200))
def test_no_bytes_end_the_reader(data):
    """Whatever comes, it is a manifest or a ModelError."""
    with pytest.raises(ModelError):
        read_manifest(data)


def test_a_name_is_checked():
    """Another name is taken where it is one."""
    assert manifest_of().renamed("other-1").name == "other-1"
    for name in ("", "a b", "x/y", "-x", "x" * 65):
        with pytest.raises(InputError):
            manifest_of().renamed(name)


def test_what_an_engine_says_of_itself():
    """The facts are the manifest's: a demonstration is labelled, and the digest is the file's."""
    facts = manifest_of(demonstration=True, modalities=frozenset({Modality.TEXT, Modality.AUDIO})).facts(engine="e 1")
    assert (facts.engine, facts.model, facts.digest) == ("e 1", "made", manifest_of().sha256)
    assert facts.demonstration
    assert Modality.AUDIO in facts.modalities


def test_known_models_have_their_terms():
    """Both sizes of Gemma 3n are known by their files; the terms have to be accepted."""
    assert known_by_file("GEMMA-3n-e2b-IT-int4.litertlm") is KNOWN["gemma-3n-e2b-it-int4"]
    assert known_by_file("other") is None
    for known in KNOWN.values():
        assert known.licence == GEMMA
        assert GEMMA.must_accept
        assert known.name != DEMONSTRATION
    sizes = sorted(known.size for known in KNOWN.values())
    assert sizes == [3_655_827_456, 4_919_541_760]


def test_a_known_model_cannot_be_told_other_terms():
    """A manifest that gives a known name, file or licence other terms is refused."""
    known = KNOWN["gemma-3n-e2b-it-int4"]
    check_terms(known)
    check_terms(manifest_of())
    check_terms(gemma_of())
    fake = manifest_of()
    for wrong in (
        fake.renamed(known.name),
        manifest_of(file=known.file),
        manifest_of(licence=type(GEMMA)(id="gemma", title="free", url="", must_accept=False)),
    ):
        with pytest.raises(ModelError) as error:
            check_terms(wrong)
        assert error.value.code == "manifest_contradicts"


def test_a_known_model_of_another_size_is_another_file():
    """A cut file is found by its size, before anything is copied."""
    known = KNOWN["gemma-3n-e2b-it-int4"]
    with pytest.raises(ModelError) as error:
        with_digests(known, Digests(size=5, sha256="00" * 32, pieces=("00" * 32,)))
    assert error.value.code == "model_size"
    whole = with_digests(known, Digests(size=known.size, sha256="00" * 32, pieces=("00" * 32,)))
    assert (whole.sha256, whole.licence) == ("00" * 32, GEMMA)
