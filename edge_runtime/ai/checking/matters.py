"""Names of symptoms, signs, conditions and habits: what a note affirms and denies, and the other words for it.

Owns a list for comparison only. One line is one matter: its names apart by a bar, as words of which the small ones
("in", "of", "your") do not count, so that "chest pain" and "pain in my chest" are two names. It was written from
general knowledge of clinical notes and of how patients talk; what is missing here is still compared word by word where
a sentence of a draft has a close match in the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.checking.words import FILLERS, stem

_LINES: Final = """
fever | fevers | febrile | pyrexia
chills | chill | shivering
rigors
night sweats | sweats night | sweating night
diaphoresis | sweating | sweats | sweaty | diaphoretic
chest pain | chest pains | pain chest | chest discomfort | discomfort chest | chest tightness | tightness chest
chest pain | chest pressure | pressure chest | chest hurt | angina
shortness breath | short breath | dyspnea | sob | breathlessness | breathless | difficulty breathing
shortness breath | trouble breathing | hard breathe | problems breathing
palpitations | palpitation | heart racing | racing heart | fluttering | heart fluttering
orthopnea
cough | coughs | coughing
hemoptysis | coughing blood | cough blood
sputum | phlegm
wheezing | wheeze | wheezes
sore throat | throat pain | pain throat | throat sore
runny nose | rhinorrhea
nasal congestion | stuffy nose | congestion nasal | sinus congestion | congestion
nausea | nauseous | nauseated
vomiting | vomit | vomits | emesis | throwing up | throw up | threw up | vomited
diarrhea | diarrhoea | loose stools | watery stools
constipation | constipated
abdominal pain | belly pain | stomach pain | pain abdomen | pain belly | pain stomach | tummy pain
abdominal pain | stomach ache | stomachache | pain tummy | abdomen pain
heartburn | reflux | acid reflux | gerd
blood stool | blood stools | bloody stool | bloody stools | hematochezia | blood poop | rectal bleeding
melena | black stools | tarry stools | black stool
dysphagia | difficulty swallowing | trouble swallowing
dysuria | burning urination | pain urination | painful urination | burning urinate | burning pee | pain urinating
hematuria | blood urine | bloody urine
frequency urinary | urinary frequency
incontinence
headache | headaches | head pain
migraine | migraines
dizziness | dizzy | lightheaded | lightheadedness | lightheaded
syncope | fainting | faint | fainted | passing out | passed out | pass out | syncopal
loss consciousness | lost consciousness | lose consciousness
vertigo
seizure | seizures | convulsion | convulsions | epilepsy
stroke | strokes | cva
numbness | numb
tingling | pins needles | paresthesia | paresthesias
weakness
fatigue | tired | tiredness | fatigued | exhausted
malaise
weight loss | lost weight | losing weight
weight gain | gained weight | gaining weight
appetite loss | loss appetite | poor appetite | decreased appetite
rash | rashes
itching | itchy | itchiness | pruritus | pruritic
hives | urticaria
jaundice | icterus | yellow skin | yellowing
bruising | bruise | bruises | bruised | ecchymosis
bleeding | bleed
swelling | swollen | swell
edema | oedema
lower extremity edema | leg swelling | swelling legs | swollen legs | legs swollen | swelling ankles | ankle swelling
back pain | pain back | back hurt | backache
neck pain | pain neck | neck stiffness | stiff neck
joint pain | pain joints | arthralgia | arthralgias | joint pains
muscle aches | myalgia | myalgias | body aches | muscle pain | muscle ache
knee pain | pain knee
hip pain | pain hip
shoulder pain | pain shoulder
ear pain | earache | otalgia | pain ear | ear hurt
hearing loss | loss hearing | trouble hearing
blurry vision | blurred vision | vision changes | visual changes | changes vision | vision blurry
blurry vision | double vision | diplopia
eye pain | pain eye
photophobia | light sensitivity | sensitivity light
anxiety | anxious
depression | depressed
suicidal | suicide | harm yourself | hurting yourself | killing yourself
homicidal | hurt others
hallucinations | hallucination | hearing voices
insomnia | trouble sleeping | difficulty sleeping
confusion | confused
memory loss | forgetful
smoking | smoke | smokes | smoked | smoker | tobacco | cigarettes | cigarette
alcohol | drink alcohol | alcoholic | etoh
drug use | drugs | illicit drug | illicit drugs | recreational drugs | street drugs | ivdu
marijuana | cannabis | weed
cocaine
hypertension | high blood pressure | htn
hypotension | low blood pressure
diabetes | diabetic | diabetes mellitus | dm
hyperlipidemia | high cholesterol | hypercholesterolemia
asthma | asthmatic
copd | emphysema
heart failure | chf
heart disease | coronary disease | coronary artery disease | cad
heart attack | myocardial infarction
atrial fibrillation | afib | a-fib
cancer | malignancy | cancers
anemia | anaemia | anemic
arthritis
gout
kidney disease | renal disease | ckd
kidney stones | kidney stone | nephrolithiasis
liver disease | cirrhosis
hepatitis
hiv
tuberculosis | tb
pneumonia
bronchitis
sinusitis | sinus infection
sleep apnea
thyroid disease | hypothyroidism | thyroid problems
pregnant | pregnancy
surgery | surgeries | operation | operations
trauma
fall | falls | fell | fallen
fracture | fractures | fractured | broken
dislocation
infection | infections | infected
sepsis
murmur | murmurs
gallop | gallops
rales | rhonchi | crackles
retractions
cyanosis | cyanotic
clubbing
erythema | redness
warmth
effusion
ecchymoses
tenderness | tender | tender palpation | pain palpation
guarding
rebound
rigidity
distension | distended | distention | bloating | bloated
organomegaly | hepatosplenomegaly | splenomegaly | hepatomegaly
mass | masses
hernia | hernias
lymphadenopathy | adenopathy | swollen glands
thyromegaly | goiter
bruit | bruits
nasal discharge
vaginal discharge
purulent discharge
drainage
exudate | exudates
laceration | lacerations
lesion | lesions
deformity | deformities
nodule | nodules
crepitus
instability
pneumothorax
consolidation | infiltrate | infiltrates
ischemia
thrombosis | dvt | blood clot | blood clots
embolism
hemorrhage
metastasis | metastases | metastatic
distress
tremor | tremors
nocturia
polyuria
polydipsia
radiating pain | pain radiating | pain radiates | pain radiate
sick contacts | exposed covid
vaccinated | vaccination | immunized | immunizations date
locking | catching
popping
clear auscultation | lungs clear
"""
AFFIXED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "afebrile": "fever", "nontender": "tenderness", "nondistended": "distension", "asymptomatic": "symptom",
        "atraumatic": "trauma", "anicteric": "jaundice", "nonsmoker": "smoking", "painless": "pain", "unable": "able",
        "noncontributory": "contributory", "acyanotic": "cyanosis", "nonradiating": "radiation", "edentulous": "teeth",
        "nonpregnant": "pregnant", "unvaccinated": "vaccinated", "normocephalic": "deform", "unremarkable": "abnormal",
        "nonpitting": "pitting", "nonproductive": "productive", "asthenic": "asthenic", "nonsmoking": "smoking",
    }
)  # fmt: skip
"""Words that deny by themselves, and what they deny."""


KEPT: Final = frozenset({"out", "up"})
"""Small words that a name keeps: "passing out" is no passing."""


def _names() -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for line in _LINES.strip().splitlines():
        names = [name.split() for name in line.split("|")]
        matter = " ".join(names[0])
        for name in names:
            found[tuple(stem(word) for word in name if word not in FILLERS or word in KEPT)] = matter
    return found


@cache
def matters_by_stems() -> tuple[Mapping[tuple[str, ...], str], Mapping[str, int]]:
    """The matter of each name, by the stems of its words; and how long a name may be that begins with a stem."""
    names = _names()
    longest: dict[str, int] = {}
    for name in names:
        longest[name[0]] = max(longest.get(name[0], 0), len(name))
    return MappingProxyType(names), MappingProxyType(longest)
