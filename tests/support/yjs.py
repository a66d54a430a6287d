"""Yjs under node, as one long-lived child: the other implementation of our text format, by those who made it.

Owns the pipe to `tests/node/yjs_reader.mjs`. Places and lengths count UTF-16 code units, as everywhere in Yjs.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Self

NODE: Final = Path(__file__).parents[1] / "node"
HOW: Final = "Yjs reads what we read; install node 20.19 or newer with npm, then run `make set-up`"

Edit = tuple[int, int, str]
"""Where, how many units to delete there, what to insert there."""


def is_there() -> bool:
    """Whether node and Yjs are installed."""
    return shutil.which("node") is not None and (NODE / "node_modules" / "yjs").is_dir()


class Yjs:
    """The child, for the length of a `with` block."""

    def __enter__(self) -> Self:
        """Start it."""
        self._child = subprocess.Popen(
            ["node", str(NODE / "yjs_reader.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._child.communicate()
        assert self._child.returncode == 0, "node ended with an error"

    def texts(self, docs: Iterable[Sequence[bytes]]) -> list[str | None]:
        """The text of each Doc after its updates; None where Yjs refused one, or waits for what never comes."""
        texts: list[str | None] = self._ask(op="texts", docs=[[_text(one) for one in doc] for doc in docs])["texts"]
        return texts

    def write(
        self, author: str, client: int, updates: Sequence[bytes], edits: Sequence[Edit]
    ) -> tuple[bytes | None, str]:
        """Let an author read updates, then edit in one transaction.

        Returns:
            The update, None if nothing changed, and the author's text.
        """
        answer = self._ask(
            op="write", author=author, client=client, updates=[_text(one) for one in updates], edits=[*edits]
        )
        update = answer["update"]
        return None if update is None else base64.b64decode(update), answer["text"]

    def forget(self) -> None:
        """Let all authors begin anew."""
        self._ask(op="forget")

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._child.stdin is not None, "a pipe was asked for"
        assert self._child.stdout is not None, "a pipe was asked for"
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        assert line, "node ended in the middle of a request"
        answer: dict[str, Any] = json.loads(line)
        return answer


def _text(update: bytes) -> str:
    return base64.b64encode(update).decode()
