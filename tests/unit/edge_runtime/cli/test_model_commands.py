"""`fieldward model`: models come, are checked, explained, shared, measured, and go; homes keep the record of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from edge_runtime.ai.models.demonstration import PLACE
from edge_runtime.ai.models.folder import ModelFolder
from edge_runtime.ai.models.receiving import Draft
from edge_runtime.ai.models.sharing import code_of
from tests.unit.edge_runtime.cli.world import World

BUNDLE = PLACE / "model.litertlm"
DIGEST = json.loads((PLACE / "manifest.json").read_bytes())["sha256"]
IMPORT = ("model", "import", str(PLACE), "--name", "mine", "--sha256", DIGEST)


@pytest.fixture(autouse=True)
def models(world: World, monkeypatch: pytest.MonkeyPatch) -> ModelFolder:
    """A folder of models of its own."""
    folder = world.folder / "models"
    monkeypatch.setenv("FIELDWARD_MODELS", str(folder))
    return ModelFolder(folder)


def answering(monkeypatch: pytest.MonkeyPatch, answers: str) -> list[str]:
    """A person at the terminal, who answers y or n in turn; what they were asked."""
    asked: list[str] = []

    def confirm(words, **_):
        asked.append(words)
        return answers[len(asked) - 1] == "y"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "confirm", confirm)
    return asked


def names(world: World) -> list[str]:
    """The models that are listed."""
    return [one["name"] for one in world.json("model", "list")["models"]]


def test_a_model_s_life(world):
    """Imported, listed, whole, chosen before the demonstration, removed; each step says what it did."""
    assert names(world) == ["demonstration"]
    found = world.json(*IMPORT)
    assert (found["name"], found["digest"], found["already_there"], found["warnings"]) == ("mine", DIGEST, False, [])
    assert world.json(*IMPORT)["already_there"]
    assert names(world) == ["mine", "demonstration"]
    assert world.json("model", "verify", "mine") == {"name": "mine", "digest": DIGEST, "pieces": 1, "whole": True}
    assert world.json("model", "remove", "mine", "--yes") == {"name": "mine", "removed": True}
    assert names(world) == ["demonstration"]
    assert world.refused("model", "remove", "mine", "--yes") == "model_unknown"


def test_it_is_said_to_people_too(world):
    """Every command has words for a person; the demonstration is labelled wherever it is named."""
    world.run(*IMPORT)
    for command, wanted in (
        (("list",), "DEMONSTRATION, not for clinical use"),
        (("list", "--known"), "ai.google.dev/gemma/terms"),
        (("why", "--skill", "soap"), "DEMONSTRATION, not for clinical use"),
        (("verify", "mine"), "mine is whole"),
        (IMPORT[1:], "here already, whole"),
        (("remove", "mine", "--yes"), "mine is removed"),
        (IMPORT[1:], "mine is imported: 1.9 MB"),
        (("adapter", "list"), "No adapter is here"),
    ):
        said = world.run("model", *command)
        assert said.code == 0, said.err
        assert wanted in said.out


def test_why_explains_every_model(world):
    """Chosen or not, each model has a sentence; memory and battery can be supposed."""
    world.json(*IMPORT)
    found = world.json("model", "why", "--skill", "soap")
    assert found["skill"] == "soap"
    assert {one["model"] for one in found["reasons"]} == {"mine", "demonstration"}
    assert world.json("model", "why", "--memory", "0.1")["model"] is None
    assert world.json("model", "why", "--takes", "image")["model"] is None
    assert world.json("model", "why", "--battery", "5")["device"]["battery_percent"] == 5
    assert world.json("model", "why", "--model", "mine")["reasons"][0]["code"] == "named"
    assert world.refused("model", "why", "--model", "other") == "model_unknown"


def test_the_demonstration_stays(world):
    """It comes with the program: verified, not removed, and nothing imported takes its name."""
    assert world.json("model", "verify", "demonstration")["whole"]
    assert world.refused("model", "remove", "demonstration", "--yes") == "model_built_in"
    assert world.refused("model", "import", str(PLACE), "--sha256", DIGEST) == "model_name_taken"


def test_damage_is_exit_code_three_and_is_mended(world, models):
    """A changed byte is found by verify, kept from loading, and mended by the same import."""
    world.json(*IMPORT)
    path = models.entry("mine").path
    stood = path.stat()
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"rot")
    os.utime(path, ns=(stood.st_atime_ns, stood.st_mtime_ns))
    assert world.refused("model", "verify", "mine", code=3) == "model_damaged"
    assert world.json("model", "list")["models"][0]["state"] == "check"
    assert "NOT READY" in world.run("model", "list").out
    world.json(*IMPORT)
    assert world.json("model", "verify", "mine")["whole"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("import", str(PLACE), "--name", "mine"), "digest_unconfirmed"),
        (("import", str(PLACE), "--name", "mine", "--sha256", "ab" * 32), "model_digest"),
        (("import", str(PLACE), "--name", "a b", "--sha256", DIGEST), "model_name"),
        (("import", str(BUNDLE)), "model_unknown"),
        (("import", "none", "--name", "x", "--sha256", DIGEST), "source_gone"),
        (("import", str(BUNDLE), "--name", "x", "--sha256", DIGEST), "licence_not_accepted"),
        (("import", "--from", "http://x", "--code", "A" * 16), "host_port"),
        (("import", "--from", "127.0.0.1:1", "--code", "A"), "share_code"),
        (("import", "--from", "127.0.0.1:1", "--code", "A" * 16), "peer_unreachable"),
        (("verify", "none"), "model_unknown"),
        (("share", "none"), "model_unknown"),
        (("bench", "none"), "model_unknown"),
        (("adapter", "import", "none"), "source_gone"),
        (("adapter", "import", str(BUNDLE)), "adapter_unsigned"),
        (("adapter", "remove", "demonstration", "none", "--yes"), "adapter_unknown"),
        (("adapter", "distrust", "x"), "signer_key"),
    ],
)
def test_bad_input_is_one_clear_error(world, arguments, code):
    """Each mistake has its own code, and nothing is imported by it."""
    assert world.refused("model", *arguments) == code
    assert names(world) == ["demonstration"]


@pytest.mark.parametrize(
    "arguments",
    [("import",), ("import", "x", "--from", "y:1"), ("import", "--from", "y:1"), ("import", "x", "--code", "A")],
)
def test_usage_is_usage(world, arguments):
    """A path, or an address with its code: anything else is a wrong usage."""
    assert world.refused("model", *arguments, code=2) == "usage"


def test_a_bundle_that_is_none(world):
    """A file that is cut, or no bundle, is refused by its header, whoever vouches for its digest."""
    import hashlib

    for data in (BUNDLE.read_bytes()[:100_000], b"no bundle at all", BUNDLE.read_bytes()[:-1]):
        Path("bad").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        code = world.refused("model", "import", "bad", "--name", "bad", "--sha256", digest, "--accept-licence")
        assert code in {"bundle_unknown", "bundle_damaged"}
    assert names(world) == ["demonstration"]


def test_terms_are_shown_and_agreed_to_by_a_person(world, monkeypatch):
    """A file that nobody stated terms for: the digest is not asked again, the terms are; no is no."""
    bare = ("model", "import", str(BUNDLE), "--name", "bare", "--sha256", DIGEST)
    asked = answering(monkeypatch, "ny")
    assert world.run(*bare).code == 1
    assert names(world) == ["demonstration"]
    assert world.run(*bare).code == 0
    assert len(asked) == 2
    (model, _) = world.json("model", "list")["models"]
    assert model["accepted"]["by"] is None
    assert model["licence"]["id"] == "unstated"


def test_a_digest_is_confirmed_by_a_person(world, monkeypatch):
    """Without --sha256 the digest is shown, and whoever does not confirm it imports nothing."""
    asked = answering(monkeypatch, "ny")
    said = world.run("model", "import", str(PLACE), "--name", "mine")
    assert (said.code, DIGEST in said.err) == (1, True)
    assert world.run("model", "import", str(PLACE), "--name", "mine").code == 0
    assert len(asked) == 2
    assert "mine" in names(world)


def test_removing_asks(world, monkeypatch):
    """Without --yes somebody has to say so."""
    world.json(*IMPORT)
    said: list[str] = []

    def confirm(words, **_):
        said.append(words)
        raise click.Abort

    monkeypatch.setattr(click, "confirm", confirm)
    assert world.run("model", "remove", "mine").code == 1
    assert said == ["Remove mine?"]
    assert "mine" in names(world)


def test_ctrl_c_keeps_what_came_and_says_how_to_go_on(world, monkeypatch):
    """An interrupted import is listed as coming, and the same command goes on."""

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Draft, "check", stopped)
    assert world.refused(*IMPORT) == "import_stopped"
    assert world.json("model", "list")["coming"] == [{"name": "mine", "bytes": BUNDLE.stat().st_size}]
    assert "came so far" in world.run("model", "list").out
    monkeypatch.undo()
    monkeypatch.setenv("FIELDWARD_MODELS", str(world.folder / "models"))
    monkeypatch.chdir(world.folder)
    assert world.json(*IMPORT)["resumed_bytes"] == BUNDLE.stat().st_size


def test_a_model_that_this_device_will_not_load_is_imported_with_a_warning(world, monkeypatch):
    """Somebody may import it for another device; loading it is refused there where it is too large."""
    from edge_runtime.ai.models.choosing import Device

    monkeypatch.setattr(
        "edge_runtime.ai.models.opening.this_device", lambda: Device(memory_bytes=1000, free_bytes=1000)
    )
    said = world.run(*IMPORT)
    assert "WARNING: This device will not load it" in said.out
    assert world.refused("model", "bench", "mine") == "model_too_large"


def test_a_folder_that_says_nothing_usable_is_listed_as_such(world, models):
    """It hides no other, and says what to do."""
    world.json(*IMPORT)
    (models.place("mine") / "kept.json").write_bytes(b"{}")
    assert world.json("model", "list")["models"][0]["state"] == "unreadable"
    said = world.run("model", "list").out
    assert "UNREADABLE" in said
    assert "demonstration" in said
    assert world.json("model", "remove", "mine", "--yes")["removed"]


def test_known_files_are_listed_for_machines(world):
    """With the file's name, its size and its terms."""
    known = world.json("model", "list", "--known")["known"]
    assert {one["file"] for one in known} == {"gemma-3n-E2B-it-int4.litertlm", "gemma-3n-E4B-it-int4.litertlm"}
    assert all(one["licence"]["must_accept"] for one in known)


