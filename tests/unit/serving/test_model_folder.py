"""Model folders: what is written comes back; what is damaged or foreign is one clear error."""

import dataclasses
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from serving.errors import CheckpointError, CropError
from serving.inference.dtypes import fast_dtype
from serving.inference.predictor import Predictor
from serving.model.calibration import HeadCalibration, read_calibration, save_calibration
from serving.model.checkpoint import load_training, load_weights, save_training
from serving.model.folder import default_model_dir, describe, load_model, read_config, read_info, save_config
from serving.server.wire import ItemError
from tests.unit.serving.serving_examples import TINY, faces, two_headed


@pytest.fixture
def copied(model_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_dir, tmp_path / "model"))


@pytest.fixture
def two_heads(tmp_path: Path) -> Path:
    return two_headed(tmp_path / "two")


def test_a_folder_comes_back(model_dir: Path) -> None:
    model, config = load_model(model_dir)
    assert (config.name, config.version, config.normalise) == ("tiny", "7", "per_crop")
    assert config.architecture == TINY
    assert not model.training
    assert model.attention is None
    info = read_info(model_dir)
    assert len(info.sha256) == 64
    assert describe(model_dir)["sha256"] == info.sha256
    assert not any(name.startswith("attention") for name in load_file(model_dir / "model.safetensors"))


def test_weights_without_the_dead_branch_fill_a_model_that_has_it(model_dir: Path) -> None:
    whole = TINY.build().eval()
    load_weights(model_dir / "model.safetensors", whole)
    images = torch.rand(2, 3, 48, 48)
    torch.testing.assert_close(whole(images), load_model(model_dir)[0](images))


def test_weights_that_do_not_fit_change_nothing(copied: Path) -> None:
    path = copied / "model.safetensors"
    state = load_file(path)
    state["head.weight"] = torch.zeros(3, 16)
    del state["norm.bias"]
    state["stages.0.0.grn.gamma"] = torch.zeros(1)
    save_file(state, path)
    model = TINY.build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        load_weights(path, model)
    for said in ("norm.bias", "stages.0.0.grn.gamma", "head.weight (3, 16) instead of (7, 16)", "ConvNeXt V2"):
        assert said in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"text, no weights", None])
