"""Drafting over the bridge: by the runtime's own model, or by one that a host runs. One end, whatever happens.

The model is the demonstration, in the real engine.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import Any

import pytest

from edge_runtime.runtime import open_home
from mobile_bridge.dispatcher import Bridge
from mobile_bridge.errors import ErrorCode
from mobile_bridge.frames import Kind
from tests.unit.mobile_bridge.conftest import World
from tests.unit.mobile_bridge.homes import PASSPHRASE
from tests.unit.mobile_bridge.hosts import Host, InProcessWire, OverError, Refused
from tests.unit.mobile_bridge.test_audit import acts

VISIT = "34 year old man with chest pain for 2 days. Temperature 37.2, heart rate 110, oxygen 95 percent."
NOTE = {
    "subjective": "A man with chest pain for 2 days.",
    "objective": "Heart rate 110.",
    "assessment": "Angina.",
    "plan": "Aspirin 300 mg.",
}
OFFER = {"model": "phone-model", "context_tokens": 4096, "modalities": ["text"]}


def drafted(host: Host, **body: Any) -> tuple[str, dict[str, Any]]:
    """All pieces of a draft, and its end."""
    request = host.request("ai.run", {"skill": "soap", **body}, seq=4)
    return ended(host, request)


def ended(host: Host, request: int) -> tuple[str, dict[str, Any]]:
    """The pieces of a run that was begun, and its end."""
    said = ""
    while (frame := host.next(request)).kind is Kind.ITEM:
        assert frame.seq is not None
        host.credit(request, frame.seq + 5)
        said += str((frame.body or {})["text"])
    if frame.kind is Kind.ERR:
        raise Refused(dict(frame.body or {}))
    return said, dict(frame.body or {})


def test_a_host_learns_what_can_be_drafted(tablet: Host):
    """The skills with their versions, the model that would answer, and that it is a demonstration."""
    found = tablet.call("ai.skills")
    assert {"soap", "codes", "translate", "protocol"} <= {one["name"] for one in found["skills"]}
    assert (found["model"], found["demonstration"]) == ("demonstration", True)
    assert found["why"]


def test_a_draft_streams_and_ends_with_its_checks(tablet: Host):
    """Pieces come as they are made and add up to the answer; the end is the draft as JSON, with citations."""
    said, end = drafted(tablet, text=VISIT)
    assert json.loads(said).keys() == NOTE.keys()
    draft = end["draft"]
    assert draft["draft"].keys() == NOTE.keys()
    assert draft["model"] == "demonstration"
    assert draft["citations"]
    assert "kept" not in end


def test_rules_alone_need_no_model(tablet: Host):
    """Without a model nothing streams, and the end says that none was used."""
    said, end = drafted(tablet, text=VISIT, without_model=True)
    assert said == ""
    assert "model" not in end["draft"] or end["draft"]["model"] is None


def test_a_draft_is_kept_and_on_record(world: World):
    """Kept beside the document it is made from: the reading, and that a model drafted, are in the audit trail."""
    with Bridge(world.homes) as bridge:
        host = Host(InProcessWire(bridge))
        host.open("tablet")
        place = {"chart": world.chart, "document": world.encounter}
        _, end = drafted(host, skill="quality", **place, keep=True)  # rules state something, whatever a toy says
        assert end["kept"]
        with pytest.raises(Refused) as refused:
            drafted(host, text=VISIT, keep=True)
        assert refused.value.code is ErrorCode.INVALID_REQUEST
    kinds = [record.kind.name for record in acts(world)]
    assert kinds.count("draft_generated") == 1
    assert "data_accessed" in kinds
    with open_home(world.homes / "tablet", PASSPHRASE) as runtime:
        opened = runtime.charts.open(runtime.charts.find(world.chart))
        (found,) = runtime.drafts.listed(opened)
        assert str(found.id) == end["kept"]


@pytest.mark.parametrize(
    "wrong", [{}, {"chart": "0" * 32}, {"text": ""}, {"text": VISIT, "options": [{"name": "x", "value": "y"}]}]
)
def test_what_cannot_be_drafted_from_is_refused(tablet: Host, wrong: dict[str, Any]):
    """No source, half a place, an empty text, an unknown option: one clear error, and nothing began."""
    with pytest.raises(Refused) as refused:
        drafted(tablet, **wrong)
    assert refused.value.code in {ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_CHANGE}


@pytest.mark.parametrize("items", [0, 1, 2])
def test_a_cancel_at_any_item_ends_the_stream(tablet: Host, items: int):
    """After a cancel one error comes and nothing more; the next draft is made as if nothing had been."""
    request = tablet.request("ai.run", {"skill": "soap", "text": VISIT}, seq=items)
    frames = [tablet.next(request) for _ in range(min(items, 1))]  # a quick model may say all of it in one
    tablet.cancel(request)
    while not frames or frames[-1].kind is Kind.ITEM:
        frames.append(tablet.next(request))
    assert len(frames) <= items + 1
    assert frames[-1].kind is Kind.END or (frames[-1].body or {})["code"] == "cancelled"
    assert drafted(tablet, text=VISIT)[1]["draft"]["draft"]


def test_a_lock_stops_the_model_and_keeps_nothing(world: World):
    """A home that is locked in the middle ends its drafts with LOCKED."""
    with Bridge(world.homes) as bridge:
        host = Host(InProcessWire(bridge))
        host.open("tablet")
        request = host.request("ai.run", {"skill": "soap", "text": VISIT}, seq=0)
        host.call("session.lock")
        with pytest.raises(Refused) as refused:
            ended(host, request)
        assert refused.value.code is ErrorCode.LOCKED
        with pytest.raises(Refused) as refused:
            host.call("ai.skills")
        assert refused.value.code is ErrorCode.LOCKED


class Phone(threading.Thread):
    """A host that runs a model: what it says to each call is the test's."""

    def __init__(self, bridge: Bridge, say: Any) -> None:
        super().__init__(daemon=True)
        self.host = Host(InProcessWire(bridge))
        self.host.open("tablet")
        self.offer = self.host.request("inference.offer", OFFER, seq=64)
        self.say = say
        self.calls: list[str] = []
        self.refused: list[ErrorCode] = []
        self.start()

    def run(self) -> None:
        """Answer until the offer or the connection ends."""
        with suppress(OverError):
            self.serve()

    def serve(self) -> None:
        """Answer call after call."""
        while (frame := self.host.next(self.offer)).kind is Kind.ITEM:
            item = dict(frame.body or {})
            self.calls.append(str(item["op"]))
            for body in self.say(item):
                try:
                    self.host.call("inference.answer", call=item["call"], **body)
                except Refused as refused:
                    self.refused.append(refused.code)