def test_a_bar_is_shown_where_a_person_looks(world, monkeypatch):
    """On standard error, and gone at the end; standard output stays what it was."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    said = world.run(*IMPORT)
    assert said.code == 0
    assert said.out.startswith("mine is imported")


def test_a_linked_model_is_named_as_such(world):
    """--link copies nothing, and the list says so."""
    world.json(*IMPORT, "--link")
    assert world.json("model", "list")["models"][0]["linked"]
    assert "linked" in world.run("model", "list").out


def test_every_home_has_the_changes_in_its_audit_trail(world):
    """A home that opens records what was changed since: once, with name, digest and terms, and without any path."""
    world.json("org", "init", "--home", "admin", "--out", "clinic.org")
    world.json(*IMPORT)

    def told():
        found = world.json("audit", "timeline", "--home", "admin")
        return [one["detail"] for one in found["events"] if one["kind"] == "model_changed"]

    assert len(told()) == 1
    world.json("model", "remove", "mine", "--yes")
    assert [one["action"] for one in told()] in (["imported", "removed"], ["removed", "imported"])
    assert len(told()) == 2
    (first, *_) = [one for one in told() if one["action"] == "imported"]
    assert (first["model"], first["digest"], first["licence"], first["accepted"]) == (
        "mine",
        DIGEST,
        "Apache-2.0",
        "no",
    )
    assert "/" not in "".join(first.values())


def test_who_agreed_is_kept_where_a_home_is_named(world):
    """The user of that home, and nobody else's name."""
    made = world.json("org", "init", "--home", "admin", "--out", "clinic.org")
    assert made
    bare = ("model", "import", str(BUNDLE), "--name", "bare", "--sha256", DIGEST, "--accept-licence", "--home", "admin")
    found = world.json(*bare)
    assert len(found["accepted"]["by"]) == 32
    assert found["accepted"]["at_ms"] > 0