def test_damaged_weights(copied: Path, content: bytes | None) -> None:
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(CheckpointError, match=r"no readable safetensors"):
        load_model(copied)


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": {"size": "none"}},
        {"architecture": {"depths": "many"}},
        {"labels": ["a", "b"]},
        {"crop": {"sides": 3}},
        {"unknown": 1},
        {"name": None},
        {"name": ""},
        {"name": "a/b"},
        {"version": 3},
        {"crop": None},
        {"crop": {"size": "48"}},
        {"crop": {"size": -4}},
        {"crop": {"margin": "x"}},
        {"normalise": "per-crop"},
        {"serves": "other"},
        {"labels": ["happy", "happy", "fear", "angry", "sad", "surprise", "neutral"]},
        {"architecture": {"size": "atto-48", "stem_stride": 0}},
    ],
)
def test_damaged_config(copied: Path, change: dict[str, object]) -> None:
    path = copied / "config.json"
    content = json.loads(path.read_text())
    for name, value in change.items():
        content[name] = {**content[name], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_config(copied)


def test_missing_and_broken_files(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot read"):
        read_info(tmp_path / "nowhere")
    (copied / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot read"):
        read_info(copied)
    (copied / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="no JSON object"):
        read_info(copied)


def test_the_store_names_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSTREAM_MODEL_STORE", str(tmp_path))
    with pytest.raises(CheckpointError, match="no default model"):
        default_model_dir()
    (tmp_path / "default.txt").write_text("some-model\n")
    assert default_model_dir() == tmp_path / "some-model"


def test_the_default_model_that_ships() -> None:
    info = read_info(default_model_dir())
    assert info.name == default_model_dir().name
    assert (default_model_dir() / "model.safetensors").stat().st_size < 10_000_000
    scores = Predictor(default_model_dir()).predict(faces(3))
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)


def test_training_states_are_read_without_running_code(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    save_training(path, {"a": torch.ones(2), "b": [1, {"c": "d"}]})
    assert load_training(path)["b"] == [1, {"c": "d"}]
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]
    for content in (path.read_bytes()[:-50], b"text", b"", pickle.dumps(Path("x"), 2)):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="no readable checkpoint"):
            load_training(path)


def test_predictions(model_dir: Path) -> None:
    predictor = Predictor(model_dir, batch=4)
    crops = faces(10)
    scores = predictor.predict(crops)
    assert scores.shape == (10, 7)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(scores[7], predictor.predict(crops[7:8])[0], atol=1e-5)
    assert predictor.predict([]).shape == (0, 7)
    with pytest.raises(CropError):
        predictor.predict([crops[0].astype(float)])  # type: ignore[list-item]


def test_what_is_no_crop_spoils_nothing(model_dir: Path) -> None:
    predictor = Predictor(model_dir)
    crops = list(faces(2))
    first, sent, bad, last = predictor.predict_each(
        [crops[0], ItemError("cut short"), np.zeros((3, 3, 9), np.uint8), crops[1]]
    )
    assert sent == ItemError("cut short")
    assert isinstance(bad, ItemError)
    np.testing.assert_allclose([first, last], predictor.predict(crops), atol=1e-6)


def test_a_temperature_softens_but_keeps_the_order(copied: Path) -> None:
    plain = Predictor(copied).predict(faces(5))
    (copied / "calibration.json").write_text('{"temperature": 2.0}')
    softer = Predictor(copied).predict(faces(5))
    assert (softer.max(1) < plain.max(1)).all()
    assert (softer.argmax(1) == plain.argmax(1)).all()
    for bad in ('{"temperature": 0}', '{"temperature": "x"}', "{}"):
        (copied / "calibration.json").write_text(bad)
        with pytest.raises(CheckpointError, match="temperature"):
            read_calibration(copied)


def test_each_head_answers_with_its_own_temperature(two_heads: Path) -> None:
    crops = faces(5)
    served, ferplus = Predictor(two_heads), Predictor(two_heads, head="ferplus")
    assert served.head == "fer2013"
    np.testing.assert_array_equal(served.predict(crops), Predictor(two_heads, "fer2013").predict(crops))
    assert not np.allclose(served.predict(crops), ferplus.predict(crops))
    before = ferplus.predict(crops)
    save_calibration(two_heads, {"ferplus": HeadCalibration(temperature=3.0, abstain_below=0.5)})
    again = Predictor(two_heads, "ferplus")
    assert (again.predict(crops).max(1) < before.max(1)).all()
    assert again.calibration["ferplus"].abstain_below == 0.5
    np.testing.assert_array_equal(Predictor(two_heads).predict(crops), served.predict(crops))


def test_the_folder_says_which_head_is_served(two_heads: Path, copied: Path) -> None:
    save_config(two_heads, dataclasses.replace(read_config(two_heads), serves="ferplus"))
    assert Predictor(two_heads).head == read_config(two_heads).serves == describe(two_heads)["serves"] == "ferplus"
    assert set(describe(two_heads)["heads"]) == {"fer2013", "ferplus"}
    with pytest.raises(CheckpointError, match="has no head 'ferplus'"):
        Predictor(copied, "ferplus")
    path = copied / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"serves": "ferplus"}))
    with pytest.raises(CheckpointError, match="serves 'ferplus', but the model has fer2013"):
        read_config(copied)


def test_folders_of_before_heads_had_names(copied: Path) -> None:
    path = copied / "config.json"
    content = json.loads(path.read_text())
    del content["serves"]
    path.write_text(json.dumps(content))
    (copied / "calibration.json").write_text('{"temperature": 1.5, "abstain_below": 0.3, "fitted_on": "faces"}')
    assert Predictor(copied).calibration == {"fer2013": HeadCalibration(1.5, 0.3, "", "faces")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"heads": []}', "heads"),
        ('{"heads": {"other": {"temperature": 1}}}', "no head is called other"),
        ('{"heads": {"ferplus": 1}}', "ferplus is no JSON object"),
        ('{"temperature": 1, "abstain_below": 2}', "abstain_below 2"),
        ('{"temperature": true}', "temperature True"),
    ],
)
def test_damaged_calibrations(copied: Path, content: str, said: str) -> None:
    (copied / "calibration.json").write_text(content)
    with pytest.raises(CheckpointError, match=said):
        Predictor(copied)


def test_bf16_scores_are_close(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = Predictor(model_dir).predict(faces(4))
    monkeypatch.setattr("serving.inference.predictor.fast_dtype", lambda device: torch.bfloat16)
    np.testing.assert_allclose(Predictor(model_dir).predict(faces(4)), exact, atol=0.03)


def test_bf16_only_where_the_cpu_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has, dtype in ((False, torch.float32), (True, torch.bfloat16)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has: has)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert fast_dtype(torch.device("cpu")) == dtype
