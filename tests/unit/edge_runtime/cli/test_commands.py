"""Every command: what it prints for machines and for people, and how it ends when it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli.output import when
from edge_runtime.errors import StoreError
from edge_runtime.runtime import open_home
from edge_runtime.settings import Home, home_lock
from edge_runtime.sync.progress import ALARM, UNSOUND
from sync_protocol.errors import LimitError
from tests.support.audit_records import opened
from tests.unit.edge_runtime.cli.world import ADDRESS, PASSPHRASE, World
from tests.unit.edge_runtime.fhir.inputs import allergy, patient

ALLERGY = '{"kind": "allergy", "text": "Penicillin", "severity": "severe"}'


@pytest.fixture(name="ward")
def fixture_ward(world: World) -> World:
    """An organisation with a tablet of a physician and a phone of a nurse."""
    world.found()
    world.phone = world.enrol("phone", "nurse")
    world.enrol("tablet", "physician")
    return world


def _chart(ward: World, name: str = "Ana Lima") -> tuple[str, str]:
    made = ward.json("chart", "create", "--home", "tablet", "--name", name)
    return made["chart"], made["documents"][1]["document"]


def test_a_birth_in_the_future_is_asked_about_and_written(ward: World):
    """As any time that a person states: asked about, never refused."""
    make = ("chart", "create", "--home", "tablet", "--name", "Ana Lima", "--birth-date")
    wrong = (*make, "2199")
    assert "Please check: the time when the patient was born lies more than a day ahead" in ward.run(*wrong).out
    assert "is the date right?" in ward.json(*wrong)["confirm"]
    assert ward.json(*make, "1961")["confirm"] is None


@pytest.mark.parametrize(
    ("certainties", "says"),
    [
        (["provisional"], "Sepsis  provisional"),
        (["provisional", "confirmed"], "Sepsis  confirmed"),
        (["confirmed", "refuted"], "Sepsis  (refuted)"),
        (["confirmed", "entered-in-error"], "Sepsis  (refuted)"),
    ],
)
def test_a_problem_says_how_certain_it_is(ward: World, certainties: list[str], says: str):
    """Hazard: what was refuted stays on the list, and would read as a problem that stands."""
    chart, document = _chart(ward)
    for stated in certainties:
        fact = json.dumps({"kind": "diagnosis", "text": "Sepsis", "certainty": stated})
        ward.json("chart", "edit", chart, "--home", "tablet", "--document", document, "--fact", fact)
    shown = ward.run("chart", "show", chart, "--home", "tablet").out
    (row,) = (row for row in shown.splitlines() if "Problem" in row)
    assert says in row


# ----------------------------------------------------------------------------------------------- org and device


def test_founding_tells_who_was_founded_and_what_comes_next(world: World):
    """The file is written; a second founding in the same home is refused."""
    told = world.json("org", "init", "--home", "admin", "--out", "clinic.org")
    assert set(told) == {"organisation", "root", "device", "file"}
    assert (world.folder / "clinic.org").read_bytes()
    assert world.refused("org", "init", "--home", "admin", "--out", "other.org") == "home_in_use_already"
    said = world.run("org", "init", "--home", "other", "--out", "other.org")
    assert said.code == 0
    assert "fieldward server run" in said.out


@pytest.mark.parametrize("out", ["none/such.org", ".", "", "x" * 300, "x" * 253], ids=range(5))
def test_a_file_that_cannot_be_written_stops_a_founding_before_it_begins(world: World, out: str):
    """Otherwise the organisation would be there and its file would not."""
    code = world.run("org", "init", "--home", "admin", "--out", out, "--json")
    assert code.code in {1, 2}
    assert code.error["code"] in {"out_file", "usage"}
    world.json("org", "init", "--home", "admin", "--out", "clinic.org")


def test_the_way_of_a_device_into_the_organisation(world: World):
    """Invite, enrol, approve, sync: each step says what it made and what comes next."""
    world.found()
    invited = world.json("device", "invite", "--home", "admin", "--relay", ADDRESS, "--role", "nurse", "--out", "inv")
    assert set(invited) == {"invitation", "role", "expires_ms", "user", "device", "file", "relay"}
    assert (invited["user"], invited["device"]) == (None, None)
    assert Path("inv").stat().st_mode & 0o077 == 0
    asked = world.json("device", "enrol", "--home", "phone", "--invitation", "inv")
    assert set(asked) == {"device", "code", "role", "state"}
    again = world.json("device", "enrol", "--home", "phone", "--invitation", "inv")
    assert again == asked
    waiting = world.run("sync", "once", "--home", "phone", "--json")
    assert (waiting.code, waiting.error["code"]) == (1, "not_approved")
    assert asked["code"] in waiting.error["do"]
    assert world.refused("chart", "list", "--home", "phone") == "not_enrolled"
    listed = world.json("device", "list", "--home", "admin")
    assert set(listed) == {"devices", "waiting", "note"}
    assert [one["device"] for one in listed["waiting"]] == [asked["device"]]
    approve = ("device", "approve", "--home", "admin")
    assert world.refused(*approve, asked["device"], "--code", "000000x") == "code"
    assert world.refused(*approve, "ffff", "--code", asked["code"]) == "no_such_request"
    assert world.refused(*approve, "", "--code", asked["code"]) == "no_such_request"
    approved = world.json(*approve, asked["device"][:6].upper(), "--code", asked["code"])
    assert set(approved) == {"device", "role", "certificate"}
    assert world.json("sync", "once", "--home", "phone")["ok"]
    listed = world.json("device", "list", "--home", "phone", "--offline")
    assert [row["role"] for row in listed["devices"]] == ["admin", "nurse"]
    assert [row["this"] for row in listed["devices"]] == [False, True]
    assert {"device", "user", "role", "not_after_ms", "trusted", "this"} <= set(listed["devices"][0])


def test_the_same_way_in_words(world: World):
    """A person reads the code in two groups, the next command each time, and who waits."""
    world.found()
    said = world.run("device", "invite", "--home", "admin", "--relay", ADDRESS, "--role", "nurse", "--out", "inv")
    assert "fieldward device enrol" in said.out
    said = world.run("device", "enrol", "--home", "phone", "--invitation", "inv")
    assert "fieldward device approve" in said.out
    code = next(line for line in said.out.splitlines() if line.startswith("  code")).split(maxsplit=1)[1]
    device = next(line for line in said.out.splitlines() if line.startswith("  device")).split()[1]
    assert "waits for approval" in world.run("device", "list", "--home", "admin").out
    said = world.run("device", "approve", device[:8], "--code", code, "--home", "admin")
    assert (said.code, "as nurse" in said.out) == (0, True)
    said = world.run("sync", "once", "--home", "phone")
    assert said.code == 0
    said = world.run("device", "list", "--home", "phone")
    assert "(this device)" in said.out


def test_an_administrators_list_says_when_the_relay_is_not_there(world: World):
    """The list of members needs no network; that the other half is missing is said."""
    relay = world.found()
    world.enrol("phone", "nurse")
    relay.down = True
    listed = world.json("device", "list", "--home", "admin")
    assert len(listed["devices"]) == 2
    assert "not known now" in listed["note"]
    assert "not known now" in world.run("device", "list", "--home", "admin").out


def test_only_administrators_invite_and_approve(ward: World):
    """Others are refused by name."""
    invite = ("device", "invite", "--home", "phone", "--relay", ADDRESS, "--role", "nurse", "--out", "x.inv")
    assert ward.refused(*invite) == "not_an_administrator"
    assert ward.refused("device", "approve", "abcd", "--code", "1", "--home", "phone") == "not_an_administrator"
    assert not Path("x.inv").exists()


def test_what_is_no_invitation_makes_no_device(world: World):
    """A missing file, and a file of something else."""
    world.found()
    Path("other").write_bytes(b"\xff\x00 no invitation")
    for path in ("other", "missing"):
        assert world.refused("device", "enrol", "--home", "phone", "--invitation", path) == "invitation"
    assert world.refused("chart", "list", "--home", "phone") == "not_enrolled"


def test_a_fingerprint_that_differs_stops_the_invitation(world: World):
    """Nothing is signed for a relay that is not the one whose fingerprint was read out."""
    relay = world.found()
    invite = ("device", "invite", "--home", "admin", "--relay", ADDRESS, "--role", "nurse", "--out", "x.inv")
    assert world.refused(*invite, "--relay-fingerprint", "dead beef") == "relay_fingerprint"
    assert relay.record is None
    assert not Path("x.inv").exists()


def test_no_address_is_asked_for_by_name(world: World):
    """The first command that needs a relay says how to name it; what is no address is refused."""
    world.found()
    invite = ("device", "invite", "--home", "admin", "--role", "nurse", "--out", "x.inv")
    assert world.refused(*invite) == "no_relay"
    assert world.refused(*invite, "--relay", "relay") == "relay_address"


# -------------------------------------------------------------------------------------------------------- charts


def test_a_code_that_is_too_general_is_asked_about_and_written(ward: World):
    """A category of ICD-10-CM is recorded as it was stated, with a question; a complete code needs none."""
    chart, encounter = _chart(ward)
    edit = ("chart", "edit", chart, "--home", "tablet", "--document", encounter, "--fact")
    fact = {"kind": "diagnosis", "text": "Fracture", "system": "icd-10-cm", "code": "S72.001"}
    said = ward.json(*edit, json.dumps(fact))
    assert said["entries"]
    assert "a seventh character is needed: S72.001A" in said["confirm"]
    assert ward.json(*edit, json.dumps({**fact, "code": "S72.001A"}))["confirm"] is None


def test_a_chart_is_made_listed_and_shown(ward: World):
    """Ids of chart and documents; a line for the list; the whole chart for machines."""
    made = ward.json("chart", "create", "--home", "tablet", "--name", "Ana Lima", "--birth-date", "1961-04-02")
    assert set(made) == {"chart", "documents", "confirm"}
    assert [one["workflow_type"] for one in made["documents"]] == ["chart", "encounter"]
    ward.json("chart", "edit", made["chart"], "--home", "tablet", "--document", "chart", "--fact", ALLERGY)
    (row,) = ward.json("chart", "list", "--home", "tablet")["charts"]
    counts = {"documents", "allergies", "medications", "reviews_open", "unread"}
    assert set(row) == {"chart", "name", "sealed", "lacks", "destroyed"} | counts
    assert (row["name"], row["documents"], row["allergies"], row["unread"]) == ("Ana Lima", 2, 1, 0)
    shown = ward.json("chart", "show", made["chart"][:8], "--home", "tablet")
    assert {"chart_document", "documents", "allergies", "medications", "reviews"} <= set(shown)
    assert {"document", "sections", "unread", "status", "observations"} <= set(shown["documents"][0])
    assert "Ana Lima" in ward.run("chart", "show", made["chart"], "--home", "tablet").out
    assert "Penicillin" in ward.run("chart", "show", made["chart"], "--home", "tablet").out
    assert "Ana Lima" in ward.run("chart", "list", "--home", "tablet").out
    none = ward.json("chart", "create", "--home", "tablet", "--workflow", "none")
    assert len(none["documents"]) == 1
    for wrong in ("nonsense", "chart", "incident"):
        assert ward.refused("chart", "create", "--home", "tablet", "--workflow", wrong) == "workflow"


def test_what_is_shown_is_recorded_with_its_purpose(ward: World):
    """A read, a list and an import leave a record each, whatever the output; a change is its own record."""
    chart, _ = _chart(ward)
    before = ward.json("sync", "status", "--home", "tablet")["on_this_device_only"]
    ward.json("chart", "edit", chart, "--home", "tablet", "--document", "chart", "--fact", ALLERGY)
    ward.json("chart", "show", chart, "--home", "tablet", "--purpose", "patient_request")
    assert ward.run("chart", "show", chart, "--home", "tablet").code == 0
    assert ward.run("chart", "list", "--home", "tablet").code == 0
    Path("one.json").write_text(json.dumps({"resourceType": "Patient", "id": "p1", "name": [{"text": "Bo"}]}))
    ward.json("chart", "import", "--home", "tablet", "one.json")
    assert ward.json("sync", "status", "--home", "tablet")["on_this_device_only"] > before
    with open_home(Path("tablet"), PASSPHRASE) as runtime:
        charts = [*runtime.keyring.charts(), *runtime.keyring.ledgers()]
        found = [act for one in charts for _, act in opened(runtime.store, runtime.keyring, one)]
    acts = {(act.kind.name, act.purpose.value) for act in found if act is not None}
    assert acts - {("met_relay", "operations")} == {
        ("data_accessed", "patient_request"),
        ("data_accessed", "treatment"),
        ("charts_listed", "treatment"),
        ("imported", "treatment"),
    }
    assert ward.refused("chart", "show", chart, "--home", "tablet", "--purpose", "curiosity", code=2) == "usage"


def test_an_officer_sees_that_there_are_charts_and_nothing_in_them(ward: World):
    """They are listed as sealed; showing, changing and creating one is refused."""
    chart, _ = _chart(ward)
    ward.enrol("audit", "compliance_officer")
    for home in ("tablet", "audit"):
        ward.run("sync", "once", "--home", home)
    (row,) = ward.json("chart", "list", "--home", "audit")["charts"]
    assert (row["chart"], row["sealed"], row["name"]) == (chart, True, None)
    assert "sealed" in ward.run("chart", "list", "--home", "audit").out
    assert ward.refused("chart", "show", chart, "--home", "audit") == "not_a_reader"
    edit = ("chart", "edit", chart, "--home", "audit", "--document", "chart", "--fact", ALLERGY)
    assert ward.refused(*edit) == "not_a_reader"
    assert ward.refused("chart", "create", "--home", "audit") == "role_reads_no_chart"


def test_people_are_told_what_to_do_next(ward: World):
    """An empty list, a chart that was made."""
    assert "Create one" in ward.run("chart", "list", "--home", "tablet").out
    said = ward.run("chart", "create", "--home", "tablet")
    assert "fieldward chart show" in said.out


def test_a_text_is_written_from_a_file_and_said_to_be_unchanged(ward: World):
    """The section reads what the file says, without its last line end; the same again writes nothing."""
    chart, document = _chart(ward)
    Path("plan.txt").write_text("Rest.\nDrink 500 ml.\n", encoding="utf-8")
    edit = ("chart", "edit", chart, "--home", "tablet", "--document", "encounter", "--section", "plan", "--text-file")
    told = ward.json(*edit, "plan.txt")
    assert set(told) == {"chart", "document", "entries", "confirm", "questions"}
    assert told["document"] == document
    assert told["entries"]
    shown = ward.json("chart", "show", chart, "--home", "tablet")
    (section,) = [one["sections"]["plan"] for one in shown["documents"] if one["document"] == document]
    whole = {"text", "complete", "forked", "authors", "disputed", "views", "more_views", "merged_lines"}
    whole |= {"contested_lines"}
    assert set(section) == whole
    assert section["text"] == "Rest.\nDrink 500 ml."
    assert ward.json(*edit, "plan.txt")["entries"] == []
    assert "Nothing to change" in ward.run(*edit, "plan.txt").out
    assert "Drink 500 ml." in ward.run("chart", "show", chart, "--home", "tablet").out


def test_a_text_that_will_not_do_is_refused(ward: World):
    """Not there, not UTF-8, too long to read, too long for the section."""
    chart, _ = _chart(ward)
    edit = ("chart", "edit", chart, "--home", "tablet", "--document", "encounter", "--section", "plan", "--text-file")
    assert ward.refused(*edit, "plan.txt") == "text_file"
    for content in (b"\xff", b"x" * 70_000):
        Path("plan.txt").write_bytes(content)
        assert ward.refused(*edit, "plan.txt") == "text_file"
    Path("plan.txt").write_bytes(b"x" * 20_001)
    assert ward.refused(*edit, "plan.txt") not in {"bug", "text_file"}


NO_FACTS = (
    "",
    "nonsense",
    "[]",
    "{}",
    '{"kind": "status"}',
    '{"kind": "status", "to": 5}',
    '{"kind": "observation", "code": "8867-4", "system": "http://loinc.org", "text": "Pulse", "value": 80.5}',
    '{"kind": "status", "to": NaN}',
    '{"kind": "status", "to": Infinity}',
    '{"kind": "status", "to": ' + "1" * 5000 + "}",
    '{"kind": "status", "to": "\\ud800"}',
    '{"kind": "status", "to": ' + "[" * 100_000,
    '{"kind": "allergy", "text": "x", "supersedes": ["y"]}',
)


def test_a_fact_that_is_none_is_refused(ward: World):
    """Whatever is wrong with it, nothing is written, and the reason is an error of the ordinary kind."""
    chart, _ = _chart(ward)
    size = _size("tablet")
    for words in NO_FACTS:
        code = ward.refused("chart", "edit", chart, "--home", "tablet", "--document", "chart", "--fact", words)
        assert code != "bug", words[:80]
    assert _size("tablet") == size


def _size(home: str) -> int:
    with open_home(Path(home), PASSPHRASE) as runtime:
        return runtime.store.size()


def test_an_edit_is_either_a_text_or_a_fact(ward: World):
    """Half of either, both, or none is wrong usage."""
    chart, _ = _chart(ward)
    edit = ("chart", "edit", chart, "--home", "tablet", "--document", "chart")
    for more in ((), ("--section", "plan"), ("--text-file", "x"), ("--fact", ALLERGY, "--section", "plan")):
        answer = ward.run(*edit, *more, "--json")
        assert (answer.code, answer.error["code"]) == (2, "usage")


def test_an_implausible_value_is_recorded_and_questioned(ward: World):
    """Shock is real: the value stands, and the person is asked to look again."""
    chart, _ = _chart(ward)
    value = {"kind": "observation", "code": "8867-4", "system": "http://loinc.org", "text": "Pulse"}
    value |= {"value": "400", "unit": "/min"}
    edit = ("chart", "edit", chart, "--home", "tablet", "--document", "encounter", "--fact", json.dumps(value))
    assert ward.json(*edit)["confirm"]
    assert "Please check" in ward.run(*edit).out


def test_a_time_that_cannot_be_right_is_recorded_and_questioned(ward: World):
    """The clock may be wrong: the statement stands, and the person is asked to look again."""
    chart, _ = _chart(ward)
    done = {"kind": "procedure", "text": "Splint", "performed": "2999-01-01"}
    told = ward.json("chart", "edit", chart, "--home", "tablet", "--document", "encounter", "--fact", json.dumps(done))
    assert told["entries"]
    assert "more than a day ahead" in told["confirm"]


def test_a_chart_is_shared_with_what_the_role_may_read(ward: World):
    """Certificate and compartments; who does not exist, and a role without charts, are refused."""
    chart, _ = _chart(ward)
    told = ward.json("chart", "share", chart, "--device", ward.phone, "--home", "tablet")
    assert set(told) == {"chart", "certificate", "compartments", "from_now_on"}
    assert told["compartments"] == ["safety", "clinical", "audit"]
    assert (
        "reads: safety, clinical, audit"
        in ward.run(
            "chart",
            "share",
            chart,
            "--device",
            ward.phone,
            "--home",
            "tablet",
        ).out
    )
    assert ward.refused("chart", "share", chart, "--device", "ffffffff", "--home", "tablet") == "no_such_device"
    admin = ward.json("device", "list", "--home", "tablet")["devices"][0]["device"]
    assert ward.refused("chart", "share", chart, "--device", admin, "--home", "tablet") == "role_reads_no_chart"
    assert ward.refused("chart", "show", "ffffffff", "--home", "tablet") == "no_such_chart"
    assert ward.refused("chart", "create", "--home", "admin") == "role_reads_no_chart"


def test_an_import_reports_what_it_did(ward: World):
    """Numbers by type, what is new, and refusals; again, nothing new."""
    Path("in.ndjson").write_text(json.dumps(patient()) + "\n" + json.dumps(allergy()) + "\nnonsense\n")
    command = ("chart", "import", "--home", "tablet", "in.ndjson", "missing.json")
    told = ward.json(*command, code=1)
    assert set(told) == {"charts", "mapped", "kept", "kept_types", "refused", "own", "new"}
    assert told["new"]["charts"] == 1
    assert len(told["refused"]) == 2
    assert set(told["refused"][0]) == {"record", "path", "reason"}
    assert ward.json(*command, code=1)["new"] == {"charts": 0, "entries": 0}
    said = ward.run(*command)
    assert "Everything was here already" in said.out
    assert "2 refused" in said.out
    assert ward.run("chart", "import", "--home", "tablet", "--json").code == 2
    lost = ward.json("chart", "import", "--home", "tablet", "\udcff.json", code=1)
    assert lost["refused"][0]["record"] == "\udcff.json"


def test_hostile_text_stays_text(ward: World):
    """Markup, escape sequences and impossible times of others neither crash nor steer the terminal."""
    chart, _ = _chart(ward, "[/bold]\x1b[31m[red]Ana\u202e")
    words = {"kind": "allergy", "text": "[/x]\x1b]0;title\x07", "severity": "severe"}
    ward.json("chart", "edit", chart, "--home", "tablet", "--document", "chart", "--fact", json.dumps(words))
    for command in (("chart", "show", chart), ("chart", "list")):
        said = ward.run(*command, "--home", "tablet")
        assert said.code == 0
        assert "\x1b]" not in said.out
        assert "\x1b[31m" not in said.out
        assert "\u202e" not in said.out
    assert when(2**48 - 1) == "(no date)"
    assert when(0) == "1970-01-01 00:00 UTC"


# ---------------------------------------------------------------------------------------------------------- sync


def test_a_sync_within_a_budget_says_that_more_waits(ward: World):
    """It stops by itself, which is no failure, and the next one goes on; one with enough of both says nothing of it."""
    _chart(ward)
    report = ward.json("sync", "once", "--home", "tablet", "--kilobytes", "1")
    assert (report["ok"], report["stopped"]) == (True, "bytes")
    assert report["pending"] > 0
    said = ward.run("sync", "once", "--home", "tablet", "--kilobytes", "1")
    assert said.code == 0
    assert "entries still wait for the relay." in said.out
    assert "So many bytes are used up: not everything is here or there yet." in said.out
    assert ward.run("sync", "once", "--home", "tablet", "--seconds", "0").code == 2
    report = ward.json("sync", "once", "--home", "tablet", "--seconds", "600", "--kilobytes", "9000")
    assert (report["ok"], report["stopped"], report["pending"]) == (True, None, 0)


def test_one_entry_says_where_it_is(ward: World):
    """By the beginning of its hash: one state, and what is not in order; nothing of an entry that nobody knows."""
    _chart(ward)
    relay = ward.relay
    assert relay is not None
    relay.shell.refuse = lambda _: LimitError("quota", expected="less", got="more\x1b[2J", do="wait")
    ward.json("sync", "once", "--home", "tablet", code=1)
    (refused, *_) = ward.json("sync", "status", "--home", "tablet")["refused"]
    status = ("sync", "status", "--home", "tablet", "--entry")
    told = ward.json(*status, refused["entry"][:10])
    assert (told["entry"], told["state"], told["by"]["role"]) == (refused["entry"], "refused", "physician")
    (wrong,) = told["not_in_order"]
    assert wrong == {"kind": "refused"} | {name: refused[name] for name in ("code", "reason", "do")}
    said = ward.run(*status, refused["entry"]).out
    assert "refused by the relay, kept here" in said
    assert f"by physician {told['by']['device'][:8]}, user {told['by']['user'][:8]} (author" in said
    assert "-> it stays on this device" in said
    assert "\x1b[2J" not in said
    relay.shell.refuse = lambda _: None
    ward.json("sync", "once", "--home", "tablet")
    told = ward.json(*status, refused["entry"])
    assert (told["state"], told["not_in_order"]) == ("receipted", [])
    assert told["log_index"] is not None
    assert ward.refused(*status, "00000000") == "no_such_entry"


def test_a_sync_tells_what_went_and_came(ward: World):
    """Counts for machines, words for people; both ways of connecting."""
    chart, _ = _chart(ward)
    ward.json("chart", "share", chart, "--device", ward.phone, "--home", "tablet")
    told = ward.json("sync", "once", "--home", "tablet")
    keys = {"ok", "sent", "receipted", "received", "pending", "refused", "alarms", "broken", "log_size", "attachments"}
    assert set(told) == keys | {"stopped"}
    assert told["sent"] == told["receipted"] > 0
    told = ward.json("sync", "once", "--home", "phone", "--http")
    assert told["received"] > 0
    shown = [ward.json("chart", "show", chart, "--home", home) for home in ("tablet", "phone")]
    assert shown[0] == shown[1]
    said = ward.run("sync", "once", "--home", "phone")
    assert "Nothing was sent" not in said.out, "the read goes up, and that the relay was met"
    said = ward.run("sync", "once", "--home", "phone")
    assert "Nothing was sent" in said.out


def test_status_is_honest(ward: World):
    """Every entry is in exactly one state; what is on this device only, since when; what is refused, in whose words."""
    _chart(ward)
    told = ward.json("sync", "status", "--home", "tablet")
    states = ("on_this_device_only", "at_a_peer", "at_the_relay", "receipted", "safe")
    lists = ("refused", "held", "disputed", "restored")
    rest = {"entries", "oldest_unsent_s", "log_size", "backed_up", "alarm", "attachments", "compared_ms", "withheld"}
    assert set(told) == {*states, *lists} | rest
    assert sum(told[state] for state in states) + len(told["refused"]) == told["entries"]
    assert told["on_this_device_only"] > 0
    assert (told["safe"], told["backed_up"]) == (0, None)
    assert "on this device only; the oldest has waited" in ward.run("sync", "status", "--home", "tablet").out
    relay = ward.relay
    assert relay is not None
    relay.shell.refuse = lambda _: LimitError("quota", expected="less", got="more\x1b[2J", do="wait")
    told = ward.json("sync", "once", "--home", "tablet", code=1)
    assert not told["ok"]
    assert told["refused"][0]["code"] == "quota"
    said = ward.run("sync", "once", "--home", "tablet")
    assert said.code == 1
    assert "offered again" in said.out
    assert "\x1b[2J" not in said.out
    (first, *_) = ward.json("sync", "status", "--home", "tablet")["refused"]
    assert set(first) == {"entry", "code", "reason", "do"}
    assert "quota" in ward.run("sync", "status", "--home", "tablet").out
    relay.shell.refuse = lambda _: None
    assert ward.json("sync", "once", "--home", "tablet")["ok"]
    assert ward.json("sync", "status", "--home", "tablet")["refused"] == []


def test_an_alarm_is_loud(ward: World):
    """It stands in status and in the next sync's answer, which ends with 1."""
    with open_home(Path("tablet"), PASSPHRASE) as runtime, runtime.store.writing() as writer:
        writer.put_value(ALARM, UNSOUND.encode())
    assert ward.json("sync", "status", "--home", "tablet")["alarm"] == UNSOUND
    assert "ALARM" in ward.run("sync", "status", "--home", "tablet").out
    assert ward.json("sync", "once", "--home", "tablet", code=1)["alarms"] == [UNSOUND]
    assert ward.json("sync", "once", "--home", "tablet")["alarms"] == []