def honest(item: dict[str, Any]) -> list[dict[str, Any]]:
    """A host that answers each call as the contract says."""
    match item["op"]:
        case "count":
            return [{"tokens": 40}]
        case "generate":
            text = json.dumps(NOTE)
            return [
                {"text": text[:30]},
                {"text": text[30:]},
                {"ending": "done", "prompt_tokens": 40, "answer_tokens": 50},
            ]
        case "load":
            return [{}]
        case _:
            return []


def test_a_host_runs_the_model(world: World):
    """While its offer stands, drafts of that home come from it, and are checked as any."""
    with Bridge(world.homes) as bridge:
        phone = Phone(bridge, honest)
        nurse = Host(InProcessWire(bridge))
        nurse.open("tablet")
        assert nurse.call("ai.skills")["model"] == "phone-model"
        said, end = drafted(nurse, text=VISIT)
        assert json.loads(said) == NOTE
        assert end["draft"]["engine"] == "host"
        assert any("aspirin" in one["text"].lower() for one in end["draft"]["unsupported"])
        phone.host.cancel(phone.offer)
        phone.join(10)
        assert "generate" in phone.calls
        assert nurse.call("ai.skills")["model"] == "demonstration"


@pytest.mark.parametrize(
    ("name", "say"),
    [
        ("a failure", lambda item: [{"failure": "crashed"}] if item["op"] == "generate" else honest(item)),
        ("no count", lambda item: [{}] if item["op"] == "count" else honest(item)),
        (
            "a flood",
            lambda item: [{"text": "x" * 60_000} for _ in range(6)] if item["op"] == "generate" else honest(item),
        ),
    ],
)
def test_a_host_that_fails_costs_the_draft_alone(world: World, name: str, say: Any):
    """A model that fails, counts nothing or never stops is ENGINE, for that draft; the bridge goes on."""
    with Bridge(world.homes) as bridge:
        phone = Phone(bridge, say)
        with pytest.raises(Refused) as refused:
            drafted(phone_user(bridge), text=VISIT)
        assert refused.value.code is ErrorCode.ENGINE, name
        assert drafted(phone_user(bridge), text=VISIT, without_model=True)[1]["draft"]
        phone.host.wire.close()


