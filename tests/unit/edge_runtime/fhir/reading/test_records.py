"""From bytes to records: what is FHIR R4 JSON, what is refused, and that the rest goes on."""

from __future__ import annotations

import gzip
import io
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.fhir.reading import pieces, plain_bytes
from edge_runtime.fhir.reading import records as reading
from edge_runtime.fhir.reading.strict_json import DEPTH_MAX, Number
from tests.unit.edge_runtime.fhir.inputs import bundle, order, patient, pulse, read, records, refusals

PETER = json.dumps(patient())

REFUSED = {
    "nothing": (b"", "", "a FHIR resource; got an empty file"),
    "blank": (b" \n\n", "", "a FHIR resource; got an empty file"),
    "HL7 version 2": (b"MSH|^~\\&|ADT", "", "got an HL7 version 2 message"),
    "no JSON": (b"Peter, 41, asthma", "", "JSON; got a word that JSON does not have at line 1, column 1"),
    "cut off": (PETER[:-3].encode(), "", "JSON; got its end"),
    "something after it": (PETER.encode() + b"]", "", "JSON; got something else"),
    "a trailing comma": (
        b'{"resourceType": "Patient",}',
        "",
        "JSON; got a comma with nothing after it at line 1, column 28",
    ),
    "a key that is no text": (b'{1: "Patient"}', "", "JSON; got something else at line 1, column 2"),
    "XML": (b'<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"/>', "", "got XML"),
    "a comment": (
        b'{ // Peter\n"resourceType": "Patient"}',
        "",
        "got a comment, which JSON does not have at line 1, column 3",
    ),
    "another comment": (
        b'{"resourceType": "Patient", "id": /* Peter */ "1"}',
        "",
        "got a comment, which JSON does not",
    ),
    "single quotes": (b"{'resourceType': 'Patient'}", "", "got a single quote"),
    "typographic quotes": ("{\u201cresourceType\u201d: 1}".encode(), "", "got a typographic quote"),
    "a trailing comma in a list": (
        b'{"resourceType": "Patient", "name": [{},]}',
        "",
        "got a comma with nothing after it",
    ),
    "a line break in a text": (b'{"resourceType": "Patient", "id": "a\nb"}', "", "a line break or another control"),
    "an unknown escape": (b'{"resourceType": "Patient", "id": "a\\x41"}', "", "got an escape that JSON does not have"),
    "half an escape": (b'{"resourceType": "Patient", "id": "a\\u00zz"}', "", "got an escape that JSON does not have"),
    "a leading zero": (b'{"resourceType": "Patient", "n": 007}', "", "got a number of a form"),
    "a plus sign": (b'{"resourceType": "Patient", "n": +7}', "", "got a number of a form"),
    "True": (b'{"resourceType": "Patient", "active": True}', "", "got a word that JSON does not have"),
    "no comma": (b'{"resourceType": "Patient" "id": "1"}', "", "JSON; got something else at line 1, column 28"),
    "UTF-32": (PETER.encode("utf-32"), "", "got UTF-32"),
    "UTF-32 without a mark": (PETER.encode("utf-32-le"), "", "got UTF-32"),
    "UTF-16 without a mark": (PETER.encode("utf-16-be"), "", "got UTF-16"),
    "Latin-1": ('{"resourceType": "Patient", "id": "P\u00e9ter"}'.encode("latin-1"), "", "is it in another encoding?"),
    "a PDF": (b"%PDF-1.7", "", "got a PDF"),
    "gzip within gzip": (gzip.compress(gzip.compress(PETER.encode())), "", "got gzip within gzip"),
    "XML after blanks": (b"  <Patient/>", "", "got XML"),
    "XML after a byte order mark": (b"\xef\xbb\xbf<Patient/>", "", "got XML"),
    "UTF-16": (PETER.encode("utf-16"), "", "got UTF-16"),
    "a ZIP archive": (b"PK\x03\x04....", "", "got a ZIP archive"),
    "broken UTF-8": (b'{"resourceType": "Patient", "id": "\xff"}', "", "text in UTF-8; got a broken character"),
    "half a surrogate pair": (b'{"resourceType": "Patient", "id": "\\ud800"}', "", "got a broken character"),
    "a key twice": (b'{"resourceType": "Patient", "id": "1", "id": "2"}', "", "each key once"),
    "a key twice within": (b'{"resourceType": "Patient", "name": [{"text": "A", "text": "B"}]}', "", "each key once"),
    "NaN": (b'{"resourceType": "Observation", "valueInteger": NaN}', "", "got NaN or Infinity"),
    "an exponent that no arithmetic holds": (
        b'{"resourceType": "Observation", "valueQuantity": {"value": 1e99999999999999999999}}',
        "",
        "expected a number of at most 1000 characters, 4 in its exponent; got a longer one",
    ),
    "a number without end": (
        b'{"resourceType": "Patient", "multipleBirthInteger": ' + b"9" * 1001 + b"}",
        "",
        "expected a number of at most 1000 characters",
    ),
    "Infinity": (b'{"resourceType": "Observation", "valueInteger": -Infinity}', "", "got NaN or Infinity"),
    "deep nesting": (b'{"resourceType": "Basic", "x": ' + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX + b"}", "", "levels of"),
    "bottomless nesting": (b'{"resourceType": "Basic", "x": ' + b"[" * 200_000, "", "levels of"),
    "a list": (b'[{"resourceType": "Patient"}]', "", "a FHIR resource; got a list"),
    "not FHIR": (b'{"name": "package"}', "resourceType", "JSON without a resourceType"),
    "an unknown type": (b'{"resourceType": "Sickness"}', "resourceType", "a type that no version of FHIR has"),
    "a type that is no text": (b'{"resourceType": 4}', "resourceType", "a type that no version of FHIR has"),
    "a type of DSTU2": (
        b'{"resourceType": "MedicationOrder"}',
        "resourceType",
        "got MedicationOrder, a type of FHIR DSTU2",
    ),
    "a type of R5": (b'{"resourceType": "Transport"}', "resourceType", "got Transport, a type of FHIR R5"),
    "STU3": (
        json.dumps({"resourceType": "MedicationStatement", "taken": "n"}).encode(),
        "MedicationStatement.taken",
        "what FHIR STU3 writes",
    ),
    "a stated version": (
        b'{"resourceType": "StructureDefinition", "fhirVersion": "3.0.1"}',
        "StructureDefinition.fhirVersion",
        "FHIR STU3",
    ),
    "a stated profile": (
        json.dumps(patient(meta={"profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Patient"]})).encode(),
        "Patient.meta.profile",
        "FHIR R5",
    ),
    "a versioned profile": (
        json.dumps(patient(meta={"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|1.0.2"]})).encode(),
        "Patient.meta.profile",
        "FHIR DSTU2",
    ),
    "R5": (
        json.dumps(order(medication={"concept": {}})).encode(),
        "MedicationRequest.medication",
        "what FHIR R5 writes there",
    ),
    "a truncated gzip": (gzip.compress(PETER.encode())[:-20], "", "a whole gzip file; got a truncated one"),
    "a damaged gzip": (b"\x1f\x8b\x08" + b"\xff" * 40, "", "a sound gzip file; got a damaged one"),
}


