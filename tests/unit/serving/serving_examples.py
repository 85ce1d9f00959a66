"""Small models, pictures and csv files for the serving tests."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from serving.data.faces import VOTES
from serving.model.folder import ModelConfig, save_model
from serving.model.sizes import Architecture

TINY = Architecture(
    depths=(1, 1, 1, 1),
    dims=(8, 8, 16, 16),
    image_size=48,
    stem_kernel=5,
    stem_stride=3,
    layer_scale=1.0,
    init="fan_in",
    matmul_grid=36,
)

RECIPE = """
name: tiny
architecture: {size: atto-48, depths: [1, 1, 1, 1], dims: [8, 8, 16, 16]}
epochs: 3
batch: 16
replicas: 2
hold_back: 5
ema: 0.9
"""


def two_headed(folder: Path) -> Path:
    """A model folder with a head for FER2013 and one for FER+, of random weights that differ."""
    torch.manual_seed(0)
    architecture = dataclasses.replace(TINY, ferplus=True)
    model = architecture.build()
    model.head.weight.data.mul_(20)
    model.ferplus_head.weight.data.mul_(20)  # type: ignore[union-attr]
    save_model(folder, ModelConfig("two", "1", architecture, "per_crop"), model.state_dict())
    return folder


def faces(n: int, seed: int = 0) -> NDArray[np.uint8]:
    """n pictures (n, 48, 48), each of its own."""
    return np.random.default_rng(seed).integers(0, 256, (n, 48, 48)).astype(np.uint8)


def drawn(label: int, seed: int) -> NDArray[np.uint8]:
    """A picture whose bright band says its label: something to learn."""
    picture = faces(1, seed)[0] // 4
    picture[label * 6 : label * 6 + 6] += 180
    return picture


def write_csv(path: Path, rows: list[tuple[object, object, object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("emotion", "pixels", "Usage"), *rows])
    return path


def other_pixels(data: Path, to: Path) -> Path:
    """The same rows of FER2013 but for the first picture, which is moved by a pixel."""
    header, first, *others = data.read_text().splitlines()
    emotion, pixels, usage = first.split(",")
    to.write_text("\n".join([header, f"{emotion},{pixels.partition(' ')[2]} 0,{usage}", *others]) + "\n")
    return to


def text(picture: NDArray[np.uint8]) -> str:
    return " ".join(map(str, picture.ravel()))


def write_votes(path: Path, rows: list[tuple[str, str]]) -> Path:
    """FER+'s own csv: for each face (split, the class of its ten votes)."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("Usage", "Image name", *VOTES))
        out.writerows((split, "", *(10 if name == vote else 0 for name in VOTES)) for split, vote in rows)
    return path


def tensor(shape: list[int], data: object, datatype: str = "UINT8") -> bytes:
    """A request of Open Inference with that one tensor."""
    return json.dumps({"inputs": [{"name": "crops", "datatype": datatype, "shape": shape, "data": data}]}).encode()


# Bodies that claim to be of the Open Inference Protocol, and are not.
NO_REQUESTS = [
    b"{",
    b'{"inputs": []}',
    tensor([1, 2, 2], [1, 2, 3]),
    tensor([1, 2, 2], [1, 2, 3, 256]),
    tensor([4], [1, 2, 3, 4]),
    tensor([1, 1, 2, 2], [1, 2, 3, 4]),
    tensor([1, 2, 2], [1, 2, 3, 4], "FP32"),
    tensor([0, 10**20, 1], []),
    tensor([0, 2**62, 2**62], []),
    tensor([0, 6_000_000, 6_000_000, 6_000_000], []),
    tensor([1] * 65, [1]),
    tensor([1, 1, 1], [10**400]),
    tensor([1, 1, 1], "5"),
    tensor([1, 1, 2], ["1", "2"]),
    tensor([1, 1, 1], True),
]
