"""Which model answers, and why: over every combination of what a model is and what a device has."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.models.choosing import LOW_BATTERY_PERCENT, Choice, Device, Need, choose
from edge_runtime.ai.models.entry import Entry
from edge_runtime.ai.models.kept import Acceptance, Kept, Stamp
from edge_runtime.ai.models.manifest import Manifest
from tests.unit.edge_runtime.ai.models.made import gemma_of, manifest_of

GB = 1_000_000_000
BASE = manifest_of(b"x")


def entry(manifest: Manifest, *, agreed: bool = True) -> Entry:
    """A model that is here."""
    said = Acceptance(licence=manifest.licence.id, manifest="ab" * 32, at_ms=1) if agreed else None
    kept = Kept(imported_ms=1, linked=False, stamp=Stamp(1, 1), accepted=said)
    return Entry(manifest=manifest, data=b"", folder=Path("nowhere"), kept=kept)


def made(name: str, *, gb: float, parameters: int, **changes: object) -> Entry:
    """A model of a size."""
    return entry(manifest_of(b"x", name=name, memory_bytes_min=round(gb * GB), parameters=parameters, **changes))


E4B = made("e4b", gb=12, parameters=8_000_000_000, modalities=frozenset(Modality), context_tokens=4096)
E2B = made("e2b", gb=8, parameters=5_000_000_000, modalities=frozenset(Modality), context_tokens=4096)
SMALL = made("small", gb=2, parameters=270_000_000)
TOY = made("demonstration", gb=0.3, parameters=900_000, demonstration=True)
ALL = (TOY, SMALL, E2B, E4B)


def memory(gb: float, **more: object) -> Device:
    """A device, all its memory free."""
    return Device(memory_bytes=round(gb * GB), free_bytes=round(gb * GB), **more)  # type: ignore[arg-type] # by name


def codes(choice: Choice) -> dict[str, str]:
    """Why, about each model."""
    return {one.model: one.code for one in choice.reasons}


def test_the_tiers_follow_from_memory():
    """12 GB: E4B; 8 GB: E2B; less: the small one; next to nothing: none, and templates and rules say so."""
    for gb, wanted in ((16, "e4b"), (12, "e4b"), (11.2, "e4b"), (8, "e2b"), (7.4, "e2b"), (6, "small"), (2, "small")):
        choice = choose(ALL, Need(), memory(gb))
        assert choice.entry.name == wanted, gb
        assert choice.reasons[0].chosen
        assert codes(choice)[wanted] == "largest"
    none = choose((E2B, E4B), Need(), memory(4))
    assert none.entry is None
    assert "templates and rules only" in none.words
    assert set(codes(none).values()) == {"memory_small"}


def test_memory_that_others_hold_counts():
    """Half of what a model wants has to be free."""
    device = Device(memory_bytes=16 * GB, free_bytes=5 * GB)
    choice = choose(ALL, Need(), device)
    assert choice.entry is E2B
    assert codes(choice)["e4b"] == "memory_taken"


def test_a_device_that_does_not_say_refuses_nothing():
    """Where nobody knows the memory, no model is refused for it."""
    assert choose(ALL, Need(), Device()).entry is E4B


def test_a_low_battery_prefers_the_small_one():
    """Below the bound and off the charger; on it, or at it, nothing changes; the demonstration is no way to save."""
    low = memory(16, battery_percent=LOW_BATTERY_PERCENT - 1, charging=False)
    choice = choose(ALL, Need(), low)
    assert choice.entry is SMALL
    assert (codes(choice)["small"], codes(choice)["e4b"]) == ("smallest", "battery_low")
    for percent, charging in ((LOW_BATTERY_PERCENT, False), (1, True), (None, False)):
        assert choose(ALL, Need(), memory(16, battery_percent=percent, charging=charging)).entry is E4B


def test_the_demonstration_answers_alone_or_named():
    """Only where no real model fits; and where somebody names it. It says what it is."""
    choice = choose((TOY, E4B), Need(), memory(4))
    assert choice.entry is TOY
    assert "DEMONSTRATION" in choice.words
    assert codes(choose(ALL, Need(), memory(16)))["demonstration"] == "demonstration"
    named = choose(ALL, Need(), memory(16), named="demonstration")
    assert named.entry is TOY
    assert codes(named) == {"demonstration": "named", "small": "not_named", "e2b": "not_named", "e4b": "not_named"}


def test_a_model_that_was_named_is_not_replaced():
    """Where it does not fit, none answers: nobody gets another model than they asked for."""
    choice = choose(ALL, Need(), memory(4), named="e4b")
    assert choice.entry is None
    assert choice.words.startswith("The model that was named does not fit")


def test_the_task_s_needs_are_met():
    """Modalities and context are the model's, or it does not answer."""
    image = Need(modalities=frozenset({Modality.TEXT, Modality.IMAGE}))
    assert codes(choose(ALL, image, memory(16)))["small"] == "modality_missing"
    assert choose((SMALL,), image, memory(16)).entry is None
    assert choose(ALL, Need(tokens=4000), memory(16)).entry is E4B
    assert codes(choose(ALL, Need(tokens=4000), memory(16)))["small"] == "context_short"