@pytest.mark.parametrize(("data", "path", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_fhir_r4_json_is_refused_with_a_reason(data, path, reason):
    """One refusal names the file, the path and what came; it never raises."""
    found = read(data)
    (refusal,) = refusals(found)
    assert (records(found), refusal.record, refusal.path) == ([], "file.json", path)
    assert reason in refusal.reason


def test_a_gzip_bomb_is_refused_at_the_bound_without_inflating_it(monkeypatch):
    """The bound on the inflated size holds, however small the file."""
    monkeypatch.setattr(plain_bytes, "FILE_BYTES_MAX", 1_000_000)
    deflater = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(deflater.compress(b" " * 1_000_000) for _ in range(300)), deflater.flush()])
    assert len(bomb) < 400_000
    (refusal,) = read(bomb)
    assert refusal.reason == "expected a file of at most 1000000 bytes, inflated; got a larger one"


def test_a_plain_file_has_the_same_bound(monkeypatch):
    """Size is size."""
    monkeypatch.setattr(plain_bytes, "FILE_BYTES_MAX", 100)
    assert "at most 100 bytes" in refusals(read(PETER * 2))[0].reason


@pytest.mark.parametrize("file", ["file.json", "file.ndjson"])
def test_a_resource_has_its_bound(monkeypatch, file):
    """It is refused as a whole."""
    monkeypatch.setattr(reading, "RESOURCE_BYTES_MAX", 60)
    (refusal,) = read(json.dumps(patient(), indent=1) if file == "file.json" else PETER, file)
    assert "of at most 60 bytes" in refusal.reason


