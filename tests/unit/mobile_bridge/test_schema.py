"""The table of commands: whole, canonical, and closed."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import edge_runtime
import sync_protocol
from edge_runtime import errors as edge
from mobile_bridge.errors import CONNECTION_ERRORS, REQUEST_ERRORS, RETRYABLE, ErrorCode, fault_of
from mobile_bridge.handlers.table import HANDLERS
from mobile_bridge.limits import OP_BYTES_MAX
from mobile_bridge.schema.contract import CONTRACT, HELLO
from mobile_bridge.schema.types import Anything, Flag, Listed, Octets, Record, Text, Type, Uint
from sync_protocol import errors as protocol
from sync_protocol.encoding import decode, encode
from sync_protocol.errors import ExplainedError


def test_every_command_has_its_handler() -> None:
    """And no handler is without a command; `hello` is the connection's own."""
    assert set(HANDLERS) | {HELLO} == set(CONTRACT.commands)


def test_the_contract_is_one_value() -> None:
    """It travels, and its digest is that of its bytes: the same table has the same digest everywhere."""
    data = encode(CONTRACT.value())
    assert encode(decode(data)) == data
    assert len(CONTRACT.digest()) == 32
    assert CONTRACT.digest() == CONTRACT.at(CONTRACT.minor).digest()
    assert CONTRACT.digest() != CONTRACT.of(CONTRACT.minor + 1, tuple(CONTRACT.commands.values()), ()).digest()


def test_names_fit() -> None:
    """A command's name fits into a frame, and says its room before its act."""
    for op in (*CONTRACT.commands, *CONTRACT.events):
        assert len(op.encode()) <= OP_BYTES_MAX
        assert op == HELLO or op.count(".") == 1


def test_every_error_code_is_placed() -> None:
    """A code concerns the connection, may answer any request, or is listed by a command; never two of them."""
    listed = {code for command in CONTRACT.commands.values() for code in command.errors}
    assert CONNECTION_ERRORS | REQUEST_ERRORS | listed == set(ErrorCode) - UNUSED
    assert not listed & (CONNECTION_ERRORS | REQUEST_ERRORS)
    assert not CONNECTION_ERRORS & REQUEST_ERRORS
    assert set(ErrorCode) >= RETRYABLE


UNUSED = {ErrorCode.RELAY_UNREACHABLE, ErrorCode.RELAY_BUSY, ErrorCode.RELAY_REFUSED}
"""Of live sync: they travel as `code` of `sync.status`, never in an `err` of this version."""

KINDS: dict[str, type[ExplainedError]] = {
    name: found
    for module in (edge, protocol)
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, ExplainedError) and found is not ExplainedError
}


def raised() -> set[tuple[str, str]]:
    """Every error that the rooms below raise by a literal code: its kind and its code."""
    found: set[tuple[str, str]] = set()
    for package in (edge_runtime, sync_protocol):
        for path in Path(str(package.__file__)).parent.rglob("*.py"):
            if "cli" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in KINDS
                    and node.args
                ):
                    code = node.args[0]
                    if isinstance(code, ast.Constant) and isinstance(code.value, str):
                        found.add((node.func.id, code.value))
    return found


def test_every_known_failure_has_a_code() -> None:
    """What the rooms below foresee is never told as `internal`, but for our own bugs."""
    assert len(raised()) > 40
    for kind, code in sorted(raised()):
        error = KINDS[kind](code, expected="a", got="b", do="c")
        ours = issubclass(KINDS[kind], protocol.MisuseError)
        assert (fault_of(error).code is ErrorCode.INTERNAL) == ours, (kind, code)


SAMPLES: tuple[tuple[Type, object, tuple[object, ...]], ...] = (
    (Text(), "x" * 999, (b"x", 1, None, ["x"])),
    (Text(bytes_max=4), "äö", ("äöü",)),
    (Text(form="[a-z]+"), "abc", ("", "aB", "abc\n", "ä")),
    (Text(words=("a", "b")), "b", ("c", "", 1)),
    (Uint(9), 9, (10, -1, True, "9", None)),
    (Flag(), True, (1, 0, "true", None)),
    (Octets(2), b"ab", (b"a", b"abc", "ab", None)),
    (Anything("there"), {"a": [1]}, ({1: 2}, [], "a")),
    (Listed(Uint(9), 2), [1, 2], ([1, 2, 3], [10], "12", {}, None)),
    (Record(()), {}, ({"a": 1}, [], None, {1: 2})),
)


@pytest.mark.parametrize(("type_", "good", "bad"), SAMPLES)
def test_types_check(type_: Type, good: Any, bad: tuple[object, ...]) -> None:
    """Each type takes its values, refuses all others, and names the path and never the value."""
    type_.check("here", good)
    for value in bad:
        with pytest.raises(Exception, match="here") as caught:
            type_.check("here", value)  # type: ignore[arg-type]
        assert caught.type.__name__ == "BridgeError"
    assert isinstance(type_.describe(), dict)
