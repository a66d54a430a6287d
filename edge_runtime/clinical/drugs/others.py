"""Classes of drugs other than antibiotics: for pain, anaesthesia, heart, seizures, clotting, imaging, diabetes.

Owns the members and their names, as `beta_lactams` does.

Source: WHO ATC/DDD Index, and for degrees the publication that each class names.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.clinical.drugs.table import Degree, DrugClass

NSAIDS: Final = "nsaids"
COXIBS: Final = "coxibs"
PARACETAMOL: Final = "paracetamol"
PHENANTHRENES: Final = "opioid_phenanthrenes"
PHENYLPIPERIDINES: Final = "opioid_phenylpiperidines"
DIPHENYLHEPTANES: Final = "opioid_diphenylpropylamines"
ACE_INHIBITORS: Final = "ace_inhibitors"
ARBS: Final = "angiotensin_receptor_blockers"
NEPRILYSIN: Final = "neprilysin_inhibitors"
HEPARINS: Final = "heparins"
FONDAPARINUX: Final = "fondaparinux"

OTHERS: Final = (
    DrugClass(
        key=NSAIDS,
        name="non-selective NSAIDs and salicylates",
        belongs="ATC M01A without M01AH, N02BA",
        within=Degree.LIKELY,
        because="Kowalski 2013: in the cross-reactive types every strong inhibitor of COX-1 provokes",
        called=("nsaid", "nsaids", "salicylate", "salicylates", "aine", "aines", "ains"),
        members="""
            acetylsalicylic acid: aspirin, asa, acido acetilsalicilico, acide acetylsalicylique, ecotrin
            ibuprofen: advil, motrin, nurofen
            naproxen: aleve, naprosyn
            diclofenac: voltaren
            ketorolac: toradol
            ketoprofen
            dexketoprofen
            flurbiprofen
            indometacin: indomethacin
            piroxicam
            meloxicam
            tenoxicam
            sulindac
            etodolac
            nabumetone
            mefenamic acid: acido mefenamico, acide mefenamique
            metamizole: dipyrone, dipirona
            diflunisal
            oxaprozin
        """,
    ),
    DrugClass(
        key=COXIBS,
        name="selective COX-2 inhibitors",
        belongs="ATC M01AH",
        within=Degree.POSSIBLE,
        because="Kowalski 2013: most who react to several NSAIDs tolerate them",
        called=("coxib", "coxibs", "cox 2 inhibitor", "cox 2 inhibitors"),
        members="""
            celecoxib: celebrex
            etoricoxib: arcoxia
            parecoxib: dynastat
        """,
    ),
    DrugClass(
        key=PARACETAMOL,
        name="paracetamol",
        belongs="ATC N02BE01",
        within=Degree.LIKELY,
        because="ATC: one substance",
        members="paracetamol: acetaminophen, apap, tylenol, panadol",
    ),
    DrugClass(
        key=PHENANTHRENES,
        name="phenanthrene opioids",
        belongs="ATC N02AA, R05DA04, N02AE, N02AF",
        within=Degree.POSSIBLE,
        because="JTF 2010: opioids release histamine, so that most reactions to them are no allergies",
        called=("opioid", "opioids", "opiate", "opiates", "narcotics"),
        members="""
            morphine: ms contin
            codeine
            hydromorphone: dilaudid
            oxycodone: oxycontin
            hydrocodone
            oxymorphone
            dihydrocodeine
            buprenorphine
            nalbuphine
            butorphanol
        """,
    ),
    DrugClass(
        key=PHENYLPIPERIDINES,
        name="phenylpiperidine opioids",
        belongs="ATC N02AB, N01AH",
        within=Degree.POSSIBLE,
        because="JTF 2010: opioids release histamine, so that most reactions to them are no allergies",
        called=("opioid", "opioids"),
        members="""
            fentanyl: duragesic, sublimaze
            alfentanil
            sufentanil
            remifentanil
            pethidine: meperidine, demerol
        """,
    ),
    DrugClass(
        key=DIPHENYLHEPTANES,
        name="diphenylpropylamine opioids",
        belongs="ATC N02AC, N07BC02",
        within=Degree.POSSIBLE,
        because="JTF 2010: opioids release histamine, so that most reactions to them are no allergies",
        called=("opioid", "opioids"),
        members="""
            methadone: dolophine
            levomethadone
            dextropropoxyphene: propoxyphene
        """,
    ),
    DrugClass(
        key="tramadol_tapentadol",
        name="tramadol and tapentadol",
        belongs="ATC N02AX",
        within=Degree.POSSIBLE,
        because="Label: tramadol is contraindicated after a reaction to any opioid",
        called=("opioid", "opioids"),
        members="""
            tramadol: ultram
            tapentadol: nucynta
        """,
    ),
    DrugClass(
        key="amide_anaesthetics",
        name="local anaesthetics, amides",
        belongs="ATC N01BB",
        within=Degree.POSSIBLE,
        because="JTF 2010: allergy to an amide is rare",
        called=(
            "amide anesthetics",
            "amide local anesthetics",
            "local anesthetic",
            "local anesthetics",
            "local anaesthetic",
            "local anaesthetics",
            "caines",
        ),
        members="""
            lidocaine: lignocaine, xylocaine
            bupivacaine: marcaine
            levobupivacaine
            ropivacaine: naropin
            mepivacaine: carbocaine
            prilocaine
            articaine: septocaine
        """,
    ),
    DrugClass(
        key="ester_anaesthetics",
        name="local anaesthetics, esters",
        belongs="ATC N01BA and N01BC",
        within=Degree.LIKELY,
        because="JTF 2010: esters cross-react with each other",
        called=(
            "ester anesthetics",
            "ester local anesthetics",
            "local anesthetic",
            "local anesthetics",
            "local anaesthetic",
            "local anaesthetics",
            "caines",
        ),
        members="""
            procaine: novocaine, novocain
            chloroprocaine
            tetracaine: amethocaine
            benzocaine
            proxymetacaine: proparacaine
        """,
    ),
    DrugClass(
        key=ACE_INHIBITORS,
        name="ACE inhibitors",
        belongs="ATC C09A",
        within=Degree.LIKELY,
        because="Label: each is contraindicated after angioedema with any ACE inhibitor",
        called=("ace inhibitor", "ace inhibitors", "acei", "ieca", "iec"),
        members="""
            lisinopril: zestril, prinivil
            enalapril: vasotec
            enalaprilat
            captopril
            ramipril: altace
            perindopril
            quinapril: accupril
            benazepril: lotensin
            fosinopril
            trandolapril
            moexipril
            cilazapril
            imidapril
        """,
    ),
    DrugClass(
        key=ARBS,
        name="angiotensin receptor blockers",
        belongs="ATC C09C",
        within=Degree.POSSIBLE,
        because="caution: angiotensin receptor blockers",
        called=("arb", "arbs", "angiotensin receptor blocker", "angiotensin receptor blockers", "sartans"),
        members="""
            losartan: cozaar
            valsartan: diovan
            candesartan: atacand
            irbesartan: avapro
            olmesartan: benicar
            telmisartan: micardis
            azilsartan
            eprosartan
        """,
    ),
    DrugClass(
        key=NEPRILYSIN,
        name="neprilysin inhibitors",
        belongs="ATC C09DX04",
        within=Degree.LIKELY,
        because="ATC: one substance",
        members="sacubitril",
    ),
)