def test_a_relay_that_is_down_loses_nothing(ward: World):
    """The error says that everything is kept; entries wait."""
    _chart(ward)
    relay = ward.relay
    assert relay is not None
    relay.down = True
    answer = ward.run("sync", "once", "--home", "tablet", "--attempts", "2", "--json")
    assert (answer.code, answer.error["code"]) == (1, "relay_unreachable")
    waiting = ward.json("sync", "status", "--home", "tablet")["on_this_device_only"]
    assert waiting > 0
    relay.down = False
    assert ward.json("sync", "once", "--home", "tablet")["receipted"] >= waiting, "and that the relay was met"


# -------------------------------------------------------------------------------------------------------- doctor


def test_doctor_counts_records_that_do_not_count(ward: World, monkeypatch: pytest.MonkeyPatch):
    """A line for each reason, as a sentence; they are no damage. A store that cannot say it ends no check."""
    found = dict.fromkeys(range(2), ("same_user", None))
    monkeypatch.setattr("edge_runtime.audit.refusals.refusals", lambda _: found)
    told = ward.json("doctor", "--home", "tablet")
    assert told["ok"]
    (line,) = [one for one in told["warnings"] if "do not count" in one]
    assert "2 do not count (same_user): whoever proposed it" in line

    def damaged(_: object) -> None:
        raise StoreError("damaged", expected="records", got="none", do="nothing")

    monkeypatch.setattr("edge_runtime.audit.refusals.refusals", damaged)
    assert not [one for one in ward.json("doctor", "--home", "tablet")["warnings"] if "do not count" in one]


