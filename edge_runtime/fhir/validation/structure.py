"""The structure of a resource, by an engine that knows the whole of R4: fhirkit-rs, behind a port.

Owns the way from bytes to the engine and from its words to ours. The engine quotes what it read; a problem never does:
each of its sentences is recognised by its form and said in our words, and a form that nobody knows becomes one plain
sentence. Where the engine is stricter than the specification, what it says is left out, with the reason beside it.

Source: FHIR R4 section 2.6.2; fhirkit-rs 0.1.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from edge_runtime.errors import RefusedError
from edge_runtime.fhir.validation.primitives import FORMS
from edge_runtime.fhir.validation.problem import Code, Problem, Severity


class Structure(Protocol):
    """Whoever judges the structure of one resource."""

    def problems(self, text: bytes) -> list[Problem]:
        """What is wrong with the structure of the resource that `text` holds as JSON in UTF-8."""
        ...


_KINDS: Final = {
    "a string": "text",
    "a number": "a number",
    "a whole number": "a whole number",
    "a boolean": "true or false",
    "true or false": "true or false",
    "an object": "an object",
    "an array": "a list",
    "a single value": "one value",
    "null": "null",
}
_EXPECTED: Final = re.compile(r"expected (?P<expected>[a-z ]+), found (?P<got>[a-z ]+)")
_FORM: Final = re.compile(r".* is not a (?:valid |FHIR )?(?P<type>[a-zA-Z0-9]+)(?: \([^)]*\))?", re.DOTALL)
_CODE: Final = re.compile(r'"(?P<value>.*)" is not a valid code', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
_ASCII: Final = 0x80
_STEPS: Final = re.compile(r"[A-Za-z]{1,64}(?:\.[A-Za-z0-9_]{1,64}(?:\[(?:[0-9]{1,9}|x)\])?(?=\.|$))*")
_CODE_FORM: Final = re.compile(r"[^ ]+(?: [^ ]+)*")
_SENTENCES: Final[tuple[tuple[re.Pattern[str], Code, str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), code, words)
    for pattern, code, words in (
        ("required element missing", Code.REQUIRED, "expected this element; got none"),
        ("unknown element", Code.STRUCTURE, "expected an element of R4; got one that this type does not have"),
        ("only one type may be given, found .*", Code.STRUCTURE, "expected one type of this choice; got several"),
        ("an empty array is not allowed.*", Code.STRUCTURE, "expected at least one item; got an empty list"),
        ("an empty object is not allowed.*", Code.STRUCTURE, "expected an element with content; got an empty object"),
        ("an empty string is not allowed.*", Code.VALUE, "expected text; got an empty text: leave the element out"),
        ("null is not allowed in an array of complex values", Code.STRUCTURE, "expected an object; got null"),
        ("null is not allowed.*", Code.STRUCTURE, "expected a value; got null: leave the element out"),
        ("null with no extension in its place", Code.STRUCTURE, "expected a value or an extension; got neither"),
        (r".*; the two arrays must line up", Code.STRUCTURE, "expected two lists of the same length; got others"),
        ("the key appears more than once", Code.STRUCTURE, "expected each key once; got one twice"),
        (".* is outside the 32-bit range .*", Code.VALUE, "expected a whole number of 32 bits; got one beyond that"),
        ("a resource needs a resourceType", Code.STRUCTURE, "expected a resource with its resourceType; got none"),
        (".* is not a FHIR R4 resource type .*", Code.NOT_SUPPORTED, "expected a resource type of R4; got another"),
        ("nested too deeply", Code.TOO_COSTLY, "expected fewer levels of nesting; got many"),
    )
)
_UNKNOWN: Final = (Code.STRUCTURE, "expected the structure that R4 gives this element; got another")
_PLACE: Final = re.compile(r"line ([0-9]{1,12}), column ([0-9]{1,12})")


class FhirkitStructure:
    """The port's implementation by fhirkit-rs."""

    def __init__(self) -> None:
        """Load the engine.

        Raises:
            RefusedError: this device has none.
        """
        try:
            import fhirkit  # noqa: PLC0415 3 MB of native code, an extra that a phone does not have
        except ImportError:
            raise RefusedError(
                "no_validation_here",
                expected="the extra 'fhir', which validation needs",
                got="an installation without fhirkit-rs",
                do="install it: pip install 'fieldward[fhir]'",
            ) from None
        self._validate: Callable[[bytes], Iterable[Any]] = fhirkit.validate
        self._no_json: type[ValueError] = fhirkit.ParseError

    def problems(self, text: bytes) -> list[Problem]:
        """What is wrong with the structure of the resource that `text` holds as JSON in UTF-8."""
        try:
            issues = self._validate(text)
        except self._no_json as error:
            place = _PLACE.search(str(error))
            where = f" at line {place[1]}, column {place[2]}" if place else ""
            return [_problem(Severity.FATAL, Code.INVALID, "", f"expected JSON in UTF-8; got something else{where}")]
        return _understood([(issue.severity, issue.path, issue.message) for issue in issues])


