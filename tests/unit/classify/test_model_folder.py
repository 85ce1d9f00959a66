import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.classify.classifier import CropSpec
from pipeline.classify.model_folder import ModelFolder
from pipeline.errors import DependencyError
from pipeline.messages import LABELS
from serving.model.files import model_digest
from serving.model.folder import default_model_dir, read_config, read_info

CONFIG: dict[str, Any] = {
    "name": "m",
    "version": "2",
    "labels": list(LABELS),
    "crop": {"size": 64, "color": "bgr", "margin": 0.1, "landmarks": []},
}


def folder(path: Path, **changes: Any) -> str:
    (path / "config.json").write_text(json.dumps(CONFIG | changes))
    (path / "model.safetensors").write_bytes(b"weights")
    return str(path)


def test_it_says_what_the_folder_says(tmp_path: Path) -> None:
    found = ModelFolder.of(folder(tmp_path))
    assert (found.ref.name, found.ref.version) == ("m", "2")
    assert found.ref.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert found.crop == CropSpec(64, "bgr", 0.1)
    assert found.crop.shape == (64, 64, 3)
    assert found.abstain_below == 0
    (tmp_path / "calibration.json").write_text('{"temperature": 1.1, "abstain_below": 0.35}')
    assert ModelFolder.of(str(tmp_path)).abstain_below == 0.35


def test_it_abstains_as_the_head_that_is_served_wants(tmp_path: Path) -> None:
    heads = {"fer2013": {"temperature": 0.9, "abstain_below": 0.4}, "ferplus": {"temperature": 1, "abstain_below": 0.6}}
    (tmp_path / "calibration.json").write_text(json.dumps({"heads": heads}))
    assert ModelFolder.of(folder(tmp_path)).abstain_below == 0.4
    assert ModelFolder.of(folder(tmp_path, serves="ferplus")).abstain_below == 0.6
    del heads["ferplus"]
    (tmp_path / "calibration.json").write_text(json.dumps({"heads": heads}))
    assert ModelFolder.of(folder(tmp_path, serves="ferplus")).abstain_below == 0


def test_the_default_is_what_serving_takes_for_it() -> None:
    found, info, config = ModelFolder.of(None), read_info(default_model_dir()), read_config(default_model_dir())
    assert found.path == default_model_dir()
    assert (found.ref.name, found.ref.version, found.ref.sha256) == (info.name, info.version, info.sha256)
    assert found.crop == CropSpec(config.crop.size, config.crop.color, config.crop.margin)


def test_the_digest_tells_all_that_shapes_the_answers(tmp_path: Path) -> None:
    """Two servers of the same weights may answer with other heads, and with other confidence."""
    for name in ("ours", "head", "calibration", "weights", "report"):
        (tmp_path / name).mkdir()
        folder(tmp_path / name, serves="ferplus" if name == "head" else "fer2013")
    (tmp_path / "calibration" / "calibration.json").write_text('{"temperature": 1.1}')
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"others")
    (tmp_path / "report" / "evaluation.json").write_text("{}")
    found = {path.name: ModelFolder.of(str(path)) for path in tmp_path.iterdir()}
    assert len({each.digest for each in found.values()}) == 4
    assert found["ours"].digest == found["report"].digest == model_digest(tmp_path / "ours")
    assert found["ours"].ref == found["head"].ref == found["calibration"].ref != found["weights"].ref


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": list(reversed(LABELS))}, "labels are not angry"),
        ({"crop": {"size": 0, "color": "gray"}}, "crop of 0 px"),
        ({"crop": {"size": 48, "color": "infrared"}}, "infrared"),
        ({"crop": None}, "no model folder"),
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DependencyError, match=said):
        ModelFolder.of(folder(tmp_path, **changes))


def test_no_folder_no_config_no_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DependencyError, match=r"config\.json: No such file"):
        ModelFolder.of(str(tmp_path / "nowhere"))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(DependencyError, match="is no model folder"):
        ModelFolder.of(str(tmp_path))
    monkeypatch.setenv("EMOSTREAM_MODEL_STORE", str(tmp_path))
    with pytest.raises(DependencyError, match="there is no default model"):
        ModelFolder.of(None)


def test_the_client_needs_no_torch() -> None:
    """It would cost every analyzer half a gigabyte and two seconds."""
    code = "import sys, pipeline.classify.torchserve; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