def test_an_adapter_from_signing_to_removal(world):
    """An administrator signs; a device of the organisation takes it in, and by the key alone one of no organisation."""
    world.json("org", "init", "--home", "admin", "--out", "clinic.org")
    Path("kids.lora").write_bytes(b"weights" * 100)
    sign = (
        "model",
        "adapter",
        "sign",
        "kids.lora",
        "--base",
        "demonstration",
        "--name",
        "kids",
        "--specialty",
        "paediatrics",
    )
    signed = world.json(*sign, "--out", "kids.adapter", "--home", "admin")
    assert world.refused("model", "adapter", "import", "kids.adapter", "--signer", "ab" * 32) in {
        "signer_key",
        "adapter_signer",
    }
    assert world.json("model", "adapter", "import", "kids.adapter", "--home", "admin")["state"] == "ready"
    found = world.json("model", "adapter", "list")
    (adapter,), (signer,) = found["adapters"], found["signers"]
    assert (adapter["model"], adapter["specialty"], adapter["state"]) == ("demonstration", "paediatrics", "ready")
    assert (signer["key"], signer["role"]) == (signed["signer"], "admin")
    assert "paediatrics" in world.run("model", "adapter", "list").out
    assert not world.json("model", "adapter", "distrust", signed["signer"])["trusted"]
    assert world.json("model", "adapter", "list")["adapters"][0]["state"] == "adapter_signer"
    assert world.run("model", "adapter", "import", "kids.adapter", "--signer", signed["signer"]).code == 0
    assert world.json("model", "adapter", "list")["signers"][0]["organisation"] is None
    assert world.json("model", "adapter", "remove", "demonstration", "kids", "--yes")["removed"]
    assert world.json("model", "adapter", "list")["adapters"] == []


