"""Secrets by reference: settings say where a secret is, and never what it is.

So they can be written to files, given to actors and printed. The secret is read where and when it is used: a file that
is replaced holds from the next connection on.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from pipeline.errors import UsageError

FORMS = "env:NAME of a variable, or file:PATH of a file, that holds it"


def is_reference(text: str) -> bool:
    scheme, _, rest = text.partition(":")
    return bool(rest) and scheme in ("env", "file")


def absolute(reference: str) -> str:
    """The same from any folder: roles and actors run in other ones."""
    scheme, _, rest = reference.partition(":")
    return f"file:{Path(rest).absolute()}" if scheme == "file" else reference


def _checked(reference: str) -> str:
    """Raises ValueError, without what was given: it may be the secret itself."""
    if not is_reference(reference):
        raise ValueError(f"not the secret itself, please: {FORMS}")
    return absolute(reference)


SecretReference = Annotated[str, AfterValidator(_checked)]


def read(reference: str, field: str) -> str:
    """What `reference` of the setting `field` stands for. Raises UsageError naming the field."""
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        secret = os.environ.get(rest, "")
        if not secret:
            raise UsageError(f"{field}: the environment variable {rest} is not set", "set it for this process")
        return secret
    try:
        secret = Path(rest).read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise UsageError(f"{field}: {rest} cannot be read: {reason}", "name a file that holds the secret") from None
    if not secret:
        raise UsageError(f"{field}: {rest} is empty", "name a file that holds the secret")
    return secret
