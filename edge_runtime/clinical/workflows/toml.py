"""An organisation's own template, read from a TOML file: strict, within limits, and each error with its place.

Owns the format of the file. Refuses what it does not know: a typing error in a key would otherwise be a step that
nobody has to do. A template is no patient's: names of keys and words of closed lists are shown, texts are not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from edge_runtime.clinical.checks import Check, Problem, Record, listed, one_of, shape, text, truth, whole
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.clinical.payloads import MINUTES_MAX, NAME_CHARS_MAX, REQUIRES_MAX, TYPE_CHARS_MAX
from edge_runtime.clinical.workflows.requirements import Requirement
from edge_runtime.clinical.workflows.template import STEPS_MAX, Template, TemplateStep, problems
from edge_runtime.errors import InputError

TEMPLATE_BYTES_MAX: Final = 64 * 1024
"""Of a template's file."""
_TABLES_MAX: Final = 1024
"""More than either list may hold, so that the limit that counts is the template's own, and is named."""
_SHOWN_CHARS: Final = 32
_word: Final = shape(r"[a-z][a-z0-9_:.-]{0,63}", "a word of 1 to 64 small letters, digits and _ : . -")
_minutes: Final = whole(MINUTES_MAX, 1)
_STEP: Final = Record(
    {"key": _word, "name": text(NAME_CHARS_MAX)},
    {"type": text(TYPE_CHARS_MAX), "required": truth, "minutes": _minutes},
)
_REQUIRED: Final = Record({"item": _word}, {"text": text(NAME_CHARS_MAX)})
_KEYS: Final[Mapping[str, Check]] = {
    "name": _word,
    "title": text(NAME_CHARS_MAX),
    "workflow_type": one_of(WorkflowType),
    "minutes": _minutes,
    "steps": listed(_STEP, _TABLES_MAX),
    "requires": listed(_REQUIRED, _TABLES_MAX),
}
_NEEDED: Final = ("name", "title", "workflow_type")
_SCHEMA: Final = Record(
    {key: _KEYS[key] for key in _NEEDED}, {key: check for key, check in _KEYS.items() if key not in _NEEDED}
)
_WHERE: Final = re.compile(r"\(at (line \d+, column \d+|end of document)\)")
_TABLE: Final = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_-]+)\s*\]\]?\s*(#.*)?")
_PATH: Final = re.compile(r"(?:template\.)?(\w+)(?:\[(\d+)\](?:\.(\w+))?)?")
FORM: Final = (
    f"a template as docs/workflows.md describes it, with at most {STEPS_MAX} steps and {REQUIRES_MAX} requires"
)


def read_template(data: bytes) -> Template:
    """Read a template's file.

    Raises:
        InputError: the first thing that is wrong, with its place and line where that is known.
    """
    if len(data) > TEMPLATE_BYTES_MAX:
        raise _refusal(f"a file of at most {TEMPLATE_BYTES_MAX} bytes", "more", "shorten the template")
    try:
        source = data.decode()
    except UnicodeDecodeError as error:
        raise _refusal(
            "UTF-8 text", f"bytes that are none, from byte {error.start} on", "save the file as UTF-8"
        ) from None
    try:
        parsed = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        place = _WHERE.search(str(error))
        where = place.group(1) if place else "a place that is not known"
        raise _refusal("TOML", f"something else at {where}", f"correct {where}") from None
    except RecursionError:
        raise _refusal("TOML", "lists or tables that nest too deep", "nest nothing in a list or table") from None
    for problem in _problems(parsed):
        raise _at(problem, source)
    template = _template(parsed)
    for problem in problems(template):
        raise _at(problem, source)
    return template


def _problems(parsed: Mapping[str, Any]) -> Iterator[Problem]:
    """What has another form, unknown keys first: they explain what lacks."""
    yield from _unknown("template", parsed, _SCHEMA)
    for name, schema in (("steps", _STEP), ("requires", _REQUIRED)):
        rows = parsed.get(name)
        for number, row in enumerate(rows if isinstance(rows, list) else ()):
            if isinstance(row, dict):
                yield from _unknown(f"{name}[{number}]", row, schema)
    yield from _SCHEMA("template", parsed)


def _unknown(path: str, table: Mapping[str, Any], schema: Record) -> Iterator[Problem]:
    known = [*schema.required, *schema.optional]
    for key in table:
        if key not in known:
            own = key if path == "template" else f"{path}.{key}"
            yield Problem(own[:NAME_CHARS_MAX], "only the keys " + ", ".join(known), f"{key[:_SHOWN_CHARS]!r}")


def _template(parsed: Mapping[str, Any]) -> Template:
    return Template(
        name=parsed["name"],
        title=parsed["title"],
        workflow_type=WorkflowType(parsed["workflow_type"]),
        minutes=parsed.get("minutes"),
        steps=tuple(TemplateStep(**step) for step in parsed.get("steps", [])),
        requires=tuple(Requirement(**one) for one in parsed.get("requires", [])),
    )


def _at(problem: Problem, source: str) -> InputError:
    path = problem.path.removeprefix("template.")
    line = line_of(source, path)
    place = path if line is None else f"{path} (line {line})"
    return InputError(
        "invalid_template",
        expected=f"{place}: {problem.expected}",
        got=problem.got,
        do=f"correct {place}; nothing was written",
    )


def line_of(source: str, path: str) -> int | None:
    """The line of a key or table in a TOML file, as far as a plain look at its lines finds it; None where it does not.

    Args:
        source: the file.
        path: such as `title`, `steps[2]` or `steps[2].minutes`.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    table, number, key = found.groups()
    if number is None:
        return _key_line(source, table, after=0, until=None)
    heads = [place for place, name in _tables(source) if name == table]
    if int(number) >= len(heads):
        return _key_line(source, table, after=0, until=None)
    head = heads[int(number)]
    until = next((place for place, _ in _tables(source) if place > head), None)
    return (_key_line(source, key, after=head, until=until) if key else None) or head


def _tables(source: str) -> list[tuple[int, str]]:
    """The lines at which tables begin, from 1 on, and the tables' names."""
    lines = enumerate(source.splitlines(), start=1)
    return [(number, found.group(1)) for number, line in lines if (found := _TABLE.fullmatch(line))]


def _key_line(source: str, key: str, *, after: int, until: int | None) -> int | None:
    pattern = re.compile(rf"""\s*(["']?){re.escape(key)}\1\s*=""")
    for number, line in enumerate(source.splitlines(), start=1):
        if number > after and (until is None or number < until) and pattern.match(line):
            return number
    return next((place for place, name in _tables(source) if name == key), None)


def _refusal(expected: str, got: str, do: str) -> InputError:
    return InputError("invalid_template", expected=expected, got=got, do=f"{do}; {FORM}")
