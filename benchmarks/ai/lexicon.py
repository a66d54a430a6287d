"""Words that fabrications are made of: drugs by class, what people are allergic to, symptoms and signs.

Owned by the evaluation and written for it alone: what the product knows of drugs is never read here, so that a gap
there shows as a miss.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

_CLASSES: Final = """
analgesic: paracetamol ibuprofen naproxen diclofenac meloxicam celecoxib indometacin ketorolac etoricoxib metamizole
opioid: morphine oxycodone codeine tramadol fentanyl hydrocodone hydromorphone buprenorphine methadone tapentadol
statin: atorvastatin simvastatin rosuvastatin pravastatin fluvastatin ezetimibe fenofibrate
ace: lisinopril ramipril enalapril perindopril captopril losartan valsartan candesartan irbesartan telmisartan
 olmesartan
beta: bisoprolol metoprolol atenolol carvedilol propranolol nebivolol labetalol sotalol
calcium: amlodipine felodipine nifedipine diltiazem verapamil lercanidipine
diuretic: furosemide torasemide bumetanide hydrochlorothiazide chlortalidone indapamide spironolactone eplerenone
diabetes: metformin gliclazide glipizide glimepiride sitagliptin linagliptin empagliflozin dapagliflozin pioglitazone
 semaglutide liraglutide dulaglutide glargine lispro aspart glyburide
clotting: warfarin apixaban rivaroxaban edoxaban dabigatran clopidogrel ticagrelor prasugrel enoxaparin heparin aspirin
penicillin: amoxicillin flucloxacillin penicillin ampicillin piperacillin
antibiotic: azithromycin clarithromycin erythromycin doxycycline minocycline ciprofloxacin levofloxacin moxifloxacin
 nitrofurantoin trimethoprim clindamycin metronidazole vancomycin gentamicin cefuroxime ceftriaxone cephalexin linezolid
antiviral: aciclovir valaciclovir oseltamivir
antifungal: fluconazole itraconazole terbinafine nystatin
antidepressant: sertraline citalopram escitalopram fluoxetine paroxetine venlafaxine duloxetine mirtazapine bupropion
 trazodone amitriptyline nortriptyline
