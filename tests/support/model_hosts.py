"""Hosts and programs that run the real engine for others: behind the host's port, and behind the OpenAI protocol."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from edge_runtime.ai.engine.host import HostEnd, HostFailure, HostPiece, Told
from edge_runtime.ai.engine.port import Ending, Engine, EngineFacts, JsonForm, Request, Text
from edge_runtime.errors import EdgeError


class EngineHost:
    """An `InferenceHost` whose model is an engine of this process: what a host app is, without the app."""

    patterns = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.facts: EngineFacts = engine.facts

    def load(self) -> None:
        """See InferenceHost."""
        self._engine.load()

    def count_tokens(self, request: Request) -> int:
        """See InferenceHost."""
        return self._engine.count_tokens(request)

    def generate(self, request: Request, told: Told) -> Callable[[], None]:
        """See InferenceHost."""
        generation = self._engine.generate(request)

        def tell() -> None:
            try:
                for piece in generation:
                    told(HostPiece(piece))
                answer = generation.answer()
            except EdgeError as error:
                told(HostFailure(error.code))
                return
            spent = answer.timings
            told(HostEnd(answer.ending, prompt_tokens=spent.prompt_tokens, answer_tokens=spent.answer_tokens))

        threading.Thread(target=tell, daemon=True).start()
        return generation.cancel

    def unload(self) -> None:
        """See InferenceHost."""
        self._engine.close()


@contextmanager
def openai_program(engine: Engine) -> Iterator[str]:
    """A program on this machine that speaks the OpenAI chat protocol; gives its address."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            """The models."""
            body = json.dumps({"data": [{"id": engine.facts.model}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            """An answer, streamed."""
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with turn, suppress(BrokenPipeError, ConnectionResetError):
                self._answer(asked)

        def _answer(self, asked: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            generation = engine.generate(_request(asked))
            try:
                for piece in generation:
                    self._event({"choices": [{"delta": {"content": piece}}]})
                answer = generation.answer()
            except (BrokenPipeError, ConnectionResetError):
                generation.cancel()
                raise
            reason = "length" if answer.ending is Ending.CUT else "stop"
            self._event({"choices": [{"delta": {}, "finish_reason": reason}]})
            spent = answer.timings
            usage = {"prompt_tokens": spent.prompt_tokens, "completion_tokens": spent.answer_tokens}
            self._event({"choices": [], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")

        def _event(self, value: dict[str, Any]) -> None:
            self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _request(asked: dict[str, Any]) -> Request:
    form = asked.get("response_format")
    return Request(
        parts=(Text(asked["messages"][0]["content"]),),
        form=None if form is None else JsonForm(form["json_schema"]["schema"]),
        tokens_max=asked["max_tokens"],
        seed=asked["seed"],
        temperature=asked["temperature"],
    )
