"""Writes the tables of agreement in docs/fhir.md: our validator beside two others, on examples and on seeded defects.

    python -m tools.fhir_agreement           count, print JSON, write the tables
    python -m tools.fhir_agreement --check   only compare; 1 where the page says something else

Owns the words around the counts: each disagreement has its reason in the specification, and one without a reason fails.
Needs the packages of `tests/node` and those of the set-up for tests.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.fhir.agreement import BYTES_MAX, VALIDATORS, OnDefects, OnExamples, on_defects, on_examples
from tests.fhir.official import WRONG
from tests.fhir.opinions import FHIR_RESOURCES, MEDPLUM

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "fhir.md"
START: Final = "<!-- agreement: made by `python -m tools.fhir_agreement` -->"
END: Final = "<!-- end of agreement -->"
SEED: Final = 20261122
NAMED: Final = 400
MORE: Final = 200

_MODELS: Final = "the models hold types and forms, not this"

EXAMPLES_EXPLAINED: Final[Mapping[str, str]] = {
    **WRONG,
    "DiagnosticReport-gingival-mass": "`@medplum/core` takes base64 without blanks alone; datatypes.html#base64Binary "
    "allows white space between its groups of four",
}
"""Why an example is rejected by one and not by another."""

KINDS_EXPLAINED: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "wrong_binding": (
        "terminologies.html#required: the code SHALL be from the value set; of a CodeableConcept one coding SHALL be",
        {MEDPLUM: "asks a terminology server, or nobody", FHIR_RESOURCES: _MODELS},
    ),
    "wrong_reference_type": (
        "references.html#2.3.0 and `targetProfile` of each element: a reference SHALL lead to a type that is listed",
        {MEDPLUM: "looks at no target", FHIR_RESOURCES: "looks at no target"},
    ),
    "dangling_reference": (
        "references.html#contained, ref-1: `#x` SHALL resolve within the resource; bundle.html#references for `urn:`",
        {MEDPLUM: "judges no rule of a data type, so not ref-1", FHIR_RESOURCES: "resolves nothing"},
    ),
    "broken_invariant": (
        "conformance-rules.html#constraints: a constraint of severity error SHALL be met",
        {
            MEDPLUM: "judges the rules of resources, not those of data types (per-1, qty-3, cpt-2, att-1, rat-1), "
            "leaves out dom-3, and takes ppc-2 to ppc-5 as they stand, with `system='something'` where their words "
            "mean the scope's code system",
            FHIR_RESOURCES: "evaluates no FHIRPath",
        },
    ),
    "bad_date": (
        "datatypes.html#dateTime: dates SHALL be valid, and a time SHALL have a zone",
        {MEDPLUM: "matches the form alone: 30 February passes, and a dateTime with a time and no zone"},
    ),
    "bad_id": (
        "datatypes.html#id and resource.html#id: 1 to 64 of A-Z, a-z, 0-9, `-` and `.`",
        {
            MEDPLUM: "the definition gives the type of `Resource.id` as string, and it follows that",
            FHIR_RESOURCES: "holds no length",
        },
    ),
    "unknown_element": (
        "json.html and validation.html: an element that the type does not have is an error",
        {
            MEDPLUM: "takes any name that begins as a choice does",
            FHIR_RESOURCES: "takes `fhir_comments`, which was DSTU2's",
        },
    ),
    "wrong_cardinality": (
        "formats.html#choice: one type of a choice alone",
        {MEDPLUM: "takes the first of two types of a choice"},
    ),
    "number_as_string": (
        "json.html#primitive: numbers and truth values are JSON numbers and literals, the rest is text",
        {FHIR_RESOURCES: "turns text into numbers and numbers into dates"},
    ),
    "bad_code_format": (
        "datatypes.html#code: no white space but single spaces within",
        {FHIR_RESOURCES: "takes a tab, as the expression does and the words do not"},
    ),
    "bad_primitive": (
        "datatypes.html: the forms and ranges of primitive types",
        {
            MEDPLUM: "`2.0` is 2 in JavaScript; no limit of 32 bits",
            FHIR_RESOURCES: "takes blanks in addresses, and `2.0` for 2",
        },
    ),
    "empty_element": (
        "json.html: an element is never empty, null only in lists of primitives beside extensions; ele-1",
        {MEDPLUM: "drops empty values before it looks", FHIR_RESOURCES: "drops them too"},
    ),
    "bad_narrative": (
        "narrative.html#2.4.0, txt-1, txt-2: limited XHTML, no active content, some content",
        {MEDPLUM: "its htmlChecks() is always true", FHIR_RESOURCES: _MODELS},
    ),
    "wrong_profile_cardinality": (
        "resource.html#Meta and observation-vitalsigns.html: who claims a profile SHALL conform to it",
        {
            MEDPLUM: "checks a profile that the caller hands over, none that the resource claims",
            FHIR_RESOURCES: _MODELS,
        },
    ),
}
"""By kind: what the specification says, and why another validator misses some."""


def unexplained(examples: OnExamples, kinds: Mapping[str, OnDefects]) -> Iterator[str]:
    """Disagreements without a reason."""
    for name in {name for names in examples.rejected.values() for name in names} - EXAMPLES_EXPLAINED.keys():
        yield f"the example {name} is rejected, and nothing says why"
    for kind, found in kinds.items():
        _, reasons = KINDS_EXPLAINED.get(kind, ("", {}))
        for validator in VALIDATORS:
            if found.missed[validator] and validator not in reasons:
                yield f"{validator} misses {kind} ({dict(found.missed[validator])}), and nothing says why"


def tables(examples: OnExamples, kinds: Mapping[str, OnDefects]) -> Iterator[str]:
    """The section's lines."""
    accepted = (f"{name} {examples.asked - len(examples.rejected[name])}" for name in VALIDATORS)
    yield START
    yield ""
    yield (
        f"Of {examples.asked} official examples of mapped types (those below {BYTES_MAX // 1000} kB) are accepted: "
        f"{', '.join(accepted)}."
    )
    yield ""
    yield "| rejected example | by | why |"
    yield "|---|---|---|"
    for name in sorted({name for names in examples.rejected.values() for name in names}):
        by = ", ".join(one for one in VALIDATORS if name in examples.rejected[one])
        yield f"| `{name}` | {by} | {EXAMPLES_EXPLAINED[name]} |"
    yield ""
    total = sum(found.made for found in kinds.values())
    yield (
        f"Of {total:,} seeded defects (seed {SEED}) are found, by kind: ours at their place, the others' anywhere "
        "in the resource:"
    )
    yield ""
    yield f"| kind | made | {' | '.join(VALIDATORS)} |"
    yield "|---|---:|" + "---:|" * len(VALIDATORS)
    for kind, found in kinds.items():
        yield f"| {kind} | {found.made} | {' | '.join(str(found.found(name)) for name in VALIDATORS)} |"
    sums = (str(sum(found.found(name) for found in kinds.values())) for name in VALIDATORS)
    yield f"| all | {total} | {' | '.join(sums)} |"
    yield ""
    yield "Where they disagree, the specification says:"
    yield ""
    yield f"| kind | FHIR R4 | {MEDPLUM} | {FHIR_RESOURCES} (R4B) |"
    yield "|---|---|---|---|"
    for kind in kinds:
        if kind in KINDS_EXPLAINED:
            rule, reasons = KINDS_EXPLAINED[kind]
            yield f"| {kind} | {rule} | {reasons.get(MEDPLUM, '')} | {reasons.get(FHIR_RESOURCES, '')} |"
    yield ""
    yield END


def placed(page: str, lines: Iterator[str]) -> str:
    """The page with its section exchanged.

    Raises:
        ValueError: the page has no place for it.
    """
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"docs/fhir.md has no lines '{START}' and '{END}'")
    return before + "\n".join(lines) + after


def main() -> int:
    """Count, then write or compare; 0 when done or equal, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tools.fhir_agreement", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the tables that are there")
    options = parser.parse_args()
    examples, kinds = on_examples(), on_defects(SEED, named=NAMED, more=MORE)
    json.dump(
        {"examples": examples.to_json(), "defects": {kind: found.to_json() for kind, found in kinds.items()}},
        sys.stdout,
        indent=1,
    )
    print()
    problems = list(unexplained(examples, kinds))
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    page = PAGE.read_text(encoding="utf-8")
    made = placed(page, tables(examples, kinds))
    if options.check:
        if made != page:
            print("docs/fhir.md differs: run python -m tools.fhir_agreement", file=sys.stderr)
        return int(made != page)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
