"""The timeline as FHIR R4 AuditEvents, after the IHE Basic Audit Log Patterns where one fits.

Owns the mapping. An act on one patient's chart that succeeded follows a pattern and names its profile; everything else
is a plain AuditEvent. Ids follow from entry hashes, so an export made twice is the same. It carries names of fields and
random ids: no value that was read or written, no free text, no patient's name, no words that were searched for.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from edge_runtime.audit.event import Event
from edge_runtime.audit.fhir_codes import (
    ACT_REASON,
    AUTHOR,
    BREAK_GLASS,
    CODES,
    DESTINATION_ROLE,
    ENTITY_TYPE,
    FAILED,
    OBJECT_ROLE,
    OUTCOMES,
    PATIENT_QUERY,
    PROFILES,
    REASONS,
    RECIPIENT,
    RESPONSIBLE,
    SOURCE_ROLE,
    SOURCE_TYPE,
    SYSTEM,
    Codes,
    Json,
    Pattern,
    coding,
)
from sync_protocol.audit import Result
from sync_protocol.ids import ChartId, FixedBytes, Hash

_HERE: Final[Json] = {"address": "localhost", "type": "1"}
"""Both ends of an act on a device are the device; the patterns ask for a network of each."""
_EMERGENCIES: Final = frozenset({"break_glass", "glass_broken"})
_SHOWN_DETAILS: Final = frozenset(
    {"format", "model", "data_type", "anonymisation", "role", "held", "permitted", "kit", "not_before_ms"}
)
"""Details that are words of the program; others, such as a reason, are people's and stay in the signed record."""
_LAST_MS: Final = 253_402_300_799_999
"""The end of the year 9999, beyond which no instant is written."""


def audit_events(event: Event) -> Iterator[Json]:
    """The AuditEvents of one event: one, but for a list of charts one for each patient.

    Source: BALP, PatientQuery: when results are of several patients, an AuditEvent for every one of them.
    """
    codes = CODES[event.what.kind.name]
    good = event.what.result is Result.DONE and not _is_refused(event)
    charts = event.what.charts if event.chart is None else (event.chart,)
    if good and codes.pattern is Pattern.QUERY:
        for chart in charts:
            yield _event(event, codes, PATIENT_QUERY, (chart,), name=Hash.of(event.entry + chart))
        if not charts:
            yield _event(event, codes, codes.pattern, ())
        return
    fits = good and len(charts) == 1 and codes.pattern is not Pattern.NONE
    yield _event(event, codes, codes.pattern.value if fits else "", charts)


def _is_refused(event: Event) -> bool:
    """Whether nothing came of an act though its record says that it was done."""
    return event.what.kind.name in FAILED or event.refused is not None


def _event(event: Event, codes: Codes, profile: str, charts: tuple[ChartId, ...], *, name: Hash | None = None) -> Json:
    what = event.what
    failed = what.result is Result.DONE and _is_refused(event)
    outcome = OUTCOMES[Result.REFUSED if failed else what.result]
    observer = _reference("device", event.who.device, "Device")
    tags = [coding(SYSTEM + "audit-risk", what.risk.name.lower())]
    tags.append(coding(SYSTEM + "audit-witness", "receipted" if event.witnessed else "not-yet-witnessed"))
    if event.clock_doubted:
        tags.append(coding(SYSTEM + "audit-clock", "in-doubt"))
    meta: Json = {"profile": [PROFILES + profile]} if profile else {}
    reasons = _reasons(event)
    return {
        "resourceType": "AuditEvent",
        "id": str(name or event.entry),
        "meta": meta | {"tag": tags},
        "type": codes.type,
        "subtype": [*codes.subtypes, coding(SYSTEM + "audit-kind", what.kind.name, what.kind.title)],
        "action": codes.action or what.kind.action,
        "recorded": _instant(event.wall_ms),
        "outcome": outcome,
        **({} if outcome == "0" else {"outcomeDesc": Result.REFUSED.value if failed else what.result.value}),
        **({"purposeOfEvent": reasons} if reasons else {}),
        "agent": _agents(event, profile, observer, reasons),
        "source": {"observer": observer, "type": [coding(SOURCE_TYPE, "1", "User Device")]},
        "entity": _entities(event, profile, charts),
    }


