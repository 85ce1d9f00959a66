"""The command line: `emostream`."""

from pipeline.cli.main import app, main

__all__ = ["app", "main"]
