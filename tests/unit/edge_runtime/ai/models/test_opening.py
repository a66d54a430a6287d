"""From a name to an engine: chosen, checked, held, and let go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_runtime.ai.engine.port import EngineFacts, Request, Text
from edge_runtime.ai.engine.probes import Battery, GivenProbes, Memory
from edge_runtime.ai.errors import BudgetError, ModelError
from edge_runtime.ai.models import opening
from edge_runtime.ai.models.adapter_registrar import AdapterRegistrar
from edge_runtime.ai.models.choosing import Device as What
from edge_runtime.ai.models.choosing import Need
from edge_runtime.ai.models.folder import ModelFolder
from edge_runtime.ai.models.opening import every_model, open_model, this_device
from edge_runtime.ai.models.pieces import digest
from edge_runtime.errors import RefusedError
from tests.unit.edge_runtime.ai.models.made import OTHER, gemma_of, manifest_of

LARGE = What(memory_bytes=64 * 10**9, free_bytes=64 * 10**9)
ASKED = Request(parts=(Text("x"),))


class Recorder:
    """In an engine's place: writes down what is asked of it."""

    def __init__(self, path, facts, adapters):
        self.path, self.facts, self.adapters = path, facts, adapters
        self.calls = []

    def load(self):
        """Load."""
        self.calls.append("load")

    def warm(self):
        """Warm."""
        self.calls.append("warm")

    def count_tokens(self, _):
        """Count."""
        self.calls.append("count")
        return 1

    def generate(self, _):
        """Generate."""
        self.calls.append("generate")

    def close(self):
        """Close."""
        self.calls.append("close")


@pytest.fixture(autouse=True)
def _nothing_brought(monkeypatch):
    """A package without a model of its own: what is tested is the folder's."""
    monkeypatch.setattr(opening, "demonstration", lambda: None)


def opened(device, name=None, what=LARGE, need=None):
    """Open a model of the device."""
    return open_model(name, need or Need(), folder=device.folder, device=what, build=Recorder)  # type: ignore[arg-type] # in an engine's place


def refused(kind, code, action):
    """An action ends with that error."""
    with pytest.raises(kind) as error:
        action()
    assert error.value.code == code


def test_a_model_is_chosen_and_nothing_is_loaded(device):
    """The facts are the manifest's with the engine's version; the engine is made and not asked for anything."""
    device.take()
    found = opened(device)
    assert found.choice.entry.name == "made"
    assert found.facts.engine.startswith("litert-lm 0.")
    assert (found.facts.model, found.facts.digest) == ("made", manifest_of().sha256)
    assert isinstance(found.facts, EngineFacts)
    assert found.engine._engine.calls == []
    assert found.engine.pid is None


def test_without_a_model_templates_and_rules_answer(device):
    """No model is no error: the choice says so, and there is no engine."""
    found = opened(device)
    assert (found.engine, found.facts) == (None, None)
    assert "templates and rules only" in found.choice.words


@pytest.mark.parametrize("call", ["load", "warm", "count_tokens", "generate"])
def test_a_loaded_model_is_held(device, call):
    """From the first thing asked of it until it is closed nobody removes it."""
    device.take()
    with opened(device).engine as engine:
        method = getattr(engine, call)
        method(ASKED) if call in {"count_tokens", "generate"} else method()
        method(ASKED) if call in {"count_tokens", "generate"} else method()
        refused(RefusedError, "model_in_use", lambda: device.registrar.remove("made"))
    device.registrar.remove("made")
    assert engine._engine.calls[-1] == "close"


def test_the_adapters_of_the_packages_own_model_are_held(device, monkeypatch):
    """It is never removed, but its adapters are: not while it is loaded with them."""
    device.take()
    brought = replace(device.entry(), kept=None)
    monkeypatch.setattr(opening, "demonstration", lambda: brought)
    monkeypatch.setattr(ModelFolder, "entries", lambda _: ())
    (device.folder.shelf("made") / "kids").mkdir(parents=True)
    adapters = AdapterRegistrar(device.folder, device.registrar)
    with opened(device).engine as engine:
        engine.load()
        refused(RefusedError, "model_in_use", lambda: adapters.drop("made", "kids"))
    adapters.drop("made", "kids")


