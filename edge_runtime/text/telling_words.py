"""The words that a merge may not change unseen: units and negations, in the languages of the wards that we know.

Owns closed tables; `docs/protocol.md` has the same, and a test compares them. A word that is not here is an ordinary
one, and a line with it merges. All words are composed (NFKC), case-folded, and without Arabic vowel signs and tatweel.
"""

from __future__ import annotations

from typing import Final


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


SYMBOLS: Final = frozenset("%‰°")
"""Units that are no words."""
UNITS: Final = _words(
    "mg mcg μg ug ng pg kg cg dg gr gm gms grams gram gramme grammes gramo gramos grama gramas miligramo miligramos",
    "miligrama miligramas milligram milligrams milligramme milligrammes microgram micrograms microgramos microgramas",
    "ml dl cl μl ul fl cc liter liters litre litres litro litros mililitro mililitros millilitre millilitres",
    "iu ui miu mui unit units unidad unidades unidade unité unités unite unites einheit einheiten",
    "mmol mol μmol umol nmol pmol meq mosm kcal kj mmhg cmh kpa hpa mbar torr bpm rpm ppm mm cm km μm nm lb lbs oz",
    "tab tabs tablet tablets tablette tablettes cap caps capsule capsules comprimido comprimidos comprimé comprimés",
    "cápsula cápsulas gélule gélules pill pills pastilla pastillas drop drops gtt gtts gota gotas goutte gouttes",
    "puff puffs bouffée bouffées ampoule ampoules ampolla ampollas ampola ampolas vial vials sachet sachets tsp tbsp",
    "teaspoon teaspoons tablespoon tablespoons cucharada cucharadas cucharadita cucharaditas colher colheres",
    "cuillère cuillères percent",
    "ملغ ملجم ملغم مجم مغ مكغ مكجم ميكروغرام ميكروجرام ميلغرام مليغرام ملليجرام غرام جرام كغ كجم كيلو كيلوغرام",
    "مل ملل مليلتر ملليلتر لتر سم وحدة وحدات قرص أقراص اقراص حبة حبات حبوب كبسولة كبسولات قطرة قطرات ملعقة ملاعق",
    "بخة بخات أمبولة امبولة مول ملمول",
    "मिग्रा मिलीग्राम माइक्रोग्राम ग्राम किग्रा किलो किलोग्राम मिली मिलीलीटर लीटर यूनिट इकाई गोली गोलियां गोलियाँ",
    "टैबलेट कैप्सूल बूंद बूंदें बूँद बूँदें चम्मच प्रतिशत",
)
"""Units wherever they stand."""
UNITS_AFTER_NUMBERS: Final = _words(
    "g l m h d s u c f j",
    "min mins minute minutes minuto minutos sec secs second seconds segundo segundos seconde secondes",
    "hr hrs hour hours hora horas heure heures day days día días dia dias jour jours",
    "wk wks week weeks semana semanas semaine semaines month months mes meses mês mois",
    "yr yrs year years año años ano anos an ans thousand million millions mil millón millones milhão milhões",
    "دقيقة دقائق ثانية ثواني ساعة ساعات يوم أيام ايام يوما اسبوع أسبوع أسابيع اسابيع شهر أشهر اشهر شهور سنة سنوات",
    "عام ألف مليون",
    "मिनट सेकंड सेकेंड घंटा घंटे घण्टे दिन दिनों हफ्ता हफ्ते सप्ताह महीना महीने माह साल वर्ष हजार लाख",
)
"""Units only behind a number or another unit: by themselves they mean something else, or nothing much."""
NEGATIONS: Final = _words(
    "no not none never neither nor nothing nobody nil without deny denies denied denying cannot w/o",
    "cant dont doesnt didnt isnt arent wasnt werent wont hasnt havent hadnt couldnt shouldnt",
    "negative neg absent absence lack lacks lacking unlikely exclude excludes excluded ø ∅ -ve +ve",
    "ni nunca jamás jamas sin niega niegan niego negó negado negada ningún ningun ninguno ninguna ningunos ningunas",
    "nada nadie tampoco negativo negativa negativos negativas ausente ausentes ausencia",
    "não nao nem sem nega negam nego negou nenhum nenhuma nenhuns nenhumas ninguém ninguem tampouco jamais ausência",
    "ne non pas sans nie nient nié niée aucun aucune aucuns aucunes rien guère négatif négative négatifs négatives",
    "negatif absente absents absentes",
    "nicht kein keine keinen keinem keiner keines nie niemals nichts ohne verneint negativ weder",
    "لا ليس ليست ليسوا لست لم لن بدون دون غير بلا عدم انعدام غياب ينفي تنفي ينفى نفى نفت ينكر تنكر أنكر أنكرت",
    "انكر انكرت سلبي سلبية",
    "لايوجد لاتوجد مافي ماعنده ماعندها مفيش ولا وليس وليست ولم ولن وبدون ودون وغير وبلا فلا فليس فلم فلن",
    "नहीं नही न ना मत बिना बगैर बग़ैर रहित इनकार इंकार निषेध नकारात्मक नेगेटिव अनुपस्थित nahi nahin",
)
"""Words that turn what stands beside them into its opposite, and `+ve`, which takes such a turn back."""
