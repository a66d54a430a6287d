"""Taking a file apart: every form, every order of members, and what one piece's damage costs the others."""

from __future__ import annotations

import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.fhir.reading import pieces as room
from edge_runtime.fhir.reading import plain_bytes
from edge_runtime.fhir.reading import window as window_room
from edge_runtime.fhir.reading.pieces import Damage, Entry, Head, Whole, pieces
from edge_runtime.fhir.reading.strict_json import Issue
from tests.unit.edge_runtime.fhir.inputs import bundle, patient, pulse, read, records, refusals

PETER = json.dumps(patient())
PULSE = json.dumps(pulse())


def taken(data, name="f.json", **more):
    """All pieces of a file."""
    return list(
        pieces(io.BytesIO(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data), name, **more)
    )


def framed(*entries, more=""):
    """A Bundle of entries as they are written."""
    return '{"resourceType": "Bundle", "type": "collection", "entry": [' + ", ".join(entries) + "]" + more + "}"


def entry(resource=PETER):
    """An entry around a resource as it is written."""
    return '{"resource": ' + resource + "}"


def lost(found):
    """Records of entries that could not be read, in order."""
    return [piece.record for piece in found if isinstance(piece, Damage)]


def kept(found):
    """Records of entries and resources that could."""
    return [piece.record for piece in found if isinstance(piece, (Entry, Whole))]


def test_a_bundle_comes_as_entries_and_then_its_head():
    """Entries with their own text, the head with all members but them."""
    first, second, head = taken(framed('{"fullUrl": "urn:x", "resource": ' + PETER + "}", "{}", more=', "total": 2'))
    assert (first.record, first.path, first.bundle, first.index) == ("f.json#entry[0]", "Bundle.entry[0]", "f.json", 0)
    assert {name: part.text for name, part in first.parts.items()} == {"fullUrl": '"urn:x"', "resource": PETER}
    assert (second.record, dict(second.parts), second.nested) == ("f.json#entry[1]", {}, False)
    assert isinstance(head, Head)
    assert (head.record, head.path, head.entries) == ("f.json", "Bundle", 2)
    assert {name: part.text for name, part in head.parts.items()} == {
        "resourceType": '"Bundle"',
        "type": '"collection"',
        "total": "2",
    }


def test_a_bundle_within_a_bundle_follows_its_entry():
    """Its paths go on from there; its head comes before the next entry."""
    inner = framed(entry())
    found = taken(framed(entry(inner), entry(PULSE)))
    assert [(type(piece).__name__, piece.record, piece.path) for piece in found] == [
        ("Entry", "f.json#entry[0]", "Bundle.entry[0]"),
        ("Entry", "f.json#entry[0].entry[0]", "Bundle.entry[0].resource.entry[0]"),
        ("Head", "f.json#entry[0]", "Bundle.entry[0].resource"),
        ("Entry", "f.json#entry[1]", "Bundle.entry[1]"),
        ("Head", "f.json", "Bundle"),
    ]
    assert found[0].nested
    assert found[1].bundle == "f.json#entry[0]"


def test_a_broken_bundle_within_a_bundle_costs_itself():
    """The entries around it go on."""
    inner = '{"resourceType": "Bundle", "entry": [], "entry": []}'
    found = taken(framed(entry(inner), entry(PULSE)))
    assert "f.json#entry[1]" in kept(found)
    assert lost(found) == ["f.json#entry[0]"]