def test_a_sound_device_is_said_to_be_so(ward: World):
    """Checks for machines; notes on what is no damage and yet worth knowing."""
    _chart(ward)
    told = ward.json("doctor", "--home", "tablet")
    assert set(told) == {"ok", "checks", "problems", "warnings"}
    assert told["ok"]
    assert set(told["checks"]) == {"vault", "entries", "certificates", "enrolled", "destroyed_charts"}
    assert any("on this device only" in warning for warning in told["warnings"])
    said = ward.run("doctor", "--home", "tablet")
    assert "All is well" in said.out
    assert "Note:" in said.out


def test_a_damaged_store_ends_with_three(ward: World):
    """A flipped bit is found, its place named, and what to do is said."""
    _chart(ward)
    ward.run("doctor", "--home", "tablet")
    store = Home(Path("tablet")).store
    found: set[int] = set()
    data = store.read_bytes()
    for at in range(4096 + 500, len(data), len(data) // 12):
        store.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        answer = ward.run("doctor", "--home", "tablet", "--json")
        assert answer.code in {0, 3}
        if answer.code == 3 and "error" not in answer.json:
            assert answer.json["problems"]
            assert set(answer.json["problems"][0]) == {"check", "row", "found"}
            assert "DAMAGE" in ward.run("doctor", "--home", "tablet").out
        found.add(answer.code)
    assert 3 in found
    store.write_bytes(data)
    assert ward.run("doctor", "--home", "tablet").code == 0
    store.write_bytes(b"")
    assert ward.run("chart", "list", "--home", "tablet", "--json").code in {1, 3}


def test_a_waiting_device_and_a_bare_home_are_noted(world: World):
    """Neither is damage."""
    world.found()
    world.json("device", "invite", "--home", "admin", "--relay", ADDRESS, "--role", "nurse", "--out", "inv")
    world.json("device", "enrol", "--home", "phone", "--invitation", "inv")
    told = world.json("doctor", "--home", "phone")
    assert told["checks"]["enrolled"] is False
    assert any("waits for" in warning for warning in told["warnings"])


def test_times_that_cannot_be_are_noted(ward: World, monkeypatch: pytest.MonkeyPatch):
    """Entries from a future day, and a certificate that ends soon."""
    _chart(ward)
    from edge_runtime import runtime

    now = runtime.clock()
    monkeypatch.setattr(runtime, "clock", lambda: now - 3 * 24 * 3600 * 1000)
    told = ward.json("doctor", "--home", "tablet")
    assert any("check the clock" in warning for warning in told["warnings"])
    monkeypatch.setattr(runtime, "clock", lambda: now + 350 * 24 * 3600 * 1000)
    told = ward.json("doctor", "--home", "tablet")
    assert any("renew" in warning for warning in told["warnings"])


# ----------------------------------------------------------------------------------------------- home and vault


def test_a_wrong_passphrase_opens_nothing(ward: World, monkeypatch: pytest.MonkeyPatch):
    """From the environment and from a file; the right one in a file opens."""
    monkeypatch.setenv("FIELDWARD_PASSPHRASE", "wrong")
    assert ward.refused("chart", "list", "--home", "tablet") == "wrong_passphrase"
    for content in (PASSPHRASE, PASSPHRASE + "\n", PASSPHRASE + "\r\nsecond line\n"):
        Path("secret").write_text(content, newline="")
        assert ward.json("chart", "list", "--home", "tablet", "--passphrase-file", "secret") == {"charts": []}
    Path("secret").write_text("wrong")
    assert ward.refused("chart", "list", "--home", "tablet", "--passphrase-file", "secret") == "wrong_passphrase"
    Path("secret").write_bytes(b"\xff")
    assert ward.refused("chart", "list", "--home", "tablet", "--passphrase-file", "secret") == "passphrase_file"
    assert ward.refused("chart", "list", "--home", "tablet", "--passphrase-file", "none") == "passphrase_file"
    Path("secret").write_text("")
    assert ward.refused("chart", "list", "--home", "tablet", "--passphrase-file", "secret") == "wrong_passphrase"
    monkeypatch.delenv("FIELDWARD_PASSPHRASE")
    assert ward.refused("chart", "list", "--home", "tablet") == "no_passphrase"


def test_a_passphrase_may_hold_what_looks_like_a_line_end(world: World):
    """Only a line feed ends the first line of a passphrase file."""
    Path("secret").write_text("half\u2028other\x0bhalf\n", encoding="utf-8")
    org = ("org", "init", "--out", "x.org", "--passphrase-file", "secret")
    assert world.run(*org, "--home", "a", "--json").error["code"] == "passphrase_unfit"
    Path("secret").write_text("half\u2028other\n", encoding="utf-8")
    world.json(*org, "--home", "b")
    Path("secret").write_text("half\n", encoding="utf-8")
    assert world.refused("doctor", "--home", "b", "--passphrase-file", "secret") == "wrong_passphrase"


def test_a_home_is_used_by_one_at_a_time(ward: World):
    """While another holds it, a command is refused and touches nothing."""
    with home_lock(Home(Path("tablet"))):
        assert ward.refused("chart", "list", "--home", "tablet") == "home_in_use"
    assert ward.json("chart", "list", "--home", "tablet") == {"charts": []}


def test_a_home_that_is_none_is_refused_and_not_made(world: World):
    """Neither a folder nor a lock appears where nothing was."""
    Path("empty").mkdir()
    for home in ("missing", "empty", "missing/deeper"):
        assert world.refused("chart", "list", "--home", home) == "no_vault"
    assert not Path("missing").exists()
    assert list(Path("empty").iterdir()) == []
    Path("file").touch()
    assert world.run("chart", "list", "--home", "file", "--json").error["code"] == "usage"


def test_a_vault_without_its_store_is_not_opened_as_new(ward: World):
    """A store that is gone is a loss that must be seen."""
    Home(Path("tablet")).store.unlink()
    assert ward.refused("chart", "list", "--home", "tablet") == "no_store"


def test_a_damaged_vault_ends_with_three(ward: World):
    """No passphrase opens it; the code is that of damage."""
    vault = Home(Path("tablet")).vault
    data = vault.read_bytes()
    vault.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert ward.refused("chart", "list", "--home", "tablet", code=3) == "vault_damaged"


def test_an_error_of_a_stranger_cannot_steer_the_terminal(capsys: Any):
    """Three readable lines on standard error, whatever is in them."""
    from edge_runtime.cli.output import print_error
    from edge_runtime.errors import RemoteError

    print_error(RemoteError("x", expected="a\x1b[2J", got="b\u202e", do="c"), as_json=False)
    said = capsys.readouterr()
    assert said.out == ""
    assert "\x1b[2J" not in said.err
    assert "\u202e" not in said.err
    assert [line.split()[0] for line in said.err.splitlines()] == ["Not", "Expected:", "Got:", "Do:"]
