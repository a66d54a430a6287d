"""The server inside of an engine's process, over a session that does what the test says."""

from __future__ import annotations

import io
from typing import Any, cast

from edge_runtime.ai.engine.child_process import Server
from edge_runtime.ai.engine.child_wire import Op, Said, packed_request
from edge_runtime.ai.engine.failures import engine_failed
from edge_runtime.ai.engine.litert_model import Outcome
from edge_runtime.ai.engine.litert_session import LitertSession
from edge_runtime.ai.engine.port import Ending, Request, Text
from edge_runtime.processes.frames import read_frame

REQUEST = Request(parts=(Text("x"),))


class Unprepared:
    """In a session's and its model's place: answers, and then cannot prepare for the next."""

    def admitted(self, _: Request) -> tuple[Unprepared, int]:
        """Itself, and a prompt of three tokens."""
        return self, 3

    def run(self, _request: Request, _tokens: int, push: Any) -> Outcome:
        """One piece."""
        push("piece")
        return Outcome(Ending.DONE, 1)

    def prepare(self) -> None:
        """Fail."""
        raise engine_failed()


def test_an_answer_is_all_that_is_said_of_a_request() -> None:
    """What fails after an answer is the next request's matter: one frame more would be taken for its answer."""
    output = io.BytesIO()
    server = Server(output)
    server._session = cast("LitertSession", Unprepared())
    server.serve([Op.GENERATE, 1, packed_request(REQUEST)])
    output.seek(0)
    frames = []
    while output.tell() < len(output.getvalue()):
        frames.append(read_frame(output))
    assert frames == [[Said.DONE, 3], [Said.PIECE, 1, "piece"], [Said.END, 1, False, 3, 1]]
