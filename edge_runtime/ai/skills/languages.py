"""The languages that a translation may be asked for, by their BCP 47 tags, with the names that a prompt calls them.

Owns the list: it is what Gemma 3n and models like it were taught, in the languages of the places where people flee,
work and fall ill. No word of it says that a model is good at one.

Source: RFC 5646 (tags); IANA Language Subtag Registry (names).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "am": "Amharic",
        "ar": "Arabic",
        "bn": "Bengali",
        "de": "German",
        "en": "English",
        "es": "Spanish",
        "fa": "Persian",
        "fr": "French",
        "hi": "Hindi",
        "ht": "Haitian Creole",
        "it": "Italian",
        "ja": "Japanese",
        "ko": "Korean",
        "my": "Burmese",
        "ne": "Nepali",
        "nl": "Dutch",
        "pl": "Polish",
        "ps": "Pashto",
        "pt": "Portuguese",
        "ro": "Romanian",
        "ru": "Russian",
        "so": "Somali",
        "sw": "Swahili",
        "ta": "Tamil",
        "ti": "Tigrinya",
        "tl": "Tagalog",
        "tr": "Turkish",
        "uk": "Ukrainian",
        "ur": "Urdu",
        "vi": "Vietnamese",
        "zh": "Chinese",
    }
)
CHECKED: Final = "en"
"""The language that the checks read: a source in another is compared by its figures and drug names alone."""
