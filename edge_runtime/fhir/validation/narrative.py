"""Whether a narrative is the plain XHTML that FHIR allows, and nothing that acts.

Owns the check of `Narrative.div`. It reads the XHTML as XML, with document types refused before anything in them is
read. What is allowed stands in tables; everything else is refused, so that what a browser will learn tomorrow is
refused today. Refuses to clean: a narrative that holds more than text is reported, and shown nowhere as it is.

Source: FHIR R4 section 2.4 narrative, rules txt-1 and txt-2; HTML 4.0 chapters 7 to 11 (without 9.4) and 15.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.parsers import expat  # document types and entities are refused below: nothing expands

from edge_runtime.fhir.validation.found import Findings, kind_of
from edge_runtime.fhir.validation.problem import Code

XHTML: Final = "http://www.w3.org/1999/xhtml"
_EVERYWHERE: Final = frozenset(
    "accesskey align bgcolor char charoff class dir id lang style tabindex title valign".split()  # noqa: SIM905 names
)
_XML_LANG: Final = frozenset(
    {"http://www.w3.org/XML/1998/namespace lang", "http://www.w3.org/XML/1998/namespace space"}
)
_NO_MORE: Final = frozenset[str]()
_CELL: Final = frozenset({"abbr", "axis", "colspan", "headers", "height", "nowrap", "rowspan", "scope", "width"})
_COLUMN: Final = frozenset({"span", "width"})
_PLAIN: Final = (
    "abbr acronym address b bdo big br caption cite code dd dfn div dl dt em h1 h2 h3 h4 h5 h6 i kbd p samp small span"
    " strong sub sup tbody tfoot thead tr tt var"
)
_ELEMENTS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_PLAIN.split(), _NO_MORE),
    "a": frozenset({"charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "target", "type"}),
    "area": frozenset({"alt", "coords", "href", "nohref", "shape"}),
    "blockquote": frozenset({"cite"}),
    "col": _COLUMN,
    "colgroup": _COLUMN,
    "hr": frozenset({"noshade", "size", "width"}),
    "img": frozenset({"alt", "border", "height", "ismap", "longdesc", "name", "src", "usemap", "width"}),
    "li": frozenset({"type", "value"}),
    "map": frozenset({"name"}),
    "ol": frozenset({"compact", "start", "type"}),
    "pre": frozenset({"width"}),
    "q": frozenset({"cite"}),
    "table": frozenset({"border", "cellpadding", "cellspacing", "frame", "rules", "summary", "width"}),
    "td": _CELL,
    "th": _CELL,
    "ul": frozenset({"compact", "type"}),
}
"""The elements, and what attributes each takes beside those of all."""
_ADDRESSES: Final = frozenset({"cite", "href", "longdesc", "src"})
_SCHEMES: Final = frozenset({"", "ftp", "http", "https", "mailto", "tel", "urn"})
_SCHEME: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?")
_IMAGE: Final = re.compile(r"data: ?image/(?:png|gif|jpe?g|webp|bmp)[;,]", re.IGNORECASE)
_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")
_STYLE_THAT_ACTS: Final = re.compile(
    r"\\|/\*|@import|expression\s*\(|behaviou?r\s*:|-moz-binding|url\s*\(", re.IGNORECASE
)
_STYLE_IMAGE: Final = re.compile(
    r"url\s*\(\s*['\"]?data: ?image/(?:png|gif|jpe?g)[;,][^)'\"\\]*['\"]?\s*\)", re.IGNORECASE
)


class _RefusedError(Exception):
    """Read no further."""


def check_narrative(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
    """Check a `div`."""
    if type(value) is not str:
        findings.error(Code.STRUCTURE, f"expected XHTML as text; got {kind_of(value)}")
        return
    reader = _Reader(findings)
    try:
        reader.read(value)
    except _RefusedError:
        return
    except (expat.ExpatError, UnicodeEncodeError, ValueError):
        findings.error(Code.VALUE, "expected well-formed XHTML without named entities of HTML; got something else")
        return
    if not reader.holds_something:
        findings.error(Code.VALUE, "expected a narrative with some text or an image; got none", rule="txt-2")


class _Reader:
    """One pass over a `div`; each fault is noted once, however often it stands."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._said: set[str] = set()
        self._root = True
        self.holds_something = False

    def read(self, div: str) -> None:
        """Read it.

        Raises:
            _RefusedError: it holds what nobody should read on for.
            expat.ExpatError: no well-formed XML.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._document_type
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._element
        parser.CharacterDataHandler = self._text
        parser.Parse(div, True)  # noqa: FBT003 expat takes it by position: no more follows

    def _document_type(self, *_parts: Any) -> None:  # noqa: ANN401 expat's
        self._refuse("a document type")
        raise _RefusedError

    def _instruction(self, _target: str, _data: str) -> None:
        self._refuse("a processing instruction")

    def _text(self, text: str) -> None:
        self.holds_something = self.holds_something or not text.isspace()

    def _element(self, name: str, attributes: Mapping[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if self._root:
            self._root = False
            if (namespace, local) != (XHTML, "div"):
                self._findings.error(Code.VALUE, f"expected a div in the namespace {XHTML}; got another element")
                raise _RefusedError
        allowed = _ELEMENTS.get(local) if namespace == XHTML else None
        if allowed is None:
            self._refuse("an element that acts or that FHIR does not allow")
            return
        self.holds_something = self.holds_something or local == "img"
        for key, value in attributes.items():
            self._attribute(key, value, allowed, image=local == "img")

    def _attribute(self, key: str, value: str, allowed: frozenset[str], *, image: bool) -> None:
        if key in _XML_LANG:
            return
        if key not in _EVERYWHERE and key not in allowed:
            acts = key.lower().startswith("on")
            self._refuse("an event handler" if acts else "an attribute that FHIR does not allow")
        elif key == "style" and _STYLE_THAT_ACTS.search(_STYLE_IMAGE.sub("", value)):
            self._refuse("a style that loads or runs something")
        elif key in _ADDRESSES and not _is_harmless(value, image=image and key == "src"):
            self._refuse("an address that runs something")

    def _refuse(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            message = f"expected text with plain formatting, links and images; got {what}"
            self._findings.error(Code.SECURITY, message, rule="txt-1")


def _is_harmless(address: str, *, image: bool) -> bool:
    """Browsers drop blanks and control characters before they look for the scheme, so this does too."""
    bare = _INVISIBLE.sub("", address)
    found = _SCHEME.match(bare)
    assert found is not None, "the pattern matches the empty text"
    return (found[1] or "").lower() in _SCHEMES or (image and _IMAGE.match(bare) is not None)
