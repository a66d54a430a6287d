"""A small book of phrases in English, Spanish and French, and the samples of translation that are made of it.

Owns the inventory: a few sentences of a consultation with places for numbers and drugs. It is far from a translator,
and whatever lies outside it comes out wrong; the skill's checks say so.
"""

from __future__ import annotations

import random
from typing import Final, NamedTuple

from edge_runtime.ai.maker import words
from edge_runtime.ai.maker.sample import Sample


class Phrase(NamedTuple):
    """One sentence in three languages; places are {n}, {drug} and {mg}."""

    en: str
    es: str
    fr: str


LANGUAGES: Final = ("es", "fr", "en")
PHRASES: Final = (
    Phrase("Take {drug} {mg} mg.", "Tome {drug} {mg} mg.", "Prenez {drug} {mg} mg."),
    Phrase(
        "Take {drug} {mg} mg twice a day.",
        "Tome {drug} {mg} mg dos veces al día.",
        "Prenez {drug} {mg} mg deux fois par jour.",
    ),
    Phrase(
        "Take {drug} {mg} mg once a day.",
        "Tome {drug} {mg} mg una vez al día.",
        "Prenez {drug} {mg} mg une fois par jour.",
    ),
    Phrase("Take {drug} every {n} hours.", "Tome {drug} cada {n} horas.", "Prenez {drug} toutes les {n} heures."),
    Phrase("Take it for {n} days.", "Tómelo durante {n} días.", "Prenez-le pendant {n} jours."),
    Phrase("Stop {drug}.", "Deje de tomar {drug}.", "Arrêtez {drug}."),
    Phrase("Do not take {drug}.", "No tome {drug}.", "Ne prenez pas {drug}."),
    Phrase("You are allergic to {drug}.", "Usted es alérgico a {drug}.", "Vous êtes allergique à {drug}."),
    Phrase("You have no known allergies.", "No tiene alergias conocidas.", "Vous n'avez pas d'allergie connue."),
    Phrase("You have a chest infection.", "Tiene una infección del pecho.", "Vous avez une infection du poumon."),
    Phrase("You have a urinary infection.", "Tiene una infección de orina.", "Vous avez une infection urinaire."),
    Phrase("You have high blood pressure.", "Tiene la presión alta.", "Vous avez de la tension."),
    Phrase("You have diabetes.", "Tiene diabetes.", "Vous avez du diabète."),
    Phrase("You do not have a fracture.", "No tiene una fractura.", "Vous n'avez pas de fracture."),
    Phrase("The temperature is {n}.", "La temperatura es {n}.", "La température est de {n}."),
    Phrase("The pulse is {n}.", "El pulso es {n}.", "Le pouls est de {n}."),
    Phrase("Drink plenty of water.", "Beba mucha agua.", "Buvez beaucoup d'eau."),
    Phrase("Rest for {n} days.", "Descanse {n} días.", "Reposez-vous {n} jours."),
    Phrase("Keep the wound dry.", "Mantenga la herida seca.", "Gardez la plaie au sec."),
    Phrase("Come back in {n} days.", "Vuelva en {n} días.", "Revenez dans {n} jours."),
    Phrase("Come back if you have a fever.", "Vuelva si tiene fiebre.", "Revenez si vous avez de la fièvre."),
    Phrase("Come back if the pain gets worse.", "Vuelva si el dolor empeora.", "Revenez si la douleur augmente."),
    Phrase("Come back if you cannot drink.", "Vuelva si no puede beber.", "Revenez si vous ne pouvez pas boire."),
    Phrase(
        "Call for help if you cannot breathe.",
        "Pida ayuda si no puede respirar.",
        "Appelez si vous ne pouvez pas respirer.",
    ),
    Phrase("Do you have pain?", "¿Tiene dolor?", "Avez-vous mal ?"),
    Phrase("Do you have a fever?", "¿Tiene fiebre?", "Avez-vous de la fièvre ?"),
    Phrase("Since when?", "¿Desde cuándo?", "Depuis quand ?"),
    Phrase("I have a cough.", "Tengo tos.", "J'ai de la toux."),
    Phrase("I have pain in my chest.", "Tengo dolor en el pecho.", "J'ai mal à la poitrine."),
    Phrase(
        "I have had a headache for {n} days.",
        "Tengo dolor de cabeza desde hace {n} días.",
        "J'ai mal à la tête depuis {n} jours.",
    ),
    Phrase("I have no pain.", "No tengo dolor.", "Je n'ai pas mal."),
    Phrase("I have no fever.", "No tengo fiebre.", "Je n'ai pas de fièvre."),
    Phrase("I take {drug} {mg} mg.", "Tomo {drug} {mg} mg.", "Je prends {drug} {mg} mg."),
    Phrase("Good morning.", "Buenos días.", "Bonjour."),
    Phrase("Please breathe in.", "Respire hondo, por favor.", "Inspirez, s'il vous plaît."),
    Phrase("We will do a blood test.", "Haremos un análisis de sangre.", "Nous ferons une prise de sang."),
    Phrase("Weight {n} kg.", "Peso {n} kg.", "Poids {n} kg."),
    Phrase("Blood pressure {n} over {mg}.", "Presión arterial {n} sobre {mg}.", "Tension {n} sur {mg}."),
)  # fmt: skip


def translate(draw: random.Random) -> Sample:
    """Some sentences in another language, their numbers and drugs as they were."""
    target = draw.choice(LANGUAGES)
    source = "en" if target != "en" else draw.choice(("es", "fr"))
    given, wanted = [], []
    for phrase in draw.sample(PHRASES, draw.randint(1, 6)):
        values = {"{n}": words.number(draw), "{mg}": words.number(draw), "{drug}": words.drug(draw)}
        given.append(_filled(getattr(phrase, source), values))
        wanted.append(_filled(getattr(phrase, target), values))
    asked = f"translate {target}\n{' '.join(given)}"
    return Sample("translate", asked, {"translation": " ".join(wanted)})


def _filled(text: str, values: dict[str, str]) -> str:
    for place, value in values.items():
        text = text.replace(place, value)
    return text
