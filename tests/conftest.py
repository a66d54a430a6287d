"""What every test shares: Hypothesis profiles, a private run-time folder, and `require`.

Owns no fixture of any room; a room's fixtures live beside its tests.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable

SOAK = os.environ.get("FIELDWARD_SOAK") == "1"
REQUIRE_ALL = os.environ.get("FIELDWARD_REQUIRE_ALL") == "1"

# The same examples on every run, so that a red test is red for everyone. No deadline: two cores are shared.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("default", settings.get_profile("ci"))
# New examples on every run; a failure prints the blob that replays it. Explaining costs minutes at this size.
settings.register_profile(
    "soak",
    derandomize=False,
    deadline=None,
    max_examples=20_000,
    print_blob=True,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


if not os.environ.get("XDG_RUNTIME_DIR"):
    # An embedded PostgreSQL reads it when it is imported and puts locks and sockets there: short, and mode 0700.
    # Workers inherit it; the process that made it removes it, after everything that registered later.
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="fieldward-")
    atexit.register(shutil.rmtree, os.environ["XDG_RUNTIME_DIR"], ignore_errors=True)


# Models are the device's, and every home that opens reads what was changed about them: not those of who runs the tests.
if not os.environ.get("FIELDWARD_MODELS"):
    os.environ["FIELDWARD_MODELS"] = tempfile.mkdtemp(prefix="fieldward-models-")
    atexit.register(shutil.rmtree, os.environ["FIELDWARD_MODELS"], ignore_errors=True)


def require(available: object, name: str, reason: str) -> None:
    """Go on only if something outside the project is there; otherwise skip, naming it.

    Under FIELDWARD_REQUIRE_ALL=1, as in CI, nothing may be skipped for want of a tool, so the test fails instead.

    Args:
        available: Anything truthy where the thing is there, such as `shutil.which("node")`.
        name: What is missing, as a person would look for it.
        reason: What the test needs it for, and how to get it.
    """
    if available:
        return
    if REQUIRE_ALL:
        pytest.fail(f"{name} is missing, and FIELDWARD_REQUIRE_ALL=1 allows no skip: {reason}", pytrace=False)
    pytest.skip(f"{name} is missing: {reason}", allow_module_level=True)


@pytest.fixture(name="require", scope="session")
def require_fixture() -> Callable[[object, str, str], None]:
    """`require`, for tests and fixtures that would rather be handed it than import it."""
    return require


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave soak tests out unless FIELDWARD_SOAK=1."""
    if SOAK:
        return
    left_out = [item for item in items if item.get_closest_marker("soak")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
