"""What people call things, and the words of ICD-10-CM for it: abbreviations of the ward and plain words of patients.

Owns nothing but this list, which widens a search and never decides whether a code is valid. It is ours, short, and no
terminology: what is missing here is still found by the release's own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_LINES: Final = """
abdomen = abdominal
afib = atrial fibrillation
aki = acute kidney failure
als = amyotrophic lateral sclerosis
anaemia = anemia
bedsore = pressure ulcer
belly = abdominal
bleeding = hemorrhage
blood clot = embolism | thrombosis
blood poisoning = sepsis
bowel = intestine | intestinal
bph = benign prostatic hyperplasia
breathlessness = dyspnea
broken = fracture
bruise = contusion
cad = atherosclerotic heart disease
cancer = malignant neoplasm
chf = heart failure
chicken pox = varicella
ckd = chronic kidney disease
copd = chronic obstructive pulmonary
covid19 = covid 19
cut = laceration
cva = cerebral infarction
diarrhoea = diarrhea
dm = diabetes mellitus
dvt = deep vein thrombosis | acute embolism thrombosis deep veins
fibre = fiber
flu = influenza
gallstones = calculus gallbladder
gerd = gastro esophageal reflux
giddiness = dizziness
haemorrhage = hemorrhage
heart attack = myocardial infarction
high blood pressure = hypertension
high blood sugar = hyperglycemia
hives = urticaria
htn = hypertension
itching = pruritus
kidney = renal
kidney stone = calculus kidney
kneecap = patella
leukaemia = leukemia
low blood pressure = hypotension
low blood sugar = hypoglycemia
lung = pulmonary
mi = myocardial infarction
miscarriage = spontaneous abortion
ms = multiple sclerosis
nosebleed = epistaxis
nstemi = non st elevation
oedema = edema
oesophageal = esophageal
paediatric = pediatric
pe = pulmonary embolism
piles = hemorrhoids
pink eye = conjunctivitis
pins and needles = paresthesia
pressure sore = pressure ulcer
ptsd = post traumatic stress
ra = rheumatoid arthritis
runny nose = rhinitis
seizure = convulsions | epilepsy
shingles = zoster
short of breath = shortness breath
sle = systemic lupus erythematosus
sore throat = pharyngitis
stemi = st elevation
stomach = gastric
stomach ache = abdominal pain
stroke = cerebral infarction
sugar diabetes = diabetes mellitus
tb = tuberculosis
throwing up = vomiting
tia = transient cerebral ischemic
tummy = abdominal
tumour = tumor
uri = upper respiratory infection
uti = urinary tract infection
wheeze = wheezing
whooping cough = pertussis
yeast infection = candidiasis
"""


def _read(lines: str) -> dict[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    found = {}
    for line in lines.strip().splitlines():
        said, _, meant = line.partition(" = ")
        found[tuple(said.split())] = tuple(tuple(one.split()) for one in meant.split(" | "))
    return found


PLAIN: Final[Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]]] = MappingProxyType(_read(_LINES))
"""What is said, as folded words, to what it may mean: one of several ways, of each all words."""
SAID_WORDS_MAX: Final = max(len(said) for said in PLAIN)
"""Words of the longest thing said."""
