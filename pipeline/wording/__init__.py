"""What people read, in their language: numbers, times and dates. Pure."""

from pipeline.wording.language import Language
from pipeline.wording.say import clock, date, duration, kept, listed, number, percent

__all__ = ["Language", "clock", "date", "duration", "kept", "listed", "number", "percent"]