def _understood(issues: list[tuple[str, str, str]]) -> list[Problem]:
    """The engine's issues in our words, without those that only follow from another of them."""
    problems = []
    at = {path for _, path, message in issues if message not in _FOLLOWS}
    for severity, path, message in issues:
        if (message in _FOLLOWS and _follows(path, at)) or _is_too_strict(message):
            continue
        code, words = _worded(message)
        level = Severity.WARNING if severity == "warning" else Severity.ERROR
        problems.append(_problem(level, code, _safe(path), words))
    return problems


_FOLLOWS: Final = frozenset({"unknown element", "required element missing", "null with no extension in its place"})
"""Said once more of an element that was there, but wrong, twice, or of a second type: it was not taken."""


def _follows(path: str, at: set[str]) -> bool:
    """Whether something else is wrong at this element, below it, or with the choice that it belongs to or is."""
    below = (path.removesuffix("[x]"),) if path.endswith("[x]") else (f"{path}[", f"{path}.")
    choices = tuple(each.removesuffix("[x]") for each in at if each.endswith("[x]"))
    return path in at or path.startswith(choices) or any(each.startswith(below) for each in at)


def _safe(path: str) -> str:
    """The path as far as its steps look like names of elements: the name of an unknown one is the sender's own word."""
    found = _STEPS.match(path)
    known = found[0] if found else ""
    return known if known == path else f"{known}.?"


def _is_too_strict(message: str) -> bool:
    r"""A code may hold or end in blanks that XML does not count as such.

    The specification's form of a code is `[^\s]+(\s[^\s]+)*` as XML Schema reads it, where `\s` is space, tab, line
    feed and carriage return. The official Bundle of HL7 v2 value sets holds codes that end in a no-break space.
    """
    found = _CODE.fullmatch(message)
    if found is None:
        return False
    # The engine writes blanks that are not ASCII as an escape; for the form, they are characters like any other.
    value = _ESCAPED.sub(lambda escape: "x" if int(escape[1], 16) >= _ASCII else escape[0], found["value"])
    return "\\" not in value and _CODE_FORM.fullmatch(value) is not None


def _worded(message: str) -> tuple[Code, str]:
    for pattern, code, words in _SENTENCES:
        if pattern.fullmatch(message):
            return code, words
    if found := _EXPECTED.fullmatch(message):
        expected, got = _KINDS.get(found["expected"]), _KINDS.get(found["got"])
        if expected and got:
            return Code.STRUCTURE, f"expected {expected}; got {got}"
    if (found := _FORM.fullmatch(message)) and (form := FORMS.get(found["type"])):
        return Code.VALUE, f"expected {form}; got another form"
    return _UNKNOWN


def _problem(severity: Severity, code: Code, path: str, message: str) -> Problem:
    return Problem(severity=severity, code=code, path=path, message=message)