def test_a_resource_is_read_with_its_own_bytes():
    """A record holds the text as it stands in the file, and a name for it."""
    text = '\ufeff\n {"resourceType" : "Patient" , "id":"p"}\n'
    (record,) = read(text)
    assert (record.record, record.type, record.full_url) == ("file.json", "Patient", "")
    assert record.text == text.strip("\ufeff\n ").encode()


def test_numbers_keep_their_digits():
    """No number becomes a float: 1.0, 1.00 and 1E-22 stay what was measured."""
    text = '{"resourceType": "Observation", "a": 1.0, "b": 1.00, "c": 1E-22, "d": 0.1234567890123456789, "e": 7}'
    (record,) = read(text)
    numbers = ["1.0", "1.00", "1E-22", "0.1234567890123456789", "7"]
    assert [record.resource[name] for name in "abcde"] == list(map(Number, numbers))


def test_content_is_the_same_however_it_is_written():
    """Spaces, the order of keys and escapes do not count; digits do."""
    one, other = '{"resourceType":"Basic","id":"é","n":1.0}', '{ "n": 1.0, "id": "\\u00e9", "resourceType": "Basic"}'
    contents = [records(read(text))[0].content for text in (one, other, one.replace("1.0", "1.00"))]
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])])
@pytest.mark.parametrize("name", ["export.ndjson", "export.ndjson.gz", "export.jsonl", "export"])
def test_ndjson_is_read_by_line(name, pack):
    """By its name or by its content, gzipped or not, in one gzip member or several; blank lines do not count."""
    found = read(pack(f"{PETER}\n\n{json.dumps(pulse())}\r\n".encode()), name)
    assert [record.record for record in records(found)] == [f"{name}:1", f"{name}:3"]


def test_one_bad_line_is_refused_and_the_rest_goes_on():
    """A line is its own document."""
    bad = ['{"resourceType": "Patient"', "<x/>", '{"resourceType":"Patient","id":"\udcff"}', "{}"]
    lines = [PETER, *bad, json.dumps(pulse())]
    found = read("\n".join(lines).encode(errors="surrogateescape"), "e.ndjson")
    assert [record.record for record in records(found)] == ["e.ndjson:1", "e.ndjson:6"]
    assert [refusal.record for refusal in refusals(found)] == [f"e.ndjson:{number}" for number in (2, 3, 4, 5)]


def test_a_one_line_document_is_no_ndjson():
    """What follows the first line decides."""
    assert [record.record for record in read(PETER + "\n\n")] == ["file.json"]


@pytest.mark.parametrize("text", [json.dumps(bundle(patient(), pulse()), indent=indent) for indent in (None, 2)])
@pytest.mark.parametrize("kind", ["collection", "transaction", "searchset", "history", "document"])
def test_a_bundle_of_any_type_gives_its_resources(text, kind):
    """Each with its place; the Bundle itself does not come."""
    found = read(text.replace("collection", kind))
    assert [(item.record, item.type) for item in found] == [
        ("file.json#entry[0]", "Patient"),
        ("file.json#entry[1]", "Observation"),
    ]


