"""Antibiotics other than beta-lactams, and antifungals, ATC groups J01, J02, J04, P01.

Owns the members and their names, as `beta_lactams` does. Source: WHO ATC/DDD Index, and for degrees the publication
that each class names.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.clinical.drugs.table import Degree, DrugClass

ANTIBIOTICS: Final = (
    DrugClass(
        key="sulfonamide_antibiotics",
        name="sulfonamide antibiotics",
        belongs="ATC J01EB to J01EE, and sulfasalazine (A07EC01), which becomes one",
        within=Degree.LIKELY,
        because="JTF 2010: sulfonamide antibiotics share the arylamine that reactions are about",
        called=(
            "sulfa",
            "sulfas",
            "sulfa drug",
            "sulfa drugs",
            "sulfa antibiotics",
            "sulphonamide",
            "sulphonamides",
            "sulfonamide",
            "sulfonamides",
            "sulfonamide antibiotic",
            "sulfonamide antibiotics",
            "sulfamides",
        ),
        members="""
            sulfamethoxazole: smx
            sulfadiazine
            sulfadoxine
            sulfisoxazole: sulfafurazole
            sulfacetamide
            sulfamethizole
            sulfasalazine: salazopyrin, azulfidine
        """,
    ),
    DrugClass(
        key="trimethoprim",
        name="trimethoprim",
        belongs="ATC J01EA",
        within=Degree.LIKELY,
        because="ATC: trimethoprim and derivatives",
        members="trimethoprim: tmp",
    ),
    DrugClass(
        key="macrolides",
        name="macrolides",
        belongs="ATC J01FA",
        within=Degree.POSSIBLE,
        because="caution: macrolides",
        called=("macrolide", "macrolides"),
        members="""
            erythromycin
            clarithromycin: biaxin, klacid
            azithromycin: zithromax
            roxithromycin
            spiramycin
            josamycin
            telithromycin
        """,
    ),
    DrugClass(
        key="lincosamides",
        name="lincosamides",
        belongs="ATC J01FF",
        within=Degree.LIKELY,
        because="Label: lincomycin and clindamycin are each contraindicated after a reaction to the other",
        called=("lincosamide", "lincosamides"),
        members="""
            clindamycin: cleocin, dalacin
            lincomycin
        """,
    ),
    DrugClass(
        key="fluoroquinolones",
        name="fluoroquinolones",
        belongs="ATC J01MA",
        within=Degree.LIKELY,
        because="Label: each is contraindicated after a reaction to any quinolone",
        called=("fluoroquinolone", "fluoroquinolones", "quinolone", "quinolones"),
        members="""
            ciprofloxacin: cipro
            levofloxacin: levaquin, tavanic
            moxifloxacin: avelox
            ofloxacin
            norfloxacin
            gemifloxacin
            delafloxacin
        """,
    ),
    DrugClass(
        key="tetracyclines",
        name="tetracyclines",
        belongs="ATC J01AA",
        within=Degree.LIKELY,
        because="Label: each is contraindicated after a reaction to any tetracycline",
        called=("tetracyclines",),
        members="""
            tetracycline
            doxycycline: vibramycin
            minocycline: minocin
            oxytetracycline
            demeclocycline
            lymecycline
            tigecycline: tygacil
            eravacycline
            omadacycline
        """,
    ),
    DrugClass(
        key="aminoglycosides",
        name="aminoglycosides",
        belongs="ATC J01G",
        within=Degree.LIKELY,
        because="Label: each is contraindicated after a reaction to any aminoglycoside",
        called=("aminoglycoside", "aminoglycosides"),
        members="""
            gentamicin: gentamycin, garamycin
            tobramycin: nebcin, tobi
            amikacin
            streptomycin
            neomycin
            kanamycin
            netilmicin
            plazomicin
        """,
    ),
    DrugClass(
        key="glycopeptides",
        name="glycopeptides",
        belongs="ATC J01XA",
        within=Degree.POSSIBLE,
        because="caution: glycopeptides",
        called=("glycopeptide", "glycopeptides"),
        members="""
            vancomycin: vancocin
            teicoplanin: targocid
            telavancin
            dalbavancin
            oritavancin
        """,
    ),
    DrugClass(
        key="nitroimidazoles",
        name="nitroimidazoles",
        belongs="ATC J01XD and P01AB",
        within=Degree.LIKELY,
        because="Label: each is contraindicated after a reaction to any nitroimidazole",
        called=("nitroimidazole", "nitroimidazoles"),
        members="""
            metronidazole: flagyl
            tinidazole
            secnidazole
            ornidazole
            benznidazole
        """,
    ),
    DrugClass(
        key="azoles",
        name="azole antifungals",
        belongs="ATC J02AB and J02AC",
        within=Degree.POSSIBLE,
        because="caution: azole antifungals",
        called=("azole", "azoles", "azole antifungal", "azole antifungals"),
        members="""
            fluconazole: diflucan
            itraconazole: sporanox
            voriconazole: vfend
            posaconazole: noxafil
            isavuconazole: isavuconazonium, cresemba
            ketoconazole: nizoral
            miconazole
        """,
    ),
    DrugClass(
        key="echinocandins",
        name="echinocandins",
        belongs="ATC J02AX",
        within=Degree.LIKELY,
        because="Label: each is contraindicated after a reaction to any echinocandin",
        called=("echinocandin", "echinocandins"),
        members="""
            caspofungin: cancidas
            micafungin
            anidulafungin
        """,
    ),
    DrugClass(
        key="rifamycins",
        name="rifamycins",
        belongs="ATC J04AB",
        within=Degree.LIKELY,
        because="Label: each is contraindicated after a reaction to any rifamycin",
        called=("rifamycin", "rifamycins"),
        members="""
            rifampicin: rifampin
            rifabutin
            rifapentine
            rifaximin
        """,
    ),
)