def phone_user(bridge: Bridge) -> Host:
    """Another host of the same home."""
    host = Host(InProcessWire(bridge))
    host.open("tablet")
    return host


def test_a_host_that_goes_in_the_middle_is_heard_of(world: World):
    """A connection that ends while a model runs fails that draft; the next one is the runtime's own."""
    with Bridge(world.homes) as bridge:
        begun = threading.Event()

        def stall(item: dict[str, Any]) -> list[dict[str, Any]]:
            if item["op"] != "generate":
                return honest(item)
            begun.set()
            return [{"text": "{"}]

        phone = Phone(bridge, stall)
        nurse = phone_user(bridge)
        request = nurse.request("ai.run", {"skill": "soap", "text": VISIT}, seq=4)
        assert begun.wait(10)
        phone.host.wire.close()
        with pytest.raises(Refused) as refused:
            ended(nurse, request)
        assert refused.value.code is ErrorCode.ENGINE
        assert drafted(nurse, text=VISIT)[1]["draft"]["model"] == "demonstration"


def test_a_cancel_reaches_the_host_and_late_answers_are_refused(world: World):
    """The host is told once; what it still says of that call is refused, and reaches no other draft."""
    with Bridge(world.homes) as bridge:
        begun = threading.Event()
        held: list[int] = []

        def hold(item: dict[str, Any]) -> list[dict[str, Any]]:
            if item["op"] == "generate" and not held:
                held.append(item["call"])
                begun.set()
                return []
            return honest(item)

        phone = Phone(bridge, hold)
        nurse = phone_user(bridge)
        request = nurse.request("ai.run", {"skill": "soap", "text": VISIT}, seq=4)
        assert begun.wait(10)
        nurse.cancel(request)
        with pytest.raises(Refused):
            ended(nurse, request)
        assert json.loads(drafted(nurse, text=VISIT)[0]) == NOTE
        assert "cancel" in phone.calls
        other = phone_user(bridge)
        for host in (other, nurse):
            with pytest.raises(Refused) as refused:
                host.call("inference.answer", call=held[0], text="late")
            assert refused.value.code is ErrorCode.NOT_FOUND
        phone.host.cancel(phone.offer)


def test_one_host_runs_the_model_of_a_home(world: World):
    """A second offer is a conflict, and none is possible before a home is open: prompts hold what patients said."""
    with Bridge(world.homes) as bridge:
        phone = Phone(bridge, honest)
        other = phone_user(bridge)
        with pytest.raises(Refused) as refused:
            other.answer(other.request("inference.offer", OFFER, seq=4))
        assert refused.value.code is ErrorCode.CONFLICT
        stranger = Host(InProcessWire(bridge))
        with pytest.raises(Refused) as refused:
            stranger.answer(stranger.request("inference.offer", OFFER, seq=4))
        assert refused.value.code is ErrorCode.LOCKED
        other.call("session.lock")  # the phone's own frames are for its thread
        phone.join(10)
        assert not phone.is_alive()
