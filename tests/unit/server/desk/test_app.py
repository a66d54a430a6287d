"""Over HTTP the desk tells who it is, takes control records, and answers or explains."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from server.desk.app import ORGANISATION_FILE, application, found_desk, open_desk
from server.desk.errors import StartError
from server.desk.keys import KEY_FILE
from sync_protocol.break_glass import open_answer
from sync_protocol.control import Certify
from sync_protocol.glass_news import GlassFrontier
from sync_protocol.ids import RootHash
from sync_protocol.limits import RECORD_BYTES_MAX
from sync_protocol.organisation_file import make_organisation_file
from sync_protocol.records import unpack
from sync_protocol.roles import Role
from tests.support.glass import DESK, DESK_SIGNER, glass_record
from tests.unit.server.desk.test_organisation_book import Office


class Web:
    """Requests to an application, without a network."""

    def __init__(self, app):
        self.app = app

    async def _ask(self, method, path, content):
        async with (
            self.app.router.lifespan_context(self.app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://desk"
            ) as client,
        ):
            return await client.request(method, path, content=content)

    def __call__(self, method, path, content=None):
        """The answer."""
        return asyncio.run(self._ask(method, path, content))


class Asking:
    """The same for a desk, whose application ends after each request and is made again for the next."""

    def __init__(self, desk):
        self.desk = desk

    def __call__(self, *request):
        """The answer."""
        return Web(application(self.desk))(*request)


@pytest.fixture
def web(hands):
    """Ask the desk, whose files stay open meanwhile."""
    hands.book.close = hands.journal.close = lambda: None
    return Asking(hands.desk)


def test_it_tells_its_public_keys(web, scene):
    """What the root signs: both keys, and their fingerprint."""
    told = web("GET", "/v1/desk").json()
    assert told["desk"] == DESK.public.hex()
    assert told["signer"] == DESK_SIGNER.public.hex()
    assert told["organisation"] == scene.world.root.value.organisation.hex()
    assert len(told["fingerprint"].split()) == 16


def test_it_takes_control_records_and_tells_how_far_it_has_them(web, scene):
    """Anybody may bring them, and see from where on they are lacking."""
    office = Office(scene.world)
    nurse = scene.world.device(Role.NURSE)
    answer = web("POST", "/v1/desk/control", office.news(Certify(certificate=nurse.certificate.wire)))
    assert answer.json() == {"new": 1}
    frontier = unpack(GlassFrontier, web("GET", "/v1/desk/control").content)
    assert frontier.sessions == {office.session.id: 1}


def test_it_answers_a_request(web, scene):
    """And counts it."""
    request = scene.request()
    answer = web("POST", "/v1/desk/open", request.wire)
    assert answer.status_code == 200
    record = glass_record(scene.world)
    assert open_answer(answer.content, request.hash, glass=record, device=scene.responder.wrap_key)
    told = web("GET", "/v1/health").json()
    assert (told["status"], told["journal_lines"]) == ("ok", 1)


@pytest.mark.parametrize(
    ("status", "code", "make"),
    [
        (403, "forged", lambda scene: scene.request(path=()).wire),
        (400, "malformed", lambda _: b"\x00"),
        (413, "limit", lambda _: bytes(RECORD_BYTES_MAX + 1)),
    ],
)
def test_a_refusal_says_why(web, scene, status, code, make):
    """In the form that every answer of the project has."""
    answer = web("POST", "/v1/desk/open", make(scene))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_too_many_requests_are_told_to_wait(web, hands):
    """With the time after which to try again."""
    for _ in range(60):
        hands.desk.rates.asked("127.0.0.1")
    answer = web("POST", "/v1/desk/open", b"")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_what_is_not_there_and_what_is_a_bug_are_answered_too(web, hands, monkeypatch):
    """Nobody is shown a traceback."""
    assert web("GET", "/v1/none").json()["error"]["code"] == "no_such_address"

    def broken(_):
        raise ZeroDivisionError

    monkeypatch.setattr(hands.desk, "answer", broken)
    answer = web("POST", "/v1/desk/open", b"")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")


def test_a_sender_that_dawdles_is_cut_off(hands, monkeypatch):
    """It holds the desk for so long and no longer."""
    monkeypatch.setattr("server.serving.answers.BODY_TIMEOUT_S", 0.01)
    said = []

    async def silence():
        await asyncio.Event().wait()

    async def send(message):
        said.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/desk/open", "headers": [], "query_string": b""}
    asyncio.run(application(hands.desk)(scope, silence, send))
    assert said[0]["status"] == 408


def test_a_desk_is_founded_once_and_opened(tmp_path, scene):
    """For the organisation whose root was named."""
    file = make_organisation_file(scene.world.root, scene.world.admin.certificate)
    with pytest.raises(StartError):
        found_desk(tmp_path, file, root=RootHash(bytes(32)))
    with pytest.raises(StartError):
        found_desk(tmp_path, b"none", root=None)
    assert not (tmp_path / KEY_FILE).exists()
    keys = found_desk(tmp_path, file, root=RootHash(scene.world.root.hash))
    opened = open_desk(tmp_path)
    assert Web(opened.app)("GET", "/v1/desk").json()["fingerprint"] == keys.fingerprint
    (tmp_path / ORGANISATION_FILE).unlink()
    with pytest.raises(StartError):
        open_desk(tmp_path)
    assert json.dumps(keys.fingerprint)
