"""Defects of primitive values: dates that do not exist, ids of a wrong form, numbers as text, codes with blanks.

Source: FHIR R4 section 2.24.0.1 primitive types.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

from tests.fhir.defects.defect import Spoilt
from tests.fhir.defects.sites import Sample, Site

_NO_DATE: Final[Mapping[str, str]] = {
    "a thirteenth month": "2020-13-01",
    "the 30th of February": "2020-02-30",
    "a leap day in no leap year": "2019-02-29",
    "the 31st of April": "2021-04-31",
    "day zero": "2021-04-00",
    "month zero": "2021-00",
    "slashes": "01/02/2020",
    "digits left out": "2020-1-5",
    "two digits of a year": "20-01-05",
    "words": "yesterday",
    "no dashes": "20200105",
    "a blank before it": " 2020-01-05",
    "a line break at its end": "2020-01-05\n",
    "digits of another script": "\u0662\u0660\u0662\u0660-01-05",
    "a sign": "+2020-01-05",
}
_NO_TIME: Final[Mapping[str, str]] = {
    "no zone": "2020-01-05T10:00:00",
    "no seconds": "2020-01-05T10:00Z",
    "hour 25": "2020-01-05T25:00:00Z",
    "hour 24": "2020-01-05T24:00:00Z",
    "minute 60": "2020-01-05T10:60:00Z",
    "a blank in place of the T": "2020-01-05 10:00:00Z",
    "a zone of 15 hours": "2020-01-05T10:00:00+15:00",
    "a zone without a colon": "2020-01-05T10:00:00+0100",
    "a time of no day": "2020-02-30T10:00:00Z",
    "a small z": "2020-01-05T10:00:00z",
    "a point without digits": "2020-01-05T10:00:00.Z",
    "second 61": "2020-01-05T10:00:61Z",
    "digits of another script in the time": "2020-01-05T1\u0660:00:00Z",
}
_DATES: Final[Mapping[str, Mapping[str, str]]] = {
    "date": {**_NO_DATE, "a time": "2020-01-05T10:00:00Z"},
    "dateTime": {**_NO_DATE, **_NO_TIME},
    "instant": {**_NO_DATE, **_NO_TIME, "a day": "2020-01-05", "a month": "2020-01"},
    "time": {"hour 25": "25:00:00", "no seconds": "10:00", "a zone": "10:00:00Z", "words": "noon"},
}


def bad_date(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Write a date, time or instant that does not exist or is of another form."""
    site = sample.choose(rng, lambda site: site.type in _DATES and isinstance(site.value, str))
    if site is None:
        return None
    way = rng.choice([*_DATES[site.type]])
    return _put(site, _DATES[site.type][way], f"{site.type}, {way}")


_NO_ID: Final[Mapping[str, Any]] = {
    "an underscore": "my_id",
    "a blank": "my id",
    "65 characters": "x" * 65,
    "a slash": "Patient/17",
    "a hash": "#17",
    "a letter beyond ASCII": "señor",
    "a digit of another script": "id\u0661\u0667",
    "a colon": "urn:17",
    "a line break at its end": "id17\n",
    "nothing": "",
    "a number": 17,
}


def bad_id(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Give a resource an id of another form."""
    holder = sample.resource_of(rng)
    if holder is None:
        return None
    way = rng.choice([*_NO_ID])
    holder.content["id"] = _NO_ID[way]
    return Spoilt(f"{holder.path}.id", way)


_WHOLE: Final = frozenset({"integer", "positiveInt", "unsignedInt"})
_NUMBERS: Final = _WHOLE | {"decimal", "boolean"}
_TEXTS: Final = frozenset(
    {"string", "code", "uri", "url", "canonical", "markdown", "dateTime", "date", "instant", "id"}
)


def number_as_string(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Write a number or a truth value as text, or text as a number or truth value."""
    site = sample.choose(rng, lambda site: site.type in _NUMBERS and not isinstance(site.value, str))
    if site is not None and rng.random() < 0.7:
        text = str(site.value).lower()
        return _put(site, text, f"{site.type} as text")
    if site is not None and site.type != "boolean" and rng.random() < 0.3:
        return _put(site, way=f"{site.type} as a truth value", value=True)
    site = sample.choose(rng, lambda site: site.type in _TEXTS and isinstance(site.value, str))
    if site is None:
        return None
    return _put(site, *rng.choice([(17, f"{site.type} as a number"), (True, f"{site.type} as a truth value")]))


def bad_code_format(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Write a code with blanks where none may be."""
    site = sample.choose(rng, lambda site: site.type == "code" and isinstance(site.value, str))
    if site is None:
        return None
    code = site.value
    ways = {
        "a blank at its end": f"{code} ",
        "a blank at its start": f" {code}",
        "two blanks within": f"{code}  x",
        "a line break at its end": f"{code}\n",
        "blanks alone": "  ",
        "a tab within": f"{code}\tx",
    }
    way = rng.choice([*ways])
    return _put(site, ways[way], way)


_FORMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "positiveInt": {"zero": 0, "less than zero": -1, "a fraction": 1.5, "a point": 2.0, "beyond 31 bits": 2**31},
    "unsignedInt": {"less than zero": -1, "a fraction": 1.5, "a point": 2.0, "beyond 31 bits": 2**31},
    "integer": {"a fraction": 1.5, "a point": 2.0, "beyond 31 bits": 2**31, "below 31 bits": -(2**31) - 1},
    "base64Binary": {"other characters": "§§§§", "a length of no base64": "QUJ"},
    "uri": {"a blank": "http://example.org/a b"},
    "url": {"a blank": "http://example.org/a b"},
    "canonical": {"a blank": "http://example.org/a b"},
    "oid": {"no oid": "urn:oid:3.x", "no urn": "1.2.3"},
    "uuid": {"no uuid": "urn:uuid:17", "no urn": "c757873d-ec9a-4326-a141-556f43239520"},
    "id": {"an underscore": "my_id"},
}


def bad_primitive(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Write a number out of its range, or another primitive of a wrong form."""
    site = sample.choose(rng, lambda site: site.type in _FORMS and site.owner_shape != "Extension")
    if site is None:
        return None
    way = rng.choice([*_FORMS[site.type]])
    return _put(site, _FORMS[site.type][way], f"{site.type}, {way}")


def _put(site: Site, value: object, way: str) -> Spoilt:
    site.put(value)
    return Spoilt(site.path, way)
