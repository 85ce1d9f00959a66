"""The JSON files of a model folder: read as objects, written whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serving.errors import CheckpointError
from serving.model.checkpoint import write_atomically


def read_json(path: Path) -> dict[str, Any]:
    """CheckpointError: no such file, no JSON, or no object in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object")
    return content


def save_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON for people: indented."""
    save_text(path, json.dumps(content, indent=2) + "\n")


def save_text(path: Path, text: str) -> None:
    """Write UTF-8, in one step."""
    write_atomically(path, lambda temporary: _write(temporary, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
