"""The generated table of FHIR definitions is what the generator makes of HL7's own files."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest

from tests.support import fhir_examples
from tools.fhir_tables.__main__ import TARGET, packed, table
from tools.fhir_tables.codes import codes_of
from tools.fhir_tables.package import Definitions, PackageError, read


@pytest.fixture(name="source")
def source_fixture(require):
    """The unpacked package."""
    require(fhir_examples.is_there(), fhir_examples.NAME, fhir_examples.HOW)
    return fhir_examples.FOLDER


def test_the_table_in_the_package_is_up_to_date(source):
    """The same bytes come out of the same package: nobody edits the table by hand, and nothing in it is invented."""
    assert packed(source) == TARGET.read_bytes()


def test_the_table_names_its_source():
    """Version, licence and digest of what it was made from stand in it, and it stays small."""
    data = TARGET.read_bytes()
    made = json.loads(gzip.decompress(data))
    assert made["fhir"] == "4.0.1"
    assert made["source"].keys() == {"package", "version", "licence", "sha256"}
    assert (made["source"]["licence"], len(made["source"]["sha256"])) == ("CC0-1.0", 64)
    assert len(data) < 600_000
    assert data[4:8] == b"\0\0\0\0", "no time of making in the file"


def test_another_package_is_refused(tmp_path):
    """Another version would make a table that looks right."""
    (tmp_path / "package.json").write_text('{"name": "hl7.fhir.r4.examples", "version": "4.3.0"}')
    with pytest.raises(PackageError, match=r"expected hl7\.fhir\.r4\.examples 4\.0\.1"):
        table(tmp_path)


def test_a_file_that_is_something_else_is_refused(source, tmp_path):
    """A file named as a definition must be one."""
    shutil.copy(source / "package.json", tmp_path)
    (tmp_path / "ValueSet-x.json").write_text('{"resourceType": "Patient"}')
    with pytest.raises(PackageError, match=r"ValueSet-x\.json"):
        read(tmp_path)


def definitions(include, exclude=(), content="complete"):
    """One value set over one small code system, and one that imports it."""
    system = {
        "url": "http://s",
        "content": content,
        "concept": [
            {"code": "a", "concept": [{"code": "b"}]},
            {"code": "c"},
            {"code": "d", "property": [{"code": "subsumedBy", "valueCode": "b"}]},
        ],
    }
    value_set = {"compose": {"include": include, "exclude": list(exclude)}}
    importing = {"compose": {"include": [{"valueSet": ["http://v|1"]}]}}
    return Definitions(
        structures={},
        value_sets={"http://v": value_set, "http://w": importing},
        code_systems={"http://s": system},
        digest="",
    )


@pytest.mark.parametrize(
    ("include", "exclude", "codes"),
    [
        ([{"system": "http://s"}], [], ["a", "b", "c", "d"]),
        ([{"system": "http://s", "concept": [{"code": "b"}]}], [], ["b"]),
        (
            [{"system": "http://s", "filter": [{"property": "concept", "op": "is-a", "value": "a"}]}],
            [],
            ["a", "b", "d"],
        ),
        ([{"system": "http://s", "filter": [{"property": "concept", "op": "is-a", "value": "d"}]}], [], ["d"]),
        ([{"system": "http://s"}], [{"system": "http://s", "concept": [{"code": "b"}]}], ["a", "c", "d"]),
    ],
)
def test_a_value_set_is_written_out(include, exclude, codes):
    """Whole systems, lists, what stands below a concept, exclusions, and value sets that import others."""
    made = definitions(include, exclude)
    assert codes_of("http://v", made) == codes_of("http://w", made) == {"systems": {"http://s": codes}}


@pytest.mark.parametrize(
    "made",
    [
        definitions([{"system": "http://s", "filter": [{"property": "concept", "op": "regex", "value": "a.*"}]}]),
        definitions([{"system": "http://s", "filter": [{"property": "kind", "op": "is-a", "value": "a"}]}]),
        definitions([{"system": "http://s", "filter": [{"property": "concept", "op": "is-a", "value": "z"}]}]),
        definitions([{"system": "http://other"}]),
        definitions([{"system": "http://s"}], content="fragment"),
    ],
)
def test_what_nothing_here_reads_is_refused(made):
    """Another filter, or an incomplete system, would lose codes in silence."""
    with pytest.raises(PackageError):
        codes_of("http://v", made)


def test_a_system_without_a_list_becomes_a_form():
    """Languages and the like have a form; a value set that is not there is None."""
    made = definitions([{"system": "urn:ietf:bcp:47"}])
    assert codes_of("http://v", made) == {"shape": "bcp-47"}
    assert codes_of("http://nobody", made) is None
    with pytest.raises(PackageError, match="cannot be listed"):
        codes_of("http://w", made)