def test_adapters_are_said_to_people_too(world, monkeypatch):
    """Signing names the key that others need; every step says what it did; a removal asks."""
    world.json("org", "init", "--home", "admin", "--out", "clinic.org")
    Path("kids.lora").write_bytes(b"weights")
    sign = ("model", "adapter", "sign", "kids.lora", "--base", "demonstration", "--name", "kids", "--specialty", "x")
    said = world.run(*sign, "--out", "kids.adapter", "--home", "admin")
    assert "--signer" in said.out
    key = said.out.split("--signer ")[1].strip()
    assert "is here for demonstration" in world.run("model", "adapter", "import", "kids.adapter", "--signer", key).out
    assert "1 adapter" in world.run("model", "list").out
    assert "given by hand" in world.run("model", "adapter", "list").out
    asked = answering(monkeypatch, "y")
    assert "is removed" in world.run("model", "adapter", "remove", "demonstration", "kids").out
    assert len(asked) == 1
    assert "trusted no more" in world.run("model", "adapter", "distrust", key).out
    Path("empty.lora").write_bytes(b"")
    assert world.refused("model", "adapter", "import", "empty.lora") == "adapter_malformed"


def test_a_nurse_signs_no_adapter_and_a_stranger_s_is_not_taken(world):
    """Only administrators sign; a member's adapter of another organisation is a stranger's here."""
    world.found()
    world.enrol("nurse", "nurse")
    Path("kids.lora").write_bytes(b"weights")
    sign = ("model", "adapter", "sign", "kids.lora", "--base", "demonstration", "--name", "kids", "--specialty", "x")
    assert world.refused(*sign, "--out", "a.adapter", "--home", "nurse") == "adapter_signer"
    assert not Path("a.adapter").exists()
    world.json("org", "init", "--home", "other", "--out", "other.org")
    world.json(*sign, "--out", "b.adapter", "--home", "other")
    assert world.refused("model", "adapter", "import", "b.adapter", "--home", "nurse") == "adapter_signer"
    assert world.json("model", "adapter", "list") == {"adapters": [], "signers": []}