def test_a_bundle_gives_addresses_and_skips_entries_without_resource():
    """Requests and bare responses hold nothing to import; what an entry says beside the resource is not its text."""
    entries = [{"request": {"method": "DELETE"}}, {"fullUrl": "urn:uuid:1", "resource": patient()}, {"resource": None}]
    (record,) = read(bundle(*entries, type="transaction"))
    assert (record.record, record.full_url, json.loads(record.text)) == ("file.json#entry[1]", "urn:uuid:1", patient())


def test_the_type_of_a_bundle_may_come_last():
    """Key order does not count."""
    text = json.dumps({"entry": [{"resource": patient()}], "resourceType": "Bundle"})
    assert [record.record for record in read(text)] == ["file.json#entry[0]"]


def test_a_bad_entry_is_refused_and_the_rest_goes_on():
    """As long as the next entry can be found."""
    entries = [
        '{"resource": {"resourceType": "Patient", "id": "1", "id": "2"}}',
        '{"resource": {"resourceType": "Nonsense"}}',
        '"text"',
        '{"resource": []}',
        '{"fullUrl": 3, "resource": {"resourceType": "Patient"}}',
        '{"fullUrl": "a", "fullUrl": "b"}',
        '{"resource": {"resourceType": "Patient", "id": "\udcff"}}',
        '{"resource": ' + PETER + "}",
    ]
    text = '{"resourceType": "Bundle", "id": NaN, "entry": [' + ",".join(entries) + "]}"
    found = read(text.encode(errors="surrogateescape"))
    assert [record.record for record in records(found)] == ["file.json#entry[7]"]
    places = [refusal.record for refusal in refusals(found)]
    assert places == ["file.json", *(f"file.json#entry[{number}]" for number in range(7))]


def test_a_bundle_with_a_key_twice_ends_there():
    """Which of the two lists counts is not for us to say; what came before is taken."""
    text = json.dumps(bundle(patient()))[:-1] + ', "entry": []}'
    found = read(text)
    assert [record.record for record in records(found)] == ["file.json#entry[0]"]
    assert "got a key twice" in refusals(found)[0].reason


def test_a_truncated_bundle_gives_what_is_whole():
    """The refusal of the file says that it ended early."""
    text = json.dumps(bundle(patient(), pulse()))
    found = read(text[:-40])
    assert [record.record for record in records(found)] == ["file.json#entry[0]"]
    assert "got its end" in refusals(found)[0].reason


def test_bundles_within_bundles_have_a_bound():
    """The answer to a batch nests once; a Russian doll is refused."""
    doll = patient()
    for _ in range(pieces.BUNDLE_DEPTH_MAX):
        doll = bundle(doll)
    place = "file.json#" + ".".join(["entry[0]"] * pieces.BUNDLE_DEPTH_MAX)
    assert [record.record for record in read(doll)] == [place]
    (refusal,) = read(bundle(doll))
    assert "Bundles within each other" in refusal.reason


def test_reading_is_lazy():
    """A caller may stop after the first record; the rest of the file is not read."""

    class Endless(io.BytesIO):
        chunks = 0

        def read(self, _size=-1):
            self.chunks += 1
            return (PETER + "\n").encode() * 100

    stream = Endless()
    found = reading.read_resources(stream, "e.ndjson")
    assert [next(found).record for _ in range(3)] == ["e.ndjson:1", "e.ndjson:2", "e.ndjson:3"]
    assert stream.chunks < 5


def test_no_reason_holds_content():
    """Whatever is wrong, the reason says what was expected and what came, and not one word of the file."""
    secret = "Zyx-Secret"
    texts = [
        f'{{"resourceType": "{secret}"}}',
        f'{{"resourceType": "Patient", "{secret}": 1, "{secret}": 2}}',
        f'{{"resourceType": "Patient", "name": "{secret}',
        f"{secret}",
    ]
    for text in texts:
        (refusal,) = read(text)
        assert secret not in refusal.reason + refusal.path


@given(st.binary(max_size=200), st.sampled_from(["f.json", "f.ndjson"]))
def test_no_bytes_raise(data, name):
    """Whatever comes becomes records and refusals."""
    read(data, name)
    read(b"\x1f\x8b" + data, name)
    read(gzip.compress(data), name)
