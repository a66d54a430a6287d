"""RxNorm: the shape of an identifier, and the few names that open sources tell.

Owns a small table: what HL7's official examples of FHIR R4 and patients made by Synthea say that an RxCUI stands for.
No list of RxNorm can be had without asking its service, and names that are repeated on the web are too often wrong; so
everything else is said to be not listed. An RxCUI has no check digit: a mistyped one is well formed too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.codes.system import Judgement

_SHAPE: Final = re.compile(r"[1-9][0-9]{0,7}", re.ASCII)

INGREDIENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "161": "Acetaminophen",
        "7980": "Penicillin G",
        "12574": "gemcitabine",
        "40048": "Carboplatin",
        "66955": "Vancomycin Hydrochloride",
        "82063": "Oxycodone HCl",
        "114194": "Warfarin Sodium",
        "203134": "Piperacillin Sodium",
        "204520": "Potassium Chloride",
        "221167": "Tazobactam Sodium",
    }
)
"""Ingredients, some as a salt. Source: the official examples of FHIR R4 4.0.1."""

_PRODUCTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "308047": "Alprazolam 0.25mg Oral Tablet",
        "310325": "ferrous sulfate 325 MG Oral Tablet",
        "310965": "Ibuprofen 200 MG Oral Tablet",
        "312617": "predniSONE 5 MG Oral Tablet",
        "313782": "Acetaminophen 325 MG Oral Tablet",
        "389221": "Etonogestrel 68 MG Drug Implant",
        "562251": "Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet",
        "665078": "Loratadine 5 MG Chewable Tablet",
        "752899": "0.25 ML Leuprolide Acetate 30 MG/ML Prefilled Syringe",
        "849574": "Naproxen sodium 220 MG Oral Tablet",
        "861467": "Meperidine Hydrochloride 50 MG Oral Tablet",
        "1000126": "1 ML medroxyprogesterone acetate 150 MG/ML Injection",
        "1043400": "Acetaminophen 21.7 MG/ML / Dextromethorphan Hydrobromide 1 MG/ML / "
        "doxylamine succinate 0.417 MG/ML Oral Solution",
        "1534809": "168 HR Ethinyl Estradiol 0.00146 MG/HR / norelgestromin 0.00625 MG/HR Transdermal System",
        "1870230": "NDA020800 0.3 ML Epinephrine 1 MG/ML Auto-Injector",
        "2001499": "Vitamin B 12 5 MG/ML Injectable Solution",
    }
)
"""Products. Source: patients made by Synthea; the first from the official examples of FHIR R4 4.0.1."""


class _RxNorm:
    """The code system."""

    name: Final = "rxnorm"
    title: Final = "RxNorm"
    uri: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"

    def check(self, code: str) -> Judgement:
        """Judge an RxCUI: by our few names, and else by its shape."""
        if _SHAPE.fullmatch(code) is None:
            reason = "not the shape of an RxCUI: one to eight digits, the first of them not 0"
            return Judgement(valid=False, display=None, reason=reason)
        name = INGREDIENTS.get(code) or _PRODUCTS.get(code)
        if name is not None:
            return Judgement(valid=True, display=name, reason="among the names of RxNorm that we carry")
        return Judgement(valid=True, display=None, reason="well formed, not listed here: it may exist or not")


SYSTEM: Final = _RxNorm()
