"""An engine of another program on this machine, by the OpenAI chat protocol: Ollama, llama.cpp, LM Studio, vLLM.

Owns the requests to it, and that they go to this machine only: the address must be a loopback one by its digits, no
name is ever looked up, no redirection is followed and no proxy is used. What that program does with what it is told is
its own: docs/ai.md says what to check. What comes back is a stranger's until it was read: lengths are bounded, and a
form that the other side did not keep is found by whoever reads the answer.
"""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any, Final, Self
from urllib.parse import urlsplit

from edge_runtime.ai.engine.admission import check_budget, check_request, media_tokens
from edge_runtime.ai.engine.openai_generation import ERROR_BYTES_MAX, STATUS_OK, Call, unreachable
from edge_runtime.ai.engine.port import EngineFacts, JsonForm, Media, Modality, PatternForm, Request, Text
from edge_runtime.ai.engine.stream import Clock, Stream, steady_ms
from edge_runtime.ai.errors import EngineError
from edge_runtime.errors import InputError, RefusedError

BYTES_PER_TOKEN: Final = 3
"""Of UTF-8, for the estimate of a prompt's tokens: English takes four and more, so it errs on the safe side."""
TEMPLATE_TOKENS: Final = 32
"""Around a prompt, estimated."""
CONNECT_S: Final = 5.0
_LOOPBACK: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1", "::1": "::1"}


class OpenAiEngine:
    """The model of a program that listens on a loopback port."""

    def __init__(self, address: str, facts: EngineFacts, *, clock: Clock = steady_ms) -> None:
        """Address a program; nothing is sent yet.

        Args:
            address: such as http://127.0.0.1:11434/v1; the host by its digits, or `localhost`, which means 127.0.0.1.
            facts: what the model is: the other program does not say.
            clock: milliseconds on a clock that nobody sets.

        Raises:
            InputError: no such address, or one that is not of this machine.
        """
        self._host, self._port, self._path = _parsed(address)
        self._facts = facts
        self._clock = clock

    @property
    def facts(self) -> EngineFacts:
        """What was said of it."""
        return self._facts

    def load(self) -> None:
        """Ask whether it answers, and knows the model; the other program loads it when it wants.

        Raises:
            EngineError: nothing answers there (`engine_unreachable`), or it has no such model (`model_unknown`).
        """
        connection = self._connect()
        try:
            connection.request("GET", f"{self._path}/models")
            response = connection.getresponse()
            data = response.read(ERROR_BYTES_MAX + 1)
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(type(error).__name__) from None
        finally:
            connection.close()
        names = _names(data) if response.status == STATUS_OK else None
        if names is not None and self._facts.model not in names:
            raise EngineError(
                "model_unknown",
                expected=f"a program that has the model {self._facts.model}",
                got=f"one that lists {len(names)} others",
                do="load it there first, or name one that it lists",
            )

    def warm(self) -> None:
        """See that it answers."""
        self.load()

    def count_tokens(self, request: Request) -> int:
        """An estimate that errs on the high side: the protocol has no way to ask."""
        size = sum(len(part.text.encode()) for part in request.parts if isinstance(part, Text))
        return -(-size // BYTES_PER_TOKEN) + media_tokens(request) + TEMPLATE_TOKENS

    def generate(self, request: Request) -> Stream:
        """Begin an answer; as `Engine.generate`. The form is asked for, and kept by the other side or not."""
        check_request(request, self._facts)
        if isinstance(request.form, PatternForm):
            raise RefusedError(
                "form_unsupported",
                expected="a JSON form",
                got="a pattern, which the OpenAI protocol has no word for",
                do="use the engine of this program",
            )
        check_budget(self.count_tokens(request), request, self._facts.context_tokens)
        body = json.dumps(_body(self._facts.model, request)).encode()
        path = f"{self._path}/chat/completions"
        return Call(self._connect(), path, body, clock=self._clock, deadline_ms=request.deadline_ms).start()

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_S)


def _body(model: str, request: Request) -> dict[str, Any]:
    content: list[dict[str, Any]] = [_part(part) for part in request.parts]
    only_text = all(isinstance(part, Text) for part in request.parts)
    message = "".join(part.text for part in request.parts if isinstance(part, Text)) if only_text else content
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": message}],
        "max_tokens": request.tokens_max,
        "temperature": request.temperature,
        "seed": request.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if isinstance(request.form, JsonForm):
        schema = {"name": "answer", "strict": True, "schema": dict(request.form.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _part(part: Text | Media) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    data = base64.b64encode(part.data).decode()
    if part.modality is Modality.AUDIO:
        return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    media_type = "png" if part.data.startswith(b"\x89PNG") else "jpeg"
    return {"type": "image_url", "image_url": {"url": f"data:image/{media_type};base64,{data}"}}


def _parsed(address: str) -> tuple[str, int, str]:
    """Host by its digits, port and path without a slash at the end."""
    try:
        parts = urlsplit(address)
        host, port = _LOOPBACK.get(parts.hostname or ""), parts.port or 80
    except ValueError:
        raise _address() from None
    if parts.scheme != "http" or host is None or parts.username or parts.query or parts.fragment:
        raise _address()
    return host, port, parts.path.rstrip("/")


def _address() -> InputError:
    return InputError(
        "engine_address",
        expected="an address of this machine such as http://127.0.0.1:11434/v1",
        got="another",
        do="name 127.0.0.1, [::1] or localhost: what is drafted from never leaves the device",
    )


def _names(data: bytes) -> frozenset[str] | None:
    """The models that a program lists; None where its list cannot be read: not every program has one."""
    try:
        return frozenset(str(one["id"]) for one in json.loads(data)["data"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
