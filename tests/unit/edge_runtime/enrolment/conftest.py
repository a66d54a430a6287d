"""Fixtures of enrolment."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _cheap_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes for little: what one costs is tested where it is made."""
    monkeypatch.setattr("sync_protocol.invitations.CODE_MEMORY_KIB", 8)
