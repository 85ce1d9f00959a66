"""The report's words, in each language."""

from pipeline.care.phrases.english import ENGLISH
from pipeline.care.phrases.french import FRENCH
from pipeline.care.phrases.german import GERMAN
from pipeline.care.phrases.phrases import Phrases
from pipeline.wording import Language

PHRASES = {Language.EN: ENGLISH, Language.DE: GERMAN, Language.FR: FRENCH}

__all__ = ["PHRASES", "Phrases"]
