"""Facts of attachments: what an author may state, how a reader takes it, names fit for any file system."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.attachments import UNKNOWN_TYPE, attachment_of, fit_name, media_type_of
from edge_runtime.clinical.fact_json import fact_to_json
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.errors import InputError
from edge_runtime.facts import Fact
from sync_protocol.blob_sealing import FILE_BYTES_MAX

SAID: dict[str, Any] = {
    "blob": "ab" * 32,
    "key": "cd" * 32,
    "name": "scan.png",
    "media_type": "image/png",
    "bytes": 100,
    "sha256": "ef" * 32,
}


def stated(**changes) -> Fact:
    """An attachment's fact."""
    return Fact(kind="attachment", payload={**SAID, **changes}, supersedes=())


def test_what_an_author_states_a_reader_takes():
    """All of it, with or without a title."""
    for fact in (stated(), stated(title="Left hand")):
        validate_fact(fact)
        found = attachment_of(fact)
        assert found is not None
        assert (found.blob.hex(), found.key.hex(), found.file_bytes) == (SAID["blob"], SAID["key"], 100)
        assert found.title == fact.payload.get("title")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("blob", "AB" * 32),
        ("blob", "ab" * 31),
        ("key", b"x" * 32),
        ("name", " "),
        ("name", "x" * 300),
        ("media_type", "image"),
        ("bytes", -1),
        ("bytes", True),
        ("bytes", "100"),
        ("bytes", FILE_BYTES_MAX + 1),
        ("sha256", ""),
        ("title", ""),
        ("other", 1),
    ],
)
def test_what_is_wrong_is_refused_by_its_path(key, value):
    """An author's device signs nothing else; a reader that meets it shows it as unreadable, and opens nothing."""
    with pytest.raises(InputError) as refusal:
        validate_fact(stated(**{key: value}))
    assert refusal.value.code == "invalid_fact"
    assert key == "other" or attachment_of(stated(**{key: value})) is None


def test_other_kinds_are_no_attachments():
    """Nor is one of a newer version without what is needed."""
    assert attachment_of(Fact(kind="allergy", payload=SAID, supersedes=())) is None
    assert attachment_of(Fact(kind="attachment", payload={}, supersedes=())) is None


def test_the_key_is_shown_nowhere():
    """Neither as JSON nor in a repr."""
    assert "key" not in fact_to_json(stated())
    assert "key" in fact_to_json(Fact(kind="source", payload={"key": "x"}, supersedes=()))
    assert SAID["key"] not in repr(attachment_of(stated()))
    assert SAID["name"] not in repr(attachment_of(stated()))


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\scans\\left.png", "C_scans_left.png"),
        ("  .hidden. ", "hidden"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("tab\tline\nnul\0.txt", "tablinenul.txt"),
        ("...", "attachment"),
        ("Röntgen links.jpg", "Röntgen links.jpg"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("x" * 300, "x" * 120),
        ("a." + "y" * 300, "a." + "y" * 118),
    ],
)
def test_names_fit_any_file_system(name, fit):
    """No folders, no hidden characters, no leading dot, never empty, and of a long one the ending stays."""
    assert fit_name(name) == fit


@given(st.text(max_size=400))
def test_any_name_is_made_fit(name):
    """Whatever another author's device wrote."""
    fit = fit_name(name)
    assert 0 < len(fit) <= 120
    assert not set(fit) & set('/\\:*?"<>|\0\n')
    assert fit_name(fit) == fit


def test_types_are_named_from_a_short_list():
    """By the name's ending, for display; whatever else an author states is shown as unknown."""
    assert media_type_of("SCAN.PNG") == "image/png"
    assert media_type_of("program.exe") == media_type_of("pdf") == UNKNOWN_TYPE
    found = attachment_of(stated(media_type="text/html"))
    assert found is not None
    assert found.media_type == UNKNOWN_TYPE
