"""What a device says of its memory and battery, and what a host says in its place."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from edge_runtime.ai.engine import probes
from edge_runtime.ai.engine.probes import Battery, GivenProbes, Memory, SystemProbes
from edge_runtime.errors import RefusedError

psutil = pytest.importorskip("psutil")


def test_the_systems_memory() -> None:
    """Some of the memory is available, and not more than all of it."""
    found = SystemProbes().memory()
    assert found is not None
    assert 0 < found.available <= found.total


@pytest.mark.parametrize(
    ("said", "battery"),
    [
        (None, None),
        (SimpleNamespace(percent=41.6, power_plugged=True), Battery(42, charging=True)),
        (SimpleNamespace(percent=3.0, power_plugged=None), Battery(3, charging=False)),
    ],
)
def test_the_systems_battery(monkeypatch: pytest.MonkeyPatch, said: object, battery: Battery | None) -> None:
    """A battery is a percentage and whether it is charged; what is not known is not being charged."""
    monkeypatch.setattr(psutil, "sensors_battery", lambda: said, raising=False)
    assert SystemProbes().battery() == battery


def test_a_system_that_knows_no_batteries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the question does not exist there is no battery."""
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    assert SystemProbes().battery() is None


def test_a_hosts_values() -> None:
    """A host app's values are taken as they are; it may know nothing."""
    given = GivenProbes(Memory(1, 2), Battery(50, charging=False))
    assert (given.memory(), given.battery()) == ((1, 2), (50, False))
    assert (GivenProbes().memory(), GivenProbes().battery()) == (None, None)


@pytest.mark.parametrize("ask", [probes.memory, probes.battery])
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, ask: object) -> None:
    """Without psutil it is said which extra brings it."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(RefusedError) as caught:
        ask()  # type: ignore[operator] # one of the two
    assert caught.value.code == "extra_missing"
