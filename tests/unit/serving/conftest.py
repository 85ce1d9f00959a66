"""What the serving tests share: a csv like FER2013's, a recipe and a model folder of seconds."""

from pathlib import Path

import pytest
import torch

from serving.model.folder import ModelConfig, save_model
from tests.unit.serving.serving_examples import RECIPE, TINY, drawn, text, write_csv


@pytest.fixture(scope="session")
def fer_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """140 faces of Training and 28 of PublicTest; two of the latter are in Training too."""
    rows: list[tuple[object, object, object]] = [(i % 7, text(drawn(i % 7, i)), "Training") for i in range(140)]
    rows += [(i % 7, text(drawn(i % 7, 1000 + i)), "PublicTest") for i in range(26)]
    rows += [(i % 7, text(drawn(i % 7, i)), "PublicTest") for i in range(2)]
    return write_csv(tmp_path_factory.mktemp("fer") / "fer2013.csv", rows)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with random weights that do not all say the same."""
    torch.manual_seed(0)
    model = TINY.build()
    model.head.weight.data.mul_(20)
    folder = tmp_path_factory.mktemp("store") / "tiny"
    save_model(folder, ModelConfig("tiny", "7", TINY, "per_crop"), model.state_dict())
    return folder