DAMAGES = {
    "nothing": "",
    "a trailing comma": '{"resource": {"resourceType": "Patient",}}',
    "a comment": '{"resource": {"resourceType": "Patient" /* ["x"] */}}',
    "a missing comma": '{"resource": {"resourceType": "Patient" "id": "1"}}',
    "a missing colon": '{"resource" {"resourceType": "Patient"}}',
    "single quotes": "{'resource': {'resourceType': 'Patient'}}",
    "a word": '{"resource": {"resourceType": Patient}}',
    "an escape": '{"resource": {"resourceType": "Pat\\ient"}}',
    "a text that is never closed": '{"resource": {"resourceType": "Patient,\n "id": "1"}}',
    "a bare word": "nothing",
    "a bare text": '"text, with a comma"',
    "a list": "[1, [2], {}]",
    "a number": "007",
    "a key twice": '{"resource": {}, "resource": {}}',
    "a key twice, deeper": '{"resource": {"id": 1, "id": 2}}',
    "NaN": '{"resource": {"id": NaN}}',
    "bottomless nesting": '{"resource": ' + '{"a": [' * 40_000 + "]}" * 40_000 + "}",
    "a key that is no text": "{1: 2}",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_costs_that_entry(damage):
    """The next one begins where it says."""
    found = taken(framed(entry(), damage, entry(PULSE)))
    assert kept(found) == ["f.json#entry[0]", "f.json#entry[2]"]
    assert lost(found) == ["f.json#entry[1]"]
    (one,) = [piece for piece in found if isinstance(piece, Damage)]
    assert (one.bundle, one.index, one.path) == ("f.json", 1, "Bundle.entry[1]")
    assert found[-1].entries == 3


HIDING = {
    "a bracket too few": '{"resource": {"resourceType": "Patient",}',
    "a bracket too many": '{"resource": {"resourceType": "Patient"}}}',
    "a quote too many": '{"resource": {"resourceType": "Patient"", "id": "1"}}',
    "a comment with a bracket": '{"resource": {"resourceType": "Patient" /* { */}}',
}


@pytest.mark.parametrize("damage", HIDING.values(), ids=HIDING)
def test_what_hides_where_the_next_entry_begins_ends_the_file_with_the_place(damage):
    """What was read before it is taken, and the refusal says at which line and column."""
    found = taken(framed(entry(), damage, entry(PULSE)))
    assert kept(found)[0] == "f.json#entry[0]"
    assert isinstance(found[-1], Damage)
    assert (found[-1].record, found[-1].index) == ("f.json", -1)
    assert "line 1, column" in found[-1].error.reason


def test_an_entry_longer_than_the_bound_costs_that_entry(monkeypatch):
    """It is skipped without being held."""
    monkeypatch.setattr(window_room, "HELD_MAX", 4000)
    monkeypatch.setattr(plain_bytes, "_CHUNK_BYTES", 500)
    long = json.dumps(patient(name=[{"text": 'a "quoted" { text ' * 1000}]))
    found = taken(framed(entry(), entry(long), entry(PULSE)))
    assert kept(found) == ["f.json#entry[0]", "f.json#entry[2]"]
    (one,) = [piece for piece in found if isinstance(piece, Damage)]
    assert one.error.issue is Issue.TOO_COSTLY


def test_the_type_may_stand_behind_the_entries(monkeypatch):
    """A short text is looked through; a long one with entries can only be a Bundle."""
    text = '{"entry": [' + ", ".join([entry()] * 50) + '], "type": "collection", "resourceType": "Bundle"}'
    assert len(kept(taken(text))) == 50
    monkeypatch.setattr(window_room, "HELD_MAX", 1000)
    monkeypatch.setattr(plain_bytes, "_CHUNK_BYTES", 200)
    assert len(kept(taken(text))) == 50
    assert len(records(read(text))) == 50
    (refusal,) = refusals(read(text.replace('"Bundle"', '"List"')))
    assert (refusal.path, refusal.issue) == ("resourceType", Issue.STRUCTURE)


def test_a_list_has_entries_too():
    """Only a Bundle is taken apart."""
    (one,) = taken('{"entry": [{"item": {}}], "resourceType": "List"}')
    assert isinstance(one, Whole)


def test_a_resource_that_is_too_long_is_refused(monkeypatch):
    """One that is no Bundle is not guessed to be one."""
    monkeypatch.setattr(window_room, "HELD_MAX", 1000)
    monkeypatch.setattr(plain_bytes, "_CHUNK_BYTES", 200)
    (one,) = taken(json.dumps(patient(name=[{"text": "x" * 5000}])))
    assert one.error.issue is Issue.TOO_COSTLY
    (one,) = taken('{"x": "' + "x" * 5000)
    assert one.error.issue is Issue.TOO_COSTLY


@pytest.mark.parametrize(("value", "count"), [("{}", None), ("3", None), ("[]", 0), ("null", None)])
def test_entries_of_another_form_are_a_member_like_others(value, count):
    """What they are is for the structure to judge."""
    (head,) = taken('{"resourceType": "Bundle", "entry": ' + value + "}")
    assert (head.entries, "entry" in head.parts) == (count, count is None)


def test_a_bad_member_of_the_bundle_costs_itself():
    """The entries behind it are read."""
    found = taken('{"resourceType": "Bundle", "id": tru, "entry": [' + entry() + "]}")
    assert kept(found) == ["f.json#entry[0]"]
    assert lost(found) == ["f.json"]
    assert found[0].path == "Bundle"


def test_ndjson_lines_are_documents_of_their_own():
    """A Bundle may stand on one, however broken the line before it is."""
    lines = [PETER, '{"resourceType": "Bundle", "entry": [' + entry() + ", {", framed(entry(), entry(PULSE)), "", PULSE]
    found = taken("\n".join(lines), "f.ndjson")
    assert kept(found) == [
        "f.ndjson:1",
        "f.ndjson:2#entry[0]",
        "f.ndjson:3#entry[0]",
        "f.ndjson:3#entry[1]",
        "f.ndjson:5",
    ]
    assert lost(found) == ["f.ndjson:2"]
    (one,) = [piece for piece in found if isinstance(piece, Damage)]
    assert "line 2, column" in one.error.reason


def test_a_line_that_is_too_long_costs_itself(monkeypatch):
    """Blank or not."""
    monkeypatch.setattr(window_room, "HELD_MAX", 1000)
    monkeypatch.setattr(plain_bytes, "_CHUNK_BYTES", 200)
    lines = [PETER, json.dumps(patient(name=[{"text": "x" * 5000}])), " " * 5000, PULSE]
    found = taken("\n".join(lines), "f.ndjson")
    assert kept(found) == ["f.ndjson:1", "f.ndjson:4"]
    assert lost(found) == ["f.ndjson:2", "f.ndjson:3"]


def test_joined_files_with_marks_are_ndjson():
    """A byte order mark may begin any line."""
    found = taken(f"\ufeff{PETER}\n\ufeff{PULSE}\n".encode())
    assert kept(found) == ["f.json:1", "f.json:2"]


def test_an_ndjson_file_begins_where_something_is_written():
    """Blank lines count for the numbers of lines."""
    assert kept(taken(f"\n\n{PETER}\n\n{PULSE}")) == ["f.json:3", "f.json:5"]


def test_progress_tells_how_much_of_the_file_is_worked_off(monkeypatch):
    """Bytes as they lie, gzipped or not; the last number is all of them."""
    monkeypatch.setattr(plain_bytes, "_CHUNK_BYTES", 100)
    for data in (framed(entry(), entry(PULSE)).encode(), gzip.compress(framed(entry(), entry(PULSE)).encode())):
        told: list[int] = []
        taken(data, progress=told.append)
        assert told == sorted(told)
        assert told[-1] == len(data)
        assert len(told) >= 3


def test_a_gzip_that_breaks_within_an_entry_ends_the_file():
    """What is wrong is the gzip, not the entry."""
    data = gzip.compress(framed(*[entry(json.dumps(patient(id=str(number * 7919)))) for number in range(500)]).encode())
    found = taken(data[: len(data) // 2])
    assert "a truncated one" in found[-1].error.reason
    assert len(found) > 1


def test_the_bound_on_inflating_is_a_ratio(monkeypatch):
    """A file that inflates as no text does is a bomb, whatever its size."""
    monkeypatch.setattr(plain_bytes, "RATIO_FROM_BYTES", 10_000)
    (one,) = taken(gzip.compress(bytes(1_000_000)))
    assert one.error.issue is Issue.TOO_COSTLY
    assert "a gzip bomb" in one.error.reason
    text = framed(*[entry(json.dumps(patient(id=str(number * 7919)))) for number in range(500)])
    assert len(kept(taken(gzip.compress(text.encode())))) == 500


MUTABLE = framed(entry(), '{"fullUrl": "a", "resource": ' + PULSE + "}", more=', "total": 2')


@given(st.data(), st.integers(1, 60))
def test_no_mutation_raises_and_how_it_is_cut_changes_nothing(data, size):
    """Whatever is done to a Bundle, pieces come, the same for any size of chunk."""
    text = list(MUTABLE)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place] = data.draw(st.sampled_from(["", '"', "{", "}", "[", "]", ",", "\\", "\n", ":", "x", "\ufeff"]))
    written = "".join(text).encode()

    def told(chunk):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plain_bytes, "_CHUNK_BYTES", chunk)
            found = taken(written)
        return [
            (type(piece).__name__, piece.record, getattr(piece, "error", None) and piece.error.reason)
            for piece in found
        ]

    assert told(size) == told(1 << 20)


def test_bundles_within_bundles_have_a_bound():
    """A doll too many costs itself."""
    doll = PETER
    for _ in range(room.BUNDLE_DEPTH_MAX + 1):
        doll = framed(entry(doll))
    found = taken(framed(entry(PULSE), entry(doll), entry(PULSE)))
    assert kept(found)[0] == "f.json#entry[0]"
    assert kept(found)[-1] == "f.json#entry[2]"
    assert any(isinstance(piece, Damage) and piece.error.issue is Issue.TOO_COSTLY for piece in found)


def test_python_writes_bundles_that_are_read():
    """As other programs write them."""
    found = read(bundle(patient(), pulse()))
    assert [record.type for record in records(found)] == ["Patient", "Observation"]
