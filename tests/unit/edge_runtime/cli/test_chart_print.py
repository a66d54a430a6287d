"""`fieldward chart show --html` and `--pdf`: the whole chart as a file, on record, for its owner alone."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdf
import pytest

from edge_runtime.printing import drafting
from edge_runtime.runtime import open_home
from tests.support.audit_records import opened
from tests.unit.edge_runtime.cli.world import PASSPHRASE, World
from tests.unit.edge_runtime.printing.reading import read_html, said_by_pdf

NOTE = """Pain since three days. <script>alert('x')</script> BP <90 at home.
<a href="javascript:alert(1)">see</a> dose \u202e05\u202c mg
المريض يعاني من حساسية البنسلين
रोगी को बुखार है
"""
FACTS = (
    ("chart", {"kind": "allergy", "text": "Penicillin", "severity": "severe"}),
    ("chart", {"kind": "allergy", "text": "الأسبرين", "severity": "mild"}),
    ("chart", {"kind": "diagnosis", "text": "मधुमेह", "code": "E11.9", "certainty": "confirmed"}),
    ("encounter", {"kind": "status", "to": "active", "reason": "arrived"}),
    ("encounter", {"kind": "priority", "to": "urgent"}),
    ("encounter", {"kind": "triage", "to": "yellow"}),
    ("encounter", {"kind": "place", "location": "Bed 4", "department": "Surgery"}),
    ("encounter", {"kind": "step", "fraction": "V", "name": "Dress the wound", "estimated_minutes": 10}),
    ("encounter", {"kind": "specimen", "specimen": "A-77", "to": "collected"}),
    ("encounter", {"kind": "procedure", "text": "Suture"}),
    ("encounter", {"kind": "observation", "code": "8867-4", "text": "pulse", "value": "300", "unit": "/min"}),
)


def _fact(ward: World, chart: str, home: str, document: str, fact: dict[str, Any]) -> None:
    words = json.dumps(fact, ensure_ascii=False)
    ward.json("chart", "edit", chart, "--document", document, "--fact", words, "--home", home)


@pytest.fixture(name="chart")
def fixture_chart(world: World) -> str:
    """A chart with something of everything, which tablet and phone changed without knowing of each other."""
    world.found()
    world.phone = world.enrol("phone", "nurse")
    world.enrol("tablet", "physician")
    world.json("sync", "once", "--home", "tablet")
    made = world.json("chart", "create", "--name", "Ana Lima", "--birth-date", "1961-04-02", "--home", "tablet")
    chart = str(made["chart"])
    for document, fact in FACTS:
        _fact(world, chart, "tablet", document, fact)
    warfarin = {"kind": "medication", "text": "Warfarin", "action": "start", "dose": "5", "unit": "mg"}
    _fact(world, chart, "tablet", "chart", warfarin)
    Path("note.txt").write_text(NOTE, encoding="utf-8")
    edit = ("chart", "edit", chart, "--document", "encounter", "--section", "subjective", "--text-file", "note.txt")
    world.json(*edit, "--home", "tablet")
    world.json("chart", "share", chart, "--device", world.phone, "--home", "tablet")
    for home in ("tablet", "phone"):
        world.json("sync", "once", "--home", home)
    _fact(world, chart, "phone", "chart", {"kind": "medication", "text": "Warfarin", "action": "stop"})
    _fact(world, chart, "tablet", "chart", {**warfarin, "action": "change", "dose": "2.5"})
    for home in ("phone", "tablet", "phone"):
        world.json("sync", "once", "--home", home)
    Path("scan.png").write_bytes(b"pixels")
    world.json("chart", "attach", chart, "scan.png", "--document", "encounter", "--home", "tablet")
    return chart


def test_the_whole_chart_is_on_the_page(world: World, chart: str):
    """The same content in both forms: the safety list first, both values of what is disputed, then the documents."""
    show = ("chart", "show", chart, "--home", "tablet")
    told = world.json(*show, "--html", "chart.html")
    assert (told["out"], told["form"]) == ("chart.html", "html")
    world.json(*show, "--pdf", "chart.pdf")
    page = read_html(Path("chart.html").read_bytes())
    paper = said_by_pdf(Path("chart.pdf").read_bytes())
    for words in (
        *("Ana Lima", "1961-04-02", "Penicillin", "severe", "Delayed (yellow)", "E11.9", "DISPUTED"),
        *("A person must decide", "2.5 mg", "stop", "nurse", "physician", "Urgent", "Bed 4, Surgery"),
        *("Dress the wound", "planned 10 min", "A-77", "Collected", "Suture", "pulse 300 /min", "was this measured?"),
        *("Subjective", "BP <90 at home", "<U+202E>05<U+202C> mg", "scan.png", "image/png", "reason: arrived"),
    ):
        assert words in page.text, words
        assert words in paper, words
    assert "مدهون" not in page.text
    for words in ("الأسبرين", "मधुमेह", "المريض يعاني من حساسية البنسلين"):
        assert words in page.text
        assert words in paper
    order = [page.text.index(words) for words in ("Safety", "A person must decide", "Chart document", "Encounter")]
    assert order == sorted(order)


def test_a_file_is_for_its_owner_alone_and_says_so(world: World, chart: str):
    """Mode 0600, whole, and a warning that patient data lies there in the clear."""
    for option, name in (("--html", "chart.html"), ("--pdf", "chart.pdf")):
        said = world.run("chart", "show", chart, option, name, "--home", "tablet").out
        assert "WARNING: this file holds patient data in the clear." in said
        assert f"written to {name}" in said
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    assert Path("chart.pdf").read_bytes().startswith(b"%PDF-1.7")
    assert sorted(path.name for path in Path().glob("chart.*")) == ["chart.html", "chart.pdf"]


def test_a_file_is_on_record_before_it_is_written(world: World, chart: str):
    """HTML is recorded as exported, a PDF as printed, with the purpose; neither as merely shown."""
    show = ("chart", "show", chart, "--purpose", "patient_request", "--home", "tablet")
    world.json(*show, "--html", "chart.html")
    world.json(*show, "--pdf", "chart.pdf")
    with open_home(Path("tablet"), PASSPHRASE) as runtime:
        charts = [*runtime.keyring.charts(), *runtime.keyring.ledgers()]
        acts = [act for one in charts for _, act in opened(runtime.store, runtime.keyring, one) if act is not None]
    named = {act.kind.name: act for act in acts if act.kind.name in {"exported", "printed", "data_accessed"}}
    assert set(named) == {"exported", "printed"}
    assert all(act.purpose.value == "patient_request" for act in named.values())
    assert dict(named["exported"].detail) == {"format": "html"}
    assert "text.subjective" in named["printed"].fields


def test_what_cannot_be_written_is_neither_made_nor_recorded(world: World, chart: str, monkeypatch: pytest.MonkeyPatch):
    """A folder that is not there, both forms at once, a page too long: nothing is written and nothing on record."""
    show = ("chart", "show", chart, "--home", "tablet")
    before = world.json("sync", "status", "--home", "tablet")["on_this_device_only"]
    assert world.refused(*show, "--pdf", "nowhere/chart.pdf") == "out_file"
    assert world.refused(*show, "--pdf", "chart.pdf", "--html", "chart.html", code=2) == "usage"
    monkeypatch.setattr("edge_runtime.printing.page.SHEETS_MAX", 0)
    assert world.refused(*show, "--pdf", "chart.pdf") == "too_long_to_print"
    assert not list(Path().glob("chart.*"))
    assert world.json("sync", "status", "--home", "tablet")["on_this_device_only"] == before


def test_a_text_that_is_too_long_is_left_off_in_plain_view(world: World, chart: str, monkeypatch: pytest.MonkeyPatch):
    """The rest is printed; the top of the page and the place of the text say what is not; no half of it is there."""
    monkeypatch.setattr(drafting, "TEXT_SHEETS_MAX", 0)
    world.json("chart", "show", chart, "--html", "chart.html", "--home", "tablet")
    text = read_html(Path("chart.html").read_bytes()).text
    assert "THIS TEXT IS NOT PRINTED" in text
    assert text.index("NOT EVERYTHING IS ON THIS PAGE") < text.index("Safety")
    assert f"subjective: {len(NOTE.rstrip()):,} characters" in text
    assert "Pain since" not in text
    assert "Penicillin" in text


def test_a_device_without_typst_prints_html(world: World, chart: str, monkeypatch: pytest.MonkeyPatch):
    """As on a phone: a PDF is refused with what to do instead."""
    monkeypatch.setitem(sys.modules, "typst", None)
    assert world.refused("chart", "show", chart, "--pdf", "chart.pdf", "--home", "tablet") == "no_pdf_here"
    world.json("chart", "show", chart, "--html", "chart.html", "--home", "tablet")


def test_what_the_patient_does_not_permit_is_not_printed(world: World, chart: str):
    """An officer, who reads no content, prints none."""
    world.enrol("officer", "compliance_officer")
    for home in ("tablet", "officer"):
        world.run("sync", "once", "--home", home)
    assert world.refused("chart", "show", chart, "--pdf", "chart.pdf", "--home", "officer") == "not_a_reader"
    assert not Path("chart.pdf").exists()


def test_help_loads_neither_typst_nor_nh3():
    """Only who prints pays for them."""
    code = (
        "import sys\nfrom edge_runtime.cli.main import run\nassert run(['chart', 'show', '--help']) == 0\n"
        "print('-----', *({'typst', 'nh3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip().endswith("-----")


def test_the_properties_of_the_file_name_nobody(world: World, chart: str):
    """A PDF's title and description are read by programs that show no content."""
    world.json("chart", "show", chart, "--pdf", "chart.pdf", "--home", "tablet")
    reader = pypdf.PdfReader(io.BytesIO(Path("chart.pdf").read_bytes()))
    assert reader.metadata is not None
    assert reader.metadata.title == f"Chart {chart[:8]}"
    assert "Ana" not in str(dict(reader.metadata))
