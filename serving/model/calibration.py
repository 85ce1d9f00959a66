"""`calibration.json` of a model folder: what each head's confidence is worth.

    {"heads": {"fer2013": {"temperature": 0.8, "entropy_slope": 0.2, "abstain_below": 0.4, ...}, ...}}

A folder of before heads had names says the same for its only head without `heads`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from serving.errors import CheckpointError
from serving.model.emonext import Head
from serving.model.jsonfile import read_json, save_json

FILE = "calibration.json"
HEADS: tuple[Head, ...] = get_args(Head)


@dataclass(frozen=True)
class HeadCalibration:
    """temperature, entropy_slope: see `serving.inference.confidence`. abstain_below: a face whose highest
    probability is less is better not told. method, fitted_on: for people."""

    temperature: float = 1.0
    abstain_below: float = 0.0
    method: str = ""
    fitted_on: str = ""
    entropy_slope: float = 0.0


Calibration = Mapping[Head, HeadCalibration]


def read_calibration(model_dir: Path) -> dict[Head, HeadCalibration]:
    """What is known of each head; nothing without the file. CheckpointError: an entry is unfit."""
    path = model_dir / FILE
    if not path.exists():
        return {}
    content = read_json(path)
    heads = content.get("heads", {"fer2013": content})
    if not isinstance(heads, dict):
        raise CheckpointError(f"{path}: heads are no JSON object")
    if unknown := sorted(set(heads) - set(HEADS)):
        raise CheckpointError(f"{path}: no head is called {', '.join(unknown)}")
    return {head: _entry(heads[head], f"{path}: {head}") for head in HEADS if head in heads}


def save_calibration(model_dir: Path, heads: Calibration) -> None:
    """Write the file anew."""
    save_json(model_dir / FILE, {"heads": {head: asdict(entry) for head, entry in heads.items()}})


def _entry(content: Any, where: str) -> HeadCalibration:
    if not isinstance(content, dict):
        raise CheckpointError(f"{where} is no JSON object")
    return HeadCalibration(
        _number(content.get("temperature"), 0.01, 100, f"{where}: temperature"),
        _number(content.get("abstain_below", 0.0), 0, 1, f"{where}: abstain_below"),
        str(content.get("method", "")),
        str(content.get("fitted_on", "")),
        _number(content.get("entropy_slope", 0.0), -2, 2, f"{where}: entropy_slope"),
    )


def _number(value: Any, low: float, high: float, where: str) -> float:
    if not isinstance(value, float | int) or isinstance(value, bool) or not low <= value <= high:
        raise CheckpointError(f"{where} {value!r} is not in {low}..{high}")
    return float(value)
