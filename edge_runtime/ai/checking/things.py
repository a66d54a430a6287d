"""What the words of a text hold that can be found again in another: stems, figures, drugs, symptoms, measurements.

Owns the common coin in which passages of two texts are compared. Pure.
"""

from __future__ import annotations

from edge_runtime.ai.checking.drugs import mentions
from edge_runtime.ai.checking.figures import Form, figures
from edge_runtime.ai.checking.labels import labels
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.statements import statements
from edge_runtime.ai.checking.words import matters

FIGURE = "figure:"
"""Before a value."""


def things_of(text: Page) -> list[set[str]]:
    """For each word what begins there: its stem, and after a colon what kind of thing it is and which."""
    found: list[set[str]] = [
        {stem} if matters(word) else set() for word, stem in zip(text.texts, text.stems, strict=True)
    ]
    for drug in mentions(text):
        found[drug.first] |= {f"drug:{key}" for key in drug.keys}
    for figure in figures(text):
        if figure.form is Form.RATIO:
            found[figure.first].add(f"{FIGURE}{figure.values}")
        elif figure.claims:
            found[figure.first] |= {f"{FIGURE}{value:g}" for value in figure.readings or figure.values}
    for said in statements(text).said:
        found[said.first].add(f"matter:{said.matter}")
    for place, label in labels(text):
        found[place].add(f"label:{label}")
    return found