def test_an_adapter_of_somebody_who_was_revoked_is_refused(world):
    """What a signer signed before counts no more for a device that knows of the revocation."""
    world.found()
    boss = world.enrol("boss", "clinical_admin")
    Path("kids.lora").write_bytes(b"weights")
    sign = ("model", "adapter", "sign", "kids.lora", "--base", "demonstration", "--name", "kids", "--specialty", "x")
    world.json(*sign, "--out", "c.adapter", "--home", "boss")
    world.json("model", "adapter", "import", "c.adapter", "--home", "admin")
    world.json("model", "adapter", "remove", "demonstration", "kids", "--yes")
    world.json("model", "adapter", "distrust", world.json("model", "adapter", "list")["signers"][0]["key"])
    assert world.run("device", "revoke", boss, "--reason", "left", "--home", "admin").code == 0
    assert world.refused("model", "adapter", "import", "c.adapter", "--home", "admin") == "adapter_signer"


@pytest.mark.campaign
def test_a_model_is_shared_and_fetched(world, monkeypatch):
    """One process shares, another fetches by the code; while it is shared it is not removed; a signal ends it well."""
    world.json(*IMPORT)
    command = [sys.executable, "-m", "edge_runtime.cli", "model", "share", "mine", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen([*command, "--ready-file", "ready", "--json"], stdout=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while not Path("ready").exists() and time.monotonic() < deadline:
            process.poll()
        ready = json.loads(Path("ready").read_bytes())
        assert ready["code"] == code_of(ModelFolder(world.folder / "models").entry("mine").data)
        assert world.refused("model", "remove", "mine", "--yes") == "model_in_use"
        monkeypatch.setenv("FIELDWARD_MODELS", str(world.folder / "others"))
        fetch = ("model", "import", "--from", ready["address"], "--code", ready["code"])
        assert world.json(*fetch)["digest"] == DIGEST
        assert world.refused(*fetch[:-1], "AAAA-AAAA-AAAA-AAAA") == "share_code_wrong"
    finally:
        process.send_signal(signal.SIGTERM)
        told = json.loads(process.communicate(timeout=20)[0])
    assert process.returncode == 0
    assert told == ready
    assert not Path("ready").exists()


@pytest.mark.campaign
def test_a_model_s_speed_is_measured(world):
    """The figures that others rely on are there and are figures; the reference is LiteRT-LM's own benchmark."""
    found = world.json("model", "bench", "demonstration", "--runs", "1")
    figures = {
        "load_ms",
        "prefill_tokens_per_s",
        "decode_tokens_per_s",
        "first_token_ms_cold",
        "first_token_ms_warm",
        "peak_memory_bytes",
    }
    assert set(found) == figures | {
        "model",
        "digest",
        "engine",
        "machine",
        "runs",
        "prompt_tokens",
        "answer_tokens",
        "reference",
    }
    assert (found["model"], found["digest"], found["runs"]) == ("demonstration", DIGEST, 1)
    assert all(found[name] > 0 for name in figures)
    assert found["reference"]["program"] == "litert_lm.Benchmark"
    assert found["reference"]["decode_tokens_per_s"] > 0
    said = world.run("model", "bench", "demonstration", "--runs", "1")
    assert "decode, tokens a second" in said.out


def test_the_maker_is_asked_with_what_was_given(world, monkeypatch):
    """build-demo hands over file, seconds and seed; without the extra it says which one brings it."""
    import types

    asked = []

    def build(out, *, seconds, seed, report):
        asked.append((seconds, seed))
        report("training")
        out.write_bytes(b"made")

    monkeypatch.setitem(sys.modules, "edge_runtime.ai.maker.build", types.SimpleNamespace(build=build))
    found = world.json("model", "build-demo", "--out", "made.litertlm", "--seconds", "5", "--seed", "7")
    assert (asked, found["bytes"]) == ([(5.0, 7)], 4)
    assert "manifest.json beside it" in world.run("model", "build-demo", "--out", "made.litertlm").out


def test_the_toy_keeps_its_label_under_another_name(world):
    """Its bare file, imported as somebody's own model, still says what it is."""
    given = ("model", "import", str(BUNDLE), "--name", "good", "--accept-licence", "--sha256", DIGEST)
    assert world.json(*given)["name"] == "good"
    (found,) = (one for one in world.json("model", "list")["models"] if one["name"] == "good")
    assert found["demonstration"] is True