def _agents(event: Event, profile: str, observer: Json, reasons: list[Json]) -> list[Json]:
    """Who took part: where data came from, where it went, and the person.

    In a read the device as a server is the source; in all other patterns, the client is. Here both are the device.
    """
    who, what = event.who, event.what
    reads = profile in {Pattern.READ, Pattern.QUERY, PATIENT_QUERY, Pattern.DISCLOSURE} or what.kind.action == "R"
    user: Json = {
        "type": RECIPIENT if reads else AUTHOR,
        "role": [{"coding": [coding(SYSTEM + "role", who.role.value)], "text": who.role.value.replace("_", " ")}],
        "who": _reference("user", who.user, "Practitioner"),
        "requestor": True,
        **({"purposeOfUse": reasons} if reasons else {}),
    }
    to = observer
    if profile == Pattern.DISCLOSURE:
        to = _peer(event) or {"display": "not stated"}
    agents: list[Json] = [user]
    agents.append({"type": SOURCE_ROLE, "who": observer, "requestor": False, "network": _HERE})
    agents.append({"type": DESTINATION_ROLE, "who": to, "requestor": False, "network": _HERE})
    if what.behalf is not None:
        behalf = _reference("user", what.behalf, "Practitioner")
        agents.append({"type": RESPONSIBLE, "who": behalf, "requestor": False})
    return agents


def _entities(event: Event, profile: str, charts: tuple[ChartId, ...]) -> list[Json]:
    """What it was about: patients, the data or the query, the device concerned, and the signed entry that says so."""
    entities: list[Json] = [
        {
            "what": {"reference": f"Patient/{chart}", **_reference("chart", chart, "Patient")},
            "type": coding(ENTITY_TYPE, "1", "Person"),
            "role": coding(OBJECT_ROLE, "1", "Patient"),
        }
        for chart in charts
    ]
    queried = profile in {Pattern.QUERY, PATIENT_QUERY}
    entities.append(_query(event) if queried else _data(event, profile, charts))
    peer = _peer(event)
    if peer is not None:
        entities.append({"what": peer, "type": coding(ENTITY_TYPE, "4", "Other")})
    signed = _reference("entry", event.entry, None)
    entities.append({"what": signed, "type": coding(SYSTEM + "entity-type", "signed-entry")})
    return entities


def _query(event: Event) -> Json:
    """The query, by its kind alone: its words may be a patient's name."""
    return {
        "type": coding(ENTITY_TYPE, "2", "System Object"),
        "role": coding(OBJECT_ROLE, "24", "Query"),
        "query": b64encode(event.what.kind.name.encode()).decode(),
    }


def _data(event: Event, profile: str, charts: tuple[ChartId, ...]) -> Json:
    """What was read or written: the document where it is one, otherwise what the entry's stream belongs to."""
    what = event.what
    documents = [str(document) for document in what.documents]
    target = _reference("stream", event.stream, None)
    if len(charts) == 1:
        target = _reference("chart", charts[0], None)
    if len(charts) == len(documents) == 1:
        target = _reference("document", what.documents[0], "Composition")
    details = {
        "documents": ", ".join(documents) if len(documents) > 1 else "",
        "fields": ", ".join(what.fields),
        "compartments": ", ".join(one.name.lower() for one in what.compartments),
        "count": "" if what.count is None else str(what.count),
        "checks": ", ".join(what.checks),
    } | {name: word for name, word in what.detail if name in _SHOWN_DETAILS}
    found = [{"type": name, "valueString": _plain(words)} for name, words in details.items() if words.strip()]
    role = ("3", "Report") if profile == Pattern.DISCLOSURE else ("4", "Domain Resource")
    return {
        "what": target,
        "type": coding(ENTITY_TYPE, "2", "System Object"),
        "role": coding(OBJECT_ROLE, *role),
        **({"detail": found} if found else {}),
    }


def _plain(words: str) -> str:
    """Words without what no FHIR string may hold: one author must not make a whole file unreadable."""
    return "".join(character if character.isprintable() else "\ufffd" for character in words)


def _reasons(event: Event) -> list[Json]:
    purpose = event.what.purpose
    if purpose is None:
        return []
    code, display = REASONS[purpose]
    codings = [coding(ACT_REASON, code, display)]
    reasons: list[Json] = [{"coding": codings, "text": purpose.value.replace("_", " ")}]
    return [*reasons, {"coding": [BREAK_GLASS]}] if event.what.kind.name in _EMERGENCIES else reasons


def _peer(event: Event) -> Json | None:
    """The other device: by its id, or by its certificate where that is not known here."""
    if event.peer is not None:
        return _reference("device", event.peer, "Device")
    return None if event.what.peer is None else _reference("certificate", event.what.peer, "Device")


def _reference(system: str, name: FixedBytes, type_: str | None) -> Json:
    """A reference by identifier: what it names lies sealed in charts, not on a FHIR server."""
    identifier: Json = {"identifier": {"system": SYSTEM + system, "value": str(name)}}
    return identifier if type_ is None else {"type": type_, **identifier}


def _instant(wall_ms: int) -> str:
    """The author's clock as an instant; one that is beyond the calendar reads as its end."""
    known = datetime.fromtimestamp(min(wall_ms, _LAST_MS) // 1000, tz=UTC)
    return f"{known:%Y-%m-%dT%H:%M:%S}.{min(wall_ms, _LAST_MS) % 1000:03}Z"