def test_no_terms_no_answer():
    """A model whose terms nobody agreed to does not answer, however well it fits."""
    open_terms = entry(gemma_of(b"x", name="gemma"), agreed=False)
    assert codes(choose((open_terms,), Need(), Device()))["gemma"] == "licence_open"


models = st.lists(
    st.builds(
        lambda number, gb, parameters, context, toy, image, agreed: entry(
            (gemma_of if number % 2 else manifest_of)(
                b"x",
                name=f"m{number}",
                memory_bytes_min=gb * GB,
                parameters=parameters,
                context_tokens=context,
                demonstration=toy,
                modalities=frozenset(Modality) if image else frozenset({Modality.TEXT}),
            ),
            agreed=agreed,
        ),
        st.integers(0, 50),
        st.integers(0, 20),
        st.integers(0, 10**10),
        st.sampled_from([512, 2048, 4096]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda one: one.name,
)
devices = st.builds(
    Device,
    memory_bytes=st.none() | st.integers(0, 20 * GB),
    free_bytes=st.none() | st.integers(0, 20 * GB),
    battery_percent=st.none() | st.integers(0, 100),
    charging=st.booleans(),
)
needs = st.builds(
    Need, tokens=st.integers(0, 5000), modalities=st.sampled_from([frozenset({Modality.TEXT}), frozenset(Modality)])
)


@given(models, needs, devices)
def test_whoever_is_chosen_fits_and_everybody_has_a_reason(found, need, device):
    """The chosen one is accepted, large enough for the task and small enough for the device."""
    choice = choose(found, need, device)
    assert {one.model for one in choice.reasons} == {one.name for one in found}
    assert len(choice.reasons) == len(found)
    assert all(one.code and one.words for one in choice.reasons)
    assert [one.model for one in choice.reasons if one.chosen] == ([] if choice.entry is None else [choice.entry.name])
    fits = [name for name, code in codes(choice).items() if code in {"largest", "smallest", "smaller", "battery_low"}]
    if choice.entry is None:
        assert not fits
        return
    manifest = choice.entry.manifest
    assert choice.entry.accepted
    assert need.modalities <= manifest.modalities
    assert need.tokens <= manifest.context_tokens
    assert device.memory_bytes is None or device.memory_bytes >= 0.9 * manifest.memory_bytes_min
    assert not (manifest.demonstration and fits)


@given(models, needs, devices, st.randoms())
def test_the_order_of_models_does_not_matter(found, need, device, chance):
    """The same models give the same answer, in whatever order they are listed."""
    mixed = list(found)
    chance.shuffle(mixed)
    first, second = choose(found, need, device), choose(mixed, need, device)
    assert first == second