def test_each_load_looks_at_the_file_again(device):
    """A desk that let go of an idle engine loads it later: what happened meanwhile is seen."""
    device.take()
    found = opened(device)
    found.engine.load()
    found.engine.close()
    path = device.entry().path
    path.write_bytes(OTHER)
    refused(ModelError, "model_touched", found.engine.load)
    path.write_bytes(b"short")
    refused(ModelError, "model_damaged", found.engine.load)
    assert found.engine._engine.calls == ["load", "close"]
    device.registrar.remove("made")  # a refused load holds nothing


def test_a_damaged_model_that_is_named_is_not_opened(device):
    """The glance stands before the engine too."""
    device.take()
    device.entry().path.write_bytes(b"short")
    refused(ModelError, "model_damaged", lambda: opened(device, "made"))


def test_the_adapter_that_changes_nothing_is_handed_over(device):
    """A model that takes adapters gets it for requests without one, under the empty name."""
    device.take()
    assert opened(device).engine._engine.adapters == {}
    device.registrar.remove("made")
    (device.stick / "neutral.lora").write_bytes(b"zeros")
    device.take(manifest=manifest_of(neutral=digest(b"zeros")))
    assert opened(device).engine._engine.adapters == {"": device.entry().neutral}


def test_a_name_that_is_none(device):
    """Unknown names, and models whose notes cannot be read, are told apart."""
    device.take()
    refused(ModelError, "model_unknown", lambda: opened(device, "other"))
    (device.folder.place("made") / "kept.json").write_bytes(b"{}")
    refused(ModelError, "model_note_damaged", lambda: opened(device, "made"))
    assert every_model(device.folder) == ()


def test_what_is_too_large_is_refused_where_it_is_named(device):
    """Named: refused with both sizes. Not named: another answers, or none. Loading refuses as well."""
    device.take(manifest=manifest_of(memory_bytes_min=8 * 10**9))
    small = What(memory_bytes=4 * 10**9, free_bytes=4 * 10**9)
    refused(BudgetError, "model_too_large", lambda: opened(device, "made", small))
    assert opened(device, None, small).engine is None
    found = opened(device)
    found.engine._device = small
    refused(BudgetError, "model_too_large", found.engine.load)


def test_what_does_not_fit_the_task_is_refused_where_it_is_named(device):
    """The reason's code is the error's."""
    device.take()
    refused(RefusedError, "context_short", lambda: opened(device, "made", need=Need(tokens=10**6)))
    device.registrar.remove("made")
    device.take(manifest=gemma_of())
    kept = device.folder.place("made") / "kept.json"
    text = kept.read_text()
    said = text[text.index('"accepted": ') :]
    kept.write_text(text.replace(said, '"accepted": null\n}\n'))
    refused(RefusedError, "licence_open", lambda: opened(device, "made"))


def test_a_model_for_a_later_engine_is_not_opened(device, monkeypatch):
    """The engine may have been put back since the import."""
    device.take()
    monkeypatch.setattr("edge_runtime.ai.models.inspecting.engine_version", lambda: "0.17")
    refused(ModelError, "bundle_version", lambda: opened(device))


def test_without_an_engine_a_model_is_no_use(device, monkeypatch):
    """One clear line, that says what works without it."""
    device.take()
    for module in ("inspecting", "opening"):
        monkeypatch.setattr(f"edge_runtime.ai.models.{module}.engine_version", lambda: None)
    refused(ModelError, "engine_missing", lambda: opened(device))


def test_the_device_is_asked_by_its_probes():
    """Memory and battery as they say; what nobody knows stays open."""
    found = this_device(GivenProbes(Memory(1, 2), Battery(14, charging=False)))
    assert found == What(memory_bytes=2, free_bytes=1, battery_percent=14, charging=False)
    assert found.is_low
    assert this_device(GivenProbes()) == What()

    class Missing:
        def memory(self):
            """No psutil here."""
            raise RefusedError("extra_missing", expected="a", got="b", do="c")

        battery = memory

    assert this_device(Missing()) == What()
    assert (this_device().memory_bytes or 0) > 10**8
