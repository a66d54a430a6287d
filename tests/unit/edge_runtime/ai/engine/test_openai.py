"""An engine of another program on this machine: the real one behind the OpenAI protocol, and programs that are rude."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from edge_runtime.ai.engine.litert import LitertEngine
from edge_runtime.ai.engine.openai import OpenAiEngine
from edge_runtime.ai.engine.openai_stream import LINE_BYTES_MAX, STREAM_BYTES_MAX, Ended, Piece, Usage, read_stream
from edge_runtime.ai.engine.port import Ending, EngineFacts, Media, Modality, PatternForm, Request, Text
from edge_runtime.ai.errors import BudgetError, EngineError
from edge_runtime.errors import InputError, RefusedError
from tests.contracts.engines import ADAPTERS, BUNDLE, FACTS, THREADS, VISIT, visit
from tests.support.model_hosts import openai_program

THEIRS = EngineFacts(engine="openai", model="demonstration", digest="", context_tokens=1024)
SECRET = "zyxophobia"


@pytest.fixture(scope="module")
def real() -> Iterator[OpenAiEngine]:
    """The engine over HTTP, with the real one behind it."""
    with LitertEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS) as engine, openai_program(engine) as address:
        yield OpenAiEngine(address, THEIRS)


@contextmanager
def rude(answer: Callable[[socket.socket], None]) -> Iterator[OpenAiEngine]:
    """A program that does with each connection what a test wants."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while not done.is_set():
                came, _ = listener.accept()
                with came, suppress(OSError):
                    came.recv(65536)
                    answer(came)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield OpenAiEngine(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", THEIRS)
    finally:
        done.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def saying(body: bytes, status: str = "200 OK") -> Callable[[socket.socket], None]:
    """Answer with a body, and hang up."""
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode()
    return lambda came: came.sendall(head + body)


def event(**value: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def test_answers_as_the_engine_behind_it_does(real: OpenAiEngine):
    """Pieces, form, ending and counts are those of the real engine."""
    real.load()
    real.warm()
    generation = real.generate(visit())
    pieces = list(generation)
    answer = generation.answer()
    assert "".join(pieces) == answer.text
    assert list(json.loads(answer.text)) == ["subjective", "objective", "assessment", "plan"]
    assert answer.ending is Ending.DONE
    assert 0 < answer.timings.prompt_tokens <= real.count_tokens(visit())
    with LitertEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS) as engine:
        assert engine.generate(visit()).answer().text == answer.text


def test_a_cut_answer_is_called_one(real: OpenAiEngine):
    """The other side's "length" is a beginning."""
    assert real.generate(visit(tokens_max=12)).answer().ending is Ending.CUT


def test_cancel_then_new(real: OpenAiEngine):
    """Hanging up at any piece, and asking anew, works again and again."""
    note = real.generate(visit()).answer().text
    for stop_at in range(8):
        generation = real.generate(visit())
        pieces = iter(generation)
        for _ in range(stop_at):
            next(pieces, None)
        generation.cancel()
        generation.cancel()
        assert generation.answer().ending in {Ending.CANCELLED, Ending.DONE}
    assert real.generate(visit()).answer().text == note


def test_refuses_before_anything_is_sent():
    """What is beyond the context, no form of the protocol, or nothing for this model never leaves this process."""
    engine = OpenAiEngine("http://127.0.0.1:9/v1", THEIRS)
    with pytest.raises(BudgetError) as caught:
        engine.generate(visit(f"{VISIT} {SECRET} " * 60))
    assert caught.value.code == "context_exceeded"
    assert SECRET not in str(caught.value)
    for request, code in (
        (visit(form=PatternForm("a|b")), "form_unsupported"),
        (visit(adapter="cardiology"), "adapter_unknown"),
        (Request(parts=(Text("what is this"), Media(Modality.IMAGE, b"\x89PNG"))), "modality_missing"),
    ):
        with pytest.raises(RefusedError) as refused:
            engine.generate(request)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "address",
    [
        *("http://192.0.2.7:1/v1", "https://127.0.0.1/v1", "http://example.org/v1", "http://127.0.0.1.nip.io/v1"),
        *("http://user@127.0.0.1/v1", "http://127.0.0.1/v1?x=1", "http://127.0.0.1/v1#x", "http://127.0.0.1:99999/v1"),
        *("127.0.0.1:11434", "http://[::1/v1", "", "http://0.0.0.0:1/v1", "http://127.0.0.2:1/v1"),
    ],
)
def test_no_address_but_this_machines(address: str):
    """Anything but a loopback address by its digits, or `localhost`, is refused."""
    with pytest.raises(InputError) as caught:
        OpenAiEngine(address, THEIRS)
    assert caught.value.code == "engine_address"


