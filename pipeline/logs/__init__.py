"""Log lines: what they are about, what never stands in them, and how often one is told."""

from pipeline.logs.about import about, of
from pipeline.logs.set_up import set_up

__all__ = ["about", "of", "set_up"]
