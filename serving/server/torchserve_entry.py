"""What a model archive's manifest names: finds the archive's own `serving`, hands calls to the handler."""

import sys
from pathlib import Path
from typing import Any

# Before any other copy of the package that the server's environment may hold.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from serving.server.handler import Handler

_handler = Handler()


def handle(data: Any, context: Any) -> Any:
    """TorchServe's entry point: called with None once, to load the model, then for each batch."""
    return _handler.initialize(context) if data is None else _handler.handle(data, context)