def test_no_name_is_ever_looked_up(real: OpenAiEngine, monkeypatch: pytest.MonkeyPatch):
    """`localhost` means 127.0.0.1, whatever the system's tables say: nothing but digits is handed to the system."""
    asked: list[Any] = []
    look_up = socket.getaddrinfo

    def note(host: Any, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", note)
    port = real._port
    assert OpenAiEngine(f"http://localhost:{port}/v1", THEIRS).generate(visit()).answer().ending is Ending.DONE
    assert set(asked) <= {"127.0.0.1"}
    assert OpenAiEngine("http://[::1]:1/v1", THEIRS)._host == "::1"


def test_nothing_there():
    """A port that nobody listens on is one clear error, at load and at the first answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    engine = OpenAiEngine(f"http://127.0.0.1:{port}/v1", THEIRS)
    for attempt in (engine.load, lambda: engine.generate(visit()).answer()):
        with pytest.raises(EngineError) as caught:
            attempt()
        assert caught.value.code == "engine_unreachable"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "engine_garbled"),
        (event(choices=[{"delta": {"content": "half"}}]), "engine_garbled"),
        (b"data: {no json\n\n", "engine_garbled"),
        (b"data: [1, 2]\n\n", "engine_garbled"),
        (event(choices=[1]), "engine_garbled"),
        (event(choices=5), "engine_garbled"),
        (b"data: " + b"x" * (LINE_BYTES_MAX + 8), "engine_garbled"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "engine_garbled"),
    ],
)
def test_what_is_no_answer_is_an_error(body: bytes, code: str):
    """Nothing, half an answer, no JSON, a line without end: an error with a code, and none of the words."""
    with rude(saying(body)) as engine, pytest.raises(EngineError) as caught:
        engine.generate(visit()).answer()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        ("404 Not Found", b"no such model zyxophobia", "model_unknown"),
        ("500 Oops", b"zyxophobia", "engine_refused"),
        ("400 Bad Request", b"This exceeds the context length: zyxophobia", "context_exceeded"),
        ("302 Found\r\nLocation: http://192.0.2.1/", b"", "engine_refused"),
        ("200", b"", "engine_garbled"),
    ],
)
def test_a_refusal_is_told_without_its_words(status: str, body: bytes, code: str):
    """A program's own words may quote the prompt: only their gist is kept, and no redirection is followed."""
    with rude(saying(body, status)) as engine, pytest.raises((EngineError, BudgetError)) as caught:
        engine.generate(visit()).answer()
    assert caught.value.code == code
    assert SECRET not in str(caught.value)


def test_a_program_that_never_ends_is_hung_up_on():
    """A trickle without an end meets the deadline; the pieces that came were only that."""

    def trickle(came: socket.socket) -> None:
        came.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + event(choices=[{"delta": {"content": "a"}}]))
        while came.recv(65536):  # until the other side hangs up
            pass

    with rude(trickle) as engine:
        generation = engine.generate(visit(deadline_ms=200))
        with pytest.raises(EngineError) as caught:
            generation.answer()
    assert caught.value.code == "engine_timeout"


def test_a_program_that_hears_and_never_answers():
    """A cancel ends the wait at once."""

    def listen(came: socket.socket) -> None:
        while came.recv(65536):
            pass

    with rude(listen) as engine:
        generation = engine.generate(visit())
        generation.cancel()
        assert generation.answer().ending is Ending.CANCELLED


def test_a_model_that_it_does_not_have():
    """A program that lists its models is believed; one whose list cannot be read is not asked again."""
    listed = json.dumps({"data": [{"id": "other"}]}).encode()
    with rude(saying(listed)) as engine, pytest.raises(EngineError) as caught:
        engine.load()
    assert caught.value.code == "model_unknown"
    for body in (b"{}", b"\xff", b"[" * 100_000):
        with rude(saying(body)) as engine:
            engine.load()
    with rude(saying(b"", "404 Not Found")) as engine:
        engine.load()


def test_photos_and_sounds_travel_as_the_protocol_says():
    """A model that takes them is given PNG, JPEG and WAV inside the request, never a file or an address."""
    asked: list[bytes] = []

    def keep(came: socket.socket) -> None:
        asked.append(b"")
        saying(b"")(came)

    theirs = EngineFacts(engine="openai", model="m", digest="", context_tokens=4096, modalities=frozenset(Modality))
    from edge_runtime.ai.engine.openai import _body

    parts = (
        Text("see"),
        Media(Modality.IMAGE, b"\x89PNG1"),
        Media(Modality.IMAGE, b"\xff\xd8"),
        Media(Modality.AUDIO, b"RIFF"),
    )
    content = _body("m", Request(parts=parts))["messages"][0]["content"]
    assert [one["type"] for one in content] == ["text", "image_url", "image_url", "input_audio"]
    assert content[1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert content[2]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    with rude(keep) as engine:
        OpenAiEngine(f"http://127.0.0.1:{engine._port}/v1", theirs).generate(Request(parts=parts)).cancel()


class TestStream:
    """Events, read within bounds."""

    def read(self, data: bytes) -> list[Any]:
        """All events of some bytes."""
        return list(read_stream(io.BytesIO(data)))

    def test_pieces_end_and_usage(self):
        """Comments and names of events are left out; counts that are none count as 0."""
        data = b": comment\nevent: x\n\n" + event(choices=[{"delta": {"content": "a"}}])
        data += event(choices=[{"delta": {"content": None}, "finish_reason": "stop"}])
        data += event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": "x"}) + b"data: [DONE]\n\ndata: {"
        assert self.read(data) == [Piece("a"), Ended(cut=False), Usage(3, 0)]

    def test_a_stream_is_bounded(self):
        """More than any answer holds is refused."""
        line = b"data: " + b" " * (LINE_BYTES_MAX - 10) + b"\n"

        class Endless:
            def readline(self, _limit: int = -1, /) -> bytes:
                return b":" + line[1:]

        with pytest.raises(ValueError, match=r"^$"):
            list(read_stream(Endless()))
        assert STREAM_BYTES_MAX > LINE_BYTES_MAX
