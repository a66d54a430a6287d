"""How classes react beside each other, the side chains that cross class lines, and products with several ingredients.

Owns what no class says alone. What is not related here and shares no class is not a finding. Sources are those of
`sources`; the figures are the publications'.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.drugs.beta_lactams import CARBAPENEMS, CEPHALOSPORINS, PENICILLINS
from edge_runtime.clinical.drugs.others import (
    ACE_INHIBITORS,
    ARBS,
    COXIBS,
    DIPHENYLHEPTANES,
    FONDAPARINUX,
    HEPARINS,
    NEPRILYSIN,
    NSAIDS,
    PARACETAMOL,
    PHENANTHRENES,
    PHENYLPIPERIDINES,
)
from edge_runtime.clinical.drugs.table import Degree, Relation

ANY: Final = "any:"
"""Before the key of a class: the class itself is named, and none of its members."""


def _relation(one: str, other: str, degree: Degree, because: str) -> Relation:
    return Relation(frozenset(one.split()), frozenset(other.split()), degree, because)


_AMINO_CEPHALOSPORINS: Final = "cefalexin cefadroxil cefradine cefaclor cefprozil cefatrizine loracarbef"
_METHOXYIMINO: Final = (
    "ceftriaxone cefotaxime cefepime cefpirome cefpodoxime ceftizoxime cefditoren cefuroxime"  # the last: similar
)
_ALIKE: Final = "Zagursky 2018: their R1 side chains are the same or alike"

RELATIONS: Final = (
    # Of one class, and alike enough that the class's own degree says too little.
    _relation(_AMINO_CEPHALOSPORINS, _AMINO_CEPHALOSPORINS, Degree.LIKELY, _ALIKE),
    _relation(_METHOXYIMINO, _METHOXYIMINO, Degree.LIKELY, _ALIKE),
    _relation("ceftazidime ceftolozane cefiderocol", "ceftazidime ceftolozane cefiderocol", Degree.LIKELY, _ALIKE),
    _relation("cefoxitin cefalotin", "cefoxitin cefalotin", Degree.LIKELY, _ALIKE),
    # Across classes.
    _relation("ceftazidime ceftolozane cefiderocol", "aztreonam", Degree.LIKELY, _ALIKE),
    _relation(
        f"amoxicillin ampicillin bacampicillin pivampicillin {ANY}{PENICILLINS}",
        _AMINO_CEPHALOSPORINS,
        Degree.POSSIBLE,
        "Picard 2019: 16 of 100 who are allergic to a penicillin react to an aminocephalosporin",
    ),
    _relation(
        PENICILLINS,
        CEPHALOSPORINS,
        Degree.LOW,
        "Picard 2019: about 2 of 100 who are allergic to a penicillin react where the side chains differ",
    ),
    _relation(
        PENICILLINS,
        CARBAPENEMS,
        Degree.LOW,
        "Picard 2019: fewer than 1 of 100 who are allergic to a penicillin react to a carbapenem",
    ),
    _relation(CEPHALOSPORINS, CARBAPENEMS, Degree.LOW, "Khan 2022: reactions to both are rare"),
    _relation(NSAIDS, COXIBS, Degree.LOW, "Kowalski 2013: most who react to several NSAIDs tolerate them"),
    _relation(NSAIDS, PARACETAMOL, Degree.LOW, "Kowalski 2013: some react to high doses of a weak inhibitor of COX-1"),
    _relation(
        PHENANTHRENES,
        f"{PHENYLPIPERIDINES} {DIPHENYLHEPTANES}",
        Degree.LOW,
        "caution: opioids of other structures",
    ),
    _relation(PHENYLPIPERIDINES, DIPHENYLHEPTANES, Degree.LOW, "caution: opioids of other structures"),
    _relation(
        "tramadol_tapentadol",
        f"{PHENANTHRENES} {PHENYLPIPERIDINES} {DIPHENYLHEPTANES}",
        Degree.POSSIBLE,
        "Label: tramadol is contraindicated after a reaction to any opioid",
    ),
    _relation(
        ACE_INHIBITORS,
        ARBS,
        Degree.LOW,
        "Haymore 2008: few with angioedema by an ACE inhibitor have it again with a receptor blocker",
    ),
    _relation(
        f"{ACE_INHIBITORS} {ARBS}",
        NEPRILYSIN,
        Degree.LIKELY,
        "Label: contraindicated after angioedema with an ACE inhibitor or a receptor blocker",
    ),
    _relation(HEPARINS, FONDAPARINUX, Degree.LOW, "ASH 2018: fondaparinux is an alternative, with rare exceptions"),
    _relation(
        "sulfasalazine", NSAIDS, Degree.POSSIBLE, "Label: sulfasalazine is contraindicated after a salicylate reaction"
    ),
)
"""The strongest that fits counts."""

PRODUCTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "co-amoxiclav": ("amoxicillin", "clavulanate"),
        "amoxiclav": ("amoxicillin", "clavulanate"),
        "augmentin": ("amoxicillin", "clavulanate"),
        "unasyn": ("ampicillin", "sulbactam"),
        "zosyn": ("piperacillin", "tazobactam"),
        "tazocin": ("piperacillin", "tazobactam"),
        "co-fluampicil": ("flucloxacillin", "ampicillin"),
        "zerbaxa": ("ceftolozane", "tazobactam"),
        "co-trimoxazole": ("sulfamethoxazole", "trimethoprim"),
        "cotrimoxazole": ("sulfamethoxazole", "trimethoprim"),
        "bactrim": ("sulfamethoxazole", "trimethoprim"),
        "septra": ("sulfamethoxazole", "trimethoprim"),
        "septrin": ("sulfamethoxazole", "trimethoprim"),
        "tmp-smx": ("sulfamethoxazole", "trimethoprim"),
        "percocet": ("oxycodone", "paracetamol"),
        "vicodin": ("hydrocodone", "paracetamol"),
        "norco": ("hydrocodone", "paracetamol"),
        "co-codamol": ("codeine", "paracetamol"),
        "co-dydramol": ("dihydrocodeine", "paracetamol"),
        "co-codaprin": ("codeine", "acetylsalicylic acid"),
        "emla": ("lidocaine", "prilocaine"),
        "entresto": ("sacubitril", "valsartan"),
        "zestoretic": ("lisinopril", "hydrochlorothiazide"),
        "hyzaar": ("losartan", "hydrochlorothiazide"),
    }
)
"""Names of products with several ingredients, and these."""

CODES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "code:rxnorm:7980": ("benzylpenicillin",),
        "code:rxnorm:226827": ("azithromycin",),
        "code:rxnorm:285018": ("insulin glargine",),
        "code:rxnorm:856907": ("hydrocodone", "paracetamol"),
        "code:rxnorm:1313112": ("phenytoin",),
        "code:snomed:27658006": ("amoxicillin",),
        "code:snomed:317935006": ("chlortalidone",),
        "code:snomed:322254008": ("paracetamol",),
        "code:snomed:324252006": ("azithromycin",),
        "code:snomed:333919005": ("fentanyl",),
        "code:snomed:373994007": ("prednisone",),
        "code:snomed:430127000": ("oxycodone",),
    }
)
"""What codes stand for, by subject key: those that the examples of FHIR R4 (4.0.1) state with their names. Every other
statement is matched by its text."""
