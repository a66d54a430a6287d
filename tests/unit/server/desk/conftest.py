"""A desk in a folder, for the organisation of a scene."""

from __future__ import annotations

import pytest

from server.desk.desk import Desk
from server.desk.journal import JOURNAL, Journal
from server.desk.keys import DeskKeys
from server.desk.organisation_book import ORGANISATION_RECORDS, OrganisationBook
from server.desk.rates import Rates
from sync_protocol.certificates import Trust
from tests.support.glass import DESK, DESK_SIGNER, Scene
from tests.support.people import START_MS


class Hands:
    """A desk with a clock that a test sets."""

    def __init__(self, home, scene):
        self.scene = scene
        self.now_ms = START_MS + 10_000
        trust = Trust(scene.world.root)
        trust.restore(scene.world.admin.certificate)
        self.book = OrganisationBook(home / ORGANISATION_RECORDS, trust)
        self.journal = Journal(home / JOURNAL)
        keys = DeskKeys(DESK, DESK_SIGNER)
        self.desk = Desk(keys, self.book, self.journal, rates=Rates(), now_ms=lambda: self.now_ms)

    def close(self):
        """Let go of the files."""
        self.book.close()
        self.journal.close()


@pytest.fixture
def scene():
    """An organisation with a responder."""
    return Scene()


@pytest.fixture
def hands(tmp_path, scene):
    """A desk at work."""
    made = Hands(tmp_path, scene)
    yield made
    made.close()
