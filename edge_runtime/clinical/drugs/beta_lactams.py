"""Beta-lactam antibiotics: penicillins, cephalosporins, carbapenems, monobactams, and what inhibits beta-lactamases.

Owns the members and their names: the international one first, then others, brands among them as far as they are plain.
Spellings in Spanish, French and Portuguese are found by rule (see `names`), and stand here only where no rule leads to
them. Source: WHO ATC/DDD Index, and for degrees the publication that each class names.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.clinical.drugs.table import Degree, DrugClass

PENICILLINS: Final = "penicillins"
CEPHALOSPORINS: Final = "cephalosporins"
CARBAPENEMS: Final = "carbapenems"

BETA_LACTAMS: Final = (
    DrugClass(
        key=PENICILLINS,
        name="penicillins",
        belongs="ATC J01C",
        within=Degree.LIKELY,
        because="Khan 2022: the penicillins share their core ring",
        called=("penicillin", "penicillins", "pcn", "beta lactam", "beta lactams"),
        members="""
            benzylpenicillin: penicillin g, crystalline penicillin, bicillin
            phenoxymethylpenicillin: penicillin v, pen vk
            amoxicillin: amoxycillin, amoxil
            ampicillin
            pivmecillinam: pivya, selexid
            piperacillin
            ticarcillin
            temocillin
            cloxacillin
            dicloxacillin
            flucloxacillin: floxacillin
            oxacillin
            nafcillin
            bacampicillin
            pivampicillin
        """,
    ),
    DrugClass(
        key=CEPHALOSPORINS,
        name="cephalosporins",
        belongs="ATC J01DB to J01DE and J01DI",
        within=Degree.POSSIBLE,
        because="Khan 2022: among cephalosporins the side chain decides, and most with another one are tolerated",
        called=("cephalosporin", "cephalosporins", "beta lactam", "beta lactams"),
        members="""
            cefalexin: cephalexin, keflex
            cefadroxil: duricef
            cefradine: cephradine
            cefalotin: cephalothin
            cefazolin: ancef, kefzol
            cefaclor: ceclor
            cefprozil: cefzil
            cefuroxime: zinnat, zinacef, ceftin
            cefoxitin: mefoxin
            cefotetan
            cefamandole
            cefatrizine
            ceftriaxone: rocephin
            cefotaxime: claforan
            ceftazidime: fortaz, fortum, tazicef
            ceftizoxime
            cefpodoxime
            cefixime: suprax
            cefdinir: omnicef
            cefditoren
            ceftibuten
            cefoperazone
            cefepime: maxipime
            cefpirome
            ceftaroline: ceftaroline fosamil, teflaro, zinforo
            ceftobiprole
            ceftolozane
            cefiderocol: fetroja
            loracarbef
        """,
    ),
    DrugClass(
        key=CARBAPENEMS,
        name="carbapenems",
        belongs="ATC J01DH",
        within=Degree.LIKELY,
        because="caution: carbapenems",
        called=("carbapenem", "carbapenems", "beta lactam", "beta lactams"),
        members="""
            imipenem
            meropenem: merrem
            ertapenem: invanz
            doripenem
        """,
    ),
    DrugClass(
        key="monobactams",
        name="monobactams",
        belongs="ATC J01DF",
        within=Degree.LIKELY,
        because="caution: monobactams",
        called=("monobactam", "monobactams"),
        members="aztreonam: azactam, cayston",
    ),
    DrugClass(
        key="beta_lactamase_inhibitors",
        name="beta-lactamase inhibitors",
        belongs="ATC J01CG and the combinations of J01CR",
        within=Degree.LIKELY,
        because="caution: clavulanate, sulbactam and tazobactam",
        members="""
            clavulanate: clavulanic acid, acido clavulanico, acide clavulanique
            sulbactam
            tazobactam
        """,
    ),
)
