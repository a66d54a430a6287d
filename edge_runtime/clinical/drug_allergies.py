"""The drugs of a chart beside its allergies, whichever document states them.

Owns what counts: every allergy that stands and is not refuted or in error, every medication that is not stopped. What
is unconfirmed, disputed or quarantined counts too, and is said to be so: a doubtful allergy is one that somebody saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from edge_runtime.clinical.allergies import refutes
from edge_runtime.clinical.allergy_denials import denies
from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.drugs.cross_check import CrossCheck, Finding, NotCovered, Subject, cross_check
from edge_runtime.clinical.drugs.sources import VERSION
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.layout import Action, Kind, Verification
from edge_runtime.clinical.marks import UNVERIFIED
from edge_runtime.clinical.subjects import said, subject_keys
from edge_runtime.facts import Fact

_CODED: Final = "code:"
_DISPUTED: Final = "disputed"
_NAMES_SHOWN_MAX: Final = 20
_UNNAMED: Final = "(no name)"


def check_chart(state: ChartState) -> CrossCheck:
    """Compare the drugs of a chart with its allergies."""
    return cross_check(_medications(state), _allergies(state))


def questions(fact: Fact, state: ChartState, beside: Sequence[Fact] = ()) -> tuple[str, ...]:
    """What to ask the author of a medication or an allergy, from the strongest degree on.

    Args:
        fact: what is to be stated.
        state: of the chart.
        beside: what the same change states before it.
    """
    if fact.kind == Kind.MEDICATION and not _stops(fact):
        stated = (_subject([one]) for one in beside if one.kind == Kind.ALLERGY and _asserts(one))
        found = cross_check([_subject([fact])], (*_allergies(state), *stated)).found
    elif fact.kind == Kind.ALLERGY and _asserts(fact):
        stated = (_subject([one]) for one in beside if one.kind == Kind.MEDICATION and not _stops(one))
        found = cross_check((*_medications(state), *stated), [_subject([fact])]).found
    else:
        return ()
    return tuple(f"{one.words}: is this meant?" for one in found)


def uncovered_words(check: CrossCheck) -> str:
    """What was not compared, for a person; empty where everything was."""
    names = dict.fromkeys(f"{one.subject.name}{' (in part)' if one.in_part else ''}" for one in check.not_covered)
    shown = ", ".join([*names][:_NAMES_SHOWN_MAX])
    more = f" and {len(names) - _NAMES_SHOWN_MAX} more" if len(names) > _NAMES_SHOWN_MAX else ""
    return f"drugs beside allergies: not in the table: {shown}{more}" if names else ""


def cross_check_to_json(check: CrossCheck) -> dict[str, Json]:
    """The check as JSON; `not_covered` is never the same as nothing found."""
    return {
        "version": VERSION,
        "found": [_finding_to_json(one) for one in check.found],
        "found_more": check.more,
        "not_covered": [
            *(_not_covered_to_json("medication", one) for one in check.medications_not_covered),
            *(_not_covered_to_json("allergy", one) for one in check.allergies_not_covered),
        ],
    }


def _medications(state: ChartState) -> Iterator[Subject]:
    for item in state.medications:
        taken = [fact.fact for line in item.lines if not line.regimen.stopped for fact in line.facts]
        if taken:
            yield _subject(taken, _DISPUTED if item.disputed else "")
    for fact in _unverified(state, Kind.MEDICATION):
        if not _stops(fact):
            yield _subject([fact], UNVERIFIED)


def _allergies(state: ChartState) -> Iterator[Subject]:
    for item in state.allergies.items:
        live = [fact.fact for fact in item.live]
        if live:
            unconfirmed = all(said(fact, "verification") == Verification.UNCONFIRMED for fact in live)
            yield _subject(live, Verification.UNCONFIRMED.value if unconfirmed else "")
    for fact in _unverified(state, Kind.ALLERGY):
        if _asserts(fact):
            yield _subject([fact], UNVERIFIED)


def _unverified(state: ChartState, kind: Kind) -> Iterator[Fact]:
    return (item.fact.fact for item in state.unverified if item.fact.fact.kind == kind and not item.superseded_by)


def _asserts(fact: Fact) -> bool:
    return not denies(fact) and not refutes(fact)


def _stops(fact: Fact) -> bool:
    return said(fact, "action") == Action.STOP


def _subject(facts: Sequence[Fact], doubt: str = "") -> Subject:
    texts = tuple(dict.fromkeys(text for fact in facts if (text := said(fact, "text"))))
    keys = frozenset().union(*map(subject_keys, facts))
    return Subject(
        " / ".join(texts) or _UNNAMED, texts, tuple(sorted(key for key in keys if key.startswith(_CODED))), doubt
    )


def _finding_to_json(one: Finding) -> Json:
    return {
        "medication": one.medication.name,
        "allergy": one.allergy.name,
        "degree": one.degree.value,
        "relation": one.relation,
        "because": one.because,
        "source": one.source,
        "doubts": [doubt for doubt in (one.medication.doubt, one.allergy.doubt) if doubt],
    }


def _not_covered_to_json(kind: str, one: NotCovered) -> Json:
    return {"kind": kind, "text": one.subject.name, "in_part": one.in_part, "doubt": one.subject.doubt}
