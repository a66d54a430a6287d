"""The publications behind the drug table, each by a short name that findings carry.

Owns the citations. They were written without opening the publications and await a pharmacist's check; the degrees
that we gave them are ours, and no clinician has reviewed them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

VERSION: Final = "2026.1"
"""Of the table; raised with any change of a class, a name or a degree."""

SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ATC": "WHO Collaborating Centre for Drug Statistics Methodology, ATC/DDD Index",
        "Khan 2022": "Khan et al., Drug allergy: a 2022 practice parameter update, J Allergy Clin Immunol 150:1333",
        "JTF 2010": "Joint Task Force, Drug allergy: an updated practice parameter, Ann Allergy Asthma Immunol 105:259",
        "Picard 2019": "Picard et al., Cross-reactivity to cephalosporins and carbapenems in penicillin-allergic "
        "patients, J Allergy Clin Immunol Pract 7:2722",
        "Zagursky 2018": "Zagursky and Pichichero, Cross-reactivity in beta-lactam allergy, "
        "J Allergy Clin Immunol Pract 6:72",
        "Strom 2003": "Strom et al., Absence of cross-reactivity between sulfonamide antibiotics and sulfonamide "
        "nonantibiotics, N Engl J Med 349:1628",
        "Kowalski 2013": "Kowalski et al., Classification and practical approach to the diagnosis and management of "
        "hypersensitivity to NSAIDs, Allergy 68:1219",
        "Shear 1988": "Shear and Spielberg, Anticonvulsant hypersensitivity syndrome, J Clin Invest 82:1826",
        "Haymore 2008": "Haymore et al., Risk of angioedema with angiotensin receptor blockers, "
        "Ann Allergy Asthma Immunol 101:495",
        "Mertes 2011": "Mertes et al., Reducing the risk of anaphylaxis during anaesthesia: 2011 updated guidelines, "
        "J Investig Allergol Clin Immunol 21:442",
        "ASH 2018": "Cuker et al., American Society of Hematology 2018 guidelines: heparin-induced thrombocytopenia, "
        "Blood Adv 2:3360",
        "ACR": "American College of Radiology, ACR Manual on Contrast Media, allergic-like reactions",
        "Label": "the contraindications of the products' own prescribing information (section 4)",
        "caution": "no published rate: the members are one chemical class, so a person is asked",
    }
)
"""By the name that `because` begins with."""