calming: lorazepam diazepam alprazolam clonazepam zopiclone zolpidem hydroxyzine
antipsychotic: quetiapine olanzapine risperidone aripiprazole haloperidol clozapine
seizure: levetiracetam lamotrigine carbamazepine valproate phenytoin topiramate gabapentin pregabalin
lung: salbutamol tiotropium ipratropium budesonide formoterol salmeterol fluticasone montelukast beclometasone
steroid: prednisolone prednisone dexamethasone hydrocortisone methylprednisolone
stomach: omeprazole pantoprazole lansoprazole esomeprazole famotidine ranitidine
nausea: ondansetron metoclopramide domperidone cyclizine prochlorperazine
thyroid: levothyroxine carbimazole methimazole liothyronine
bone: alendronate risedronate denosumab
gout: allopurinol colchicine febuxostat
joint: methotrexate hydroxychloroquine sulfasalazine leflunomide azathioprine adalimumab
allergy: cetirizine loratadine fexofenadine diphenhydramine
heart: digoxin amiodarone flecainide hydralazine isosorbide ivabradine
bladder: tamsulosin finasteride oxybutynin solifenacin mirabegron
parkinson: levodopa pramipexole ropinirole
migraine: sumatriptan rizatriptan zolmitriptan
dementia: donepezil memantine rivastigmine
muscle: baclofen cyclobenzaprine tizanidine methocarbamol
bowel: senna lactulose bisacodyl loperamide macrogol
attention: methylphenidate atomoxetine lisdexamfetamine
"""
_NAMES: Final = """
paracetamol=acetaminophen,tylenol,panadol ibuprofen=motrin,advil,nurofen naproxen=aleve,naprosyn salbutamol=albuterol,
ventolin furosemide=lasix atorvastatin=lipitor simvastatin=zocor rosuvastatin=crestor lisinopril=zestril,prinivil
metoprolol=toprol,lopressor amlodipine=norvasc metformin=glucophage glargine=lantus lispro=humalog warfarin=coumadin
apixaban=eliquis rivaroxaban=xarelto clopidogrel=plavix enoxaparin=lovenox azithromycin=zithromax ciprofloxacin=cipro
metronidazole=flagyl cephalexin=keflex,cefalexin levofloxacin=levaquin sertraline=zoloft citalopram=celexa
escitalopram=lexapro fluoxetine=prozac paroxetine=paxil bupropion=wellbutrin duloxetine=cymbalta lorazepam=ativan
diazepam=valium alprazolam=xanax clonazepam=klonopin zolpidem=ambien quetiapine=seroquel olanzapine=zyprexa
risperidone=risperdal aripiprazole=abilify haloperidol=haldol levetiracetam=keppra phenytoin=dilantin topiramate=topamax
gabapentin=neurontin pregabalin=lyrica tiotropium=spiriva montelukast=singulair omeprazole=prilosec
pantoprazole=protonix esomeprazole=nexium famotidine=pepcid ranitidine=zantac ondansetron=zofran metoclopramide=reglan
levothyroxine=synthroid
alendronate=fosamax methotrexate=trexall hydroxychloroquine=plaquenil cetirizine=zyrtec loratadine=claritin
fexofenadine=allegra diphenhydramine=benadryl tamsulosin=flomax finasteride=proscar donepezil=aricept memantine=namenda
sumatriptan=imitrex meloxicam=mobic celecoxib=celebrex tramadol=ultram oxycodone=oxycontin,percocet hydrocodone=vicodin,
lortab,norco losartan=cozaar valsartan=diovan carvedilol=coreg diltiazem=cardizem hydrochlorothiazide=hctz
spironolactone=aldactone digoxin=lanoxin amiodarone=cordarone cyclobenzaprine=flexeril valproate=depakote
carbamazepine=tegretol methylphenidate=ritalin,concerta trazodone=desyrel venlafaxine=effexor
fluticasone=flonase,flovent torasemide=torsemide aciclovir=acyclovir dexamethasone=decadron aspirin=asa
sitagliptin=januvia
"""
ALLERGENS: Final = (
    "penicillin", "amoxicillin", "sulfa drugs", "cephalosporins", "ciprofloxacin", "erythromycin", "vancomycin",
    "codeine", "morphine", "tramadol", "ibuprofen", "naproxen", "aspirin", "lisinopril", "metformin", "latex",
    "iodine", "contrast medium", "peanuts", "shellfish", "eggs", "bee stings", "lidocaine", "nickel",
    "doxycycline", "clindamycin",
)  # fmt: skip
REACTIONS: Final = ("rash", "hives", "anaphylaxis", "facial swelling", "vomiting", "wheezing", "itching", "angioedema")
FINDINGS: Final = (
    "fever", "chills", "night sweats", "weight loss", "weight gain", "fatigue", "headache", "dizziness", "syncope",
    "chest pain", "palpitations", "shortness of breath", "cough", "wheezing", "haemoptysis", "hemoptysis",
    "nausea", "vomiting", "diarrhea", "diarrhoea", "constipation", "abdominal pain", "heartburn", "dysuria",
    "haematuria", "hematuria", "incontinence", "numbness", "tingling", "weakness", "seizures", "tremor", "rash",
    "itching", "swelling", "edema", "oedema", "bruising", "bleeding", "joint pain", "back pain", "neck pain",
    "blurred vision", "double vision", "hearing loss", "sore throat", "runny nose", "crackles", "murmur",
    "tenderness", "erythema", "redness", "discharge", "insomnia", "anxiety", "photophobia", "stiffness", "clots",
    "smell", "ascites", "sweating", "wheeze", "effusion", "lymphadenopathy", "jaundice", "cyanosis",
    "hallucinations", "suicidal ideation", "dyspnea", "dyspnoea", "bloating", "pitting edema", "pitting oedema",
    "rales", "rhonchi", "depression", "confusion", "ulcers", "slough", "blisters", "hypertension", "diabetes",
    "asthma", "stroke", "hypoglycaemia",
)  # fmt: skip


@cache
def classes() -> Mapping[str, tuple[str, ...]]:
    """Generic names by class."""
    lines = _CLASSES.replace("\n ", " ").strip().splitlines()
    return {line.partition(":")[0]: tuple(line.partition(":")[2].split()) for line in lines}


@cache
def same_drug() -> Mapping[str, tuple[str, ...]]:
    """Every name to all names of that drug, itself among them."""
    joined = _NAMES.replace(",\n", ",").split()
    named = {generic: (generic, *names.split(",")) for generic, _, names in (row.partition("=") for row in joined)}
    drugs = (drug for group in classes().values() for drug in group)
    rows = [named.get(drug, (drug,)) for drug in drugs]
    return {name: row for row in rows for name in row}


@cache
def drug_pattern() -> re.Pattern[str]:
    """Any name of any drug, as a word."""
    names = sorted(same_drug(), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE)


@cache
def finding_pattern() -> re.Pattern[str]:
    """Any symptom or sign, as words."""
    names = sorted(FINDINGS, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE)


def class_of(name: str) -> str:
    """The class of a drug; empty where it is unknown."""
    row = same_drug().get(name.lower(), ())
    return next((group for group, drugs in classes().items() if set(drugs) & set(row)), "")


def mentions_drug(text: str, name: str) -> bool:
    """Whether a text names this drug, by whatever name."""
    names = same_drug().get(name.lower(), (name.lower(),))
    return re.search(rf"\b(?:{'|'.join(map(re.escape, names))})\b", text, re.IGNORECASE) is not None
