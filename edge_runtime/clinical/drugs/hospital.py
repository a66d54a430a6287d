"""Classes of drugs of theatre, ward and imaging: clotting, lipids, seizures, muscle relaxants, contrast, insulins.

Owns the members and their names, as `beta_lactams` does.

Source: WHO ATC/DDD Index, and for degrees the publication that each class names.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.clinical.drugs.others import FONDAPARINUX, HEPARINS
from edge_runtime.clinical.drugs.table import Degree, DrugClass

HOSPITAL: Final = (
    DrugClass(
        key="statins",
        name="statins",
        belongs="ATC C10AA",
        within=Degree.POSSIBLE,
        because="caution: statins",
        called=("statin", "statins"),
        members="""
            simvastatin: zocor
            atorvastatin: lipitor
            rosuvastatin: crestor
            pravastatin: pravachol
            lovastatin: mevacor
            fluvastatin: lescol
            pitavastatin
        """,
    ),
    DrugClass(
        key="aromatic_anticonvulsants",
        name="aromatic anticonvulsants",
        belongs="ATC N03AA, N03AB, N03AF, and lamotrigine (N03AX09)",
        within=Degree.LIKELY,
        because="Shear 1988: hypersensitivity to one aromatic anticonvulsant often extends to the others",
        called=("aromatic anticonvulsants", "aromatic antiepileptics", "hydantoins", "barbiturates", "barbiturate"),
        members="""
            phenytoin: dilantin, diphenylhydantoin
            fosphenytoin: cerebyx
            carbamazepine: tegretol
            oxcarbazepine: trileptal
            eslicarbazepine: aptiom
            phenobarbital: phenobarbitone
            primidone: mysoline
            lamotrigine: lamictal
        """,
    ),
    DrugClass(
        key="iodinated_contrast",
        name="iodinated contrast media",
        belongs="ATC V08A",
        within=Degree.LIKELY,
        because="ACR: a reaction to one iodinated contrast medium raises the risk with any other",
        called=(
            "iodinated contrast",
            "iodinated contrast media",
            "iodinated contrast medium",
            "contrast dye",
            "iodine contrast",
            "iv contrast",
            "radiocontrast",
            "contrast media",
            "contrast medium",
            "xray dye",
        ),
        members="""
            iohexol: omnipaque
            iodixanol: visipaque
            iopamidol: isovue
            iopromide: ultravist
            ioversol: optiray
            iomeprol
            iobitridol
            ioxaglate: ioxaglic acid
            diatrizoate: amidotrizoate, gastrografin
        """,
    ),
    DrugClass(
        key="gadolinium_contrast",
        name="gadolinium contrast media",
        belongs="ATC V08CA",
        within=Degree.LIKELY,
        because="ACR: a reaction to one gadolinium contrast medium raises the risk with any other",
        called=("gadolinium", "gadolinium contrast", "mri contrast"),
        members="""
            gadobutrol: gadavist, gadovist
            gadoteric acid: gadoterate, dotarem
            gadobenic acid: gadobenate
            gadoxetic acid: gadoxetate
            gadopentetic acid: gadopentetate
            gadodiamide
            gadoteridol
        """,
    ),
    DrugClass(
        key=HEPARINS,
        name="heparins",
        belongs="ATC B01AB",
        within=Degree.LIKELY,
        because="ASH 2018: antibodies of heparin-induced thrombocytopenia meet low-molecular-weight heparins too",
        called=("heparins", "low molecular weight heparin", "low molecular weight heparins", "lmwh"),
        members="""
            heparin
            enoxaparin: lovenox, clexane
            dalteparin: fragmin
            tinzaparin
            nadroparin
            bemiparin
        """,
    ),
    DrugClass(
        key=FONDAPARINUX,
        name="fondaparinux",
        belongs="ATC B01AX05",
        within=Degree.LIKELY,
        because="ATC: one substance",
        members="fondaparinux: arixtra",
    ),
    DrugClass(
        key="neuromuscular_blockers",
        name="neuromuscular blockers",
        belongs="ATC M03A",
        within=Degree.LIKELY,
        because="Mertes 2011: the quaternary ammonium is shared, and reactions to several are frequent",
        called=(
            "neuromuscular blocker",
            "neuromuscular blockers",
            "muscle relaxants for anaesthesia",
            "neuromuscular blocking agent",
            "neuromuscular blocking agents",
        ),
        members="""
            rocuronium: rocuronio, zemuron, esmeron
            vecuronium: vecuronio
            pancuronium: pancuronio
            atracurium: atracurio
            cisatracurium: cisatracurio, nimbex
            mivacurium: mivacurio
            suxamethonium: succinylcholine, suxametonio, succinilcolina, anectine
        """,
    ),
    DrugClass(
        key="insulins",
        name="insulins",
        belongs="ATC A10A",
        within=Degree.LIKELY,
        because="caution: insulins",
        called=("insulin", "insulins"),
        members="""
            human insulin: insulin human, insulin regular, regular insulin, humulin, novolin, actrapid
            insulin lispro: lispro, humalog
            insulin aspart: aspart, novolog, novorapid
            insulin glulisine: glulisine, apidra
            insulin glargine: glargine, lantus, toujeo
            insulin detemir: detemir, levemir
            insulin degludec: degludec, tresiba
            isophane insulin: nph insulin, insulin nph, insulin isophane
        """,
    ),
    DrugClass(
        key="sulfonamide_non_antibiotics",
        name="sulfonamides that are no antibiotics",
        belongs="ATC C03AA, C03BA, C03CA, S01EC",
        within=Degree.LOW,
        because="Strom 2003: reactions follow a disposition to allergies, not a shared structure",
        members="""
            furosemide: frusemide, lasix
            bumetanide
            torasemide: torsemide
            hydrochlorothiazide: hctz
            chlortalidone: chlorthalidone
            indapamide
            metolazone
            acetazolamide: diamox
        """,
    ),
    DrugClass(
        key="corticosteroids",
        name="systemic corticosteroids",
        belongs="ATC H02AB",
        within=Degree.POSSIBLE,
        because="caution: systemic corticosteroids",
        called=("corticosteroid", "corticosteroids"),
        members="""
            prednisone
            prednisolone
            methylprednisolone: solu medrol, medrol
            dexamethasone: decadron
            hydrocortisone: cortisol, solu cortef
            betamethasone
            triamcinolone
            deflazacort
        """,
    ),
)
