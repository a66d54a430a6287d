"""Defects of narratives: what runs, what asks, what loads, what is no XHTML, and nothing at all.

Source: FHIR R4 section 2.4 Narrative, rules txt-1 and txt-2.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from tests.fhir.defects.defect import Spoilt
from tests.fhir.defects.sites import Sample

_XHTML: Final = 'xmlns="http://www.w3.org/1999/xhtml"'
_DIVS: Final[Mapping[str, str]] = {
    "a script": f"<div {_XHTML}>a<script>alert(1)</script></div>",
    "a handler": f'<div {_XHTML}><p onclick="alert(1)">a</p></div>',
    "a handler of an image": f'<div {_XHTML}><img src="#x" alt="x" onerror="alert(1)"/></div>',
    "an address that runs": f'<div {_XHTML}><a href="javascript:alert(1)">a</a></div>',
    "an address that runs, in other letters": f'<div {_XHTML}><a href=" JaVaScRiPt:alert(1)">a</a></div>',
    "an address that runs, hidden": f'<div {_XHTML}><a href="java&#115;cript:alert(1)">a</a></div>',
    "an address that holds a page": f'<div {_XHTML}><a href="data:text/html,x">a</a></div>',
    "a drawing that runs": f'<div {_XHTML}>a<svg onload="alert(1)"></svg></div>',
    "capitals": f"<DIV {_XHTML}>a</DIV>",
    "a frame": f'<div {_XHTML}>a<iframe src="http://example.org/"></iframe></div>',
    "a form": f'<div {_XHTML}><form action="http://example.org/"><input name="a"/></form>a</div>',
    "an object": f'<div {_XHTML}>a<object data="http://example.org/x"></object></div>',
    "a style sheet": f"<div {_XHTML}>a<style>p {{ color: red }}</style></div>",
    "a link in a head": f'<div {_XHTML}><head><link rel="stylesheet" href="http://example.org/x"/></head>a</div>',
    "a base": f'<div {_XHTML}><base href="http://example.org/"/>a</div>',
    "an unknown element": f"<div {_XHTML}><blink>a</blink></div>",
    "an end tag missing": f"<div {_XHTML}><p>a</div>",
    "not quoted": f"<div {_XHTML}><p class=x>a</p></div>",
    "another element around it": f"<p {_XHTML}>a</p>",
    "no element": "a",
    "no namespace": "<div>a</div>",
    "another namespace": '<div xmlns="http://example.org/x">a</div>',
    "nothing in it": f"<div {_XHTML}></div>",
    "blanks alone": f"<div {_XHTML}> \n </div>",
    "an external entity": f'<!DOCTYPE div [<!ENTITY x SYSTEM "file:///etc/passwd">]><div {_XHTML}>&x;</div>',
}


def bad_narrative(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Write a narrative that no reader may show, or that holds nothing."""
    site = sample.choose(rng, lambda site: site.type == "xhtml" and site.member == "div")
    if site is None:
        return None
    way = rng.choice([*_DIVS])
    site.put(_DIVS[way])
    return Spoilt(site.path, way)
