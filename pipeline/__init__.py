"""emostream: streaming facial-emotion analytics for many cameras."""

__version__ = "0.1.0"
