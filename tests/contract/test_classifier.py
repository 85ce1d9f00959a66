"""What every classifier keeps to: the model behind a real TorchServe and a real Triton, and in this process."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from pipeline.classify.choose import answers, make
from pipeline.classify.classifier import Classifier, golden
from pipeline.classify.model_folder import ModelFolder
from pipeline.classify.torchserve import TorchServe
from pipeline.classify.transport import Message, Refused
from pipeline.errors import ClassifierUnavailable
from pipeline.local import archive, java, torchserve
from pipeline.local.folders import new_run
from pipeline.local.ports import free_ports
from pipeline.metrics import Metrics
from pipeline.settings import ClassifySettings, ShadowSettings
from serving.inference.dtypes import fast_dtype
from serving.server.wire import CONTENT_TYPE, SENT_AT
from tests.contract.triton import triton

SIZE = ModelFolder.of(None).crop.size
# What another batch size may change: kernels round differently by size, and bfloat16 rounds at 1 in 256.
ROUNDING = 1e-4 if fast_dtype(torch.device("cpu")) == torch.float32 else 1e-2
# What another process may change: its own BLAS, the company a request is batched with.
ALIKE = 1e-5 if ROUNDING == 1e-4 else 1e-2
# Who serves, and the kind that asks. TorchServe answers Open Inference over HTTP, at a path of its own accord.
SERVED = (
    "torchserve torchserve",
    "torchserve torchserve-grpc",
    "torchserve open-inference",
    "triton open-inference",
    "triton open-inference-grpc",
)
TWO = "torchserve torchserve-grpc, beside one that is gone"
WAYS = ("in-process", "in-process, with a shadow", TWO, *SERVED)


@pytest.fixture(scope="module")
def torchserve_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ClassifySettings]]:
    """By kind: a real TorchServe with the default model."""
    run = new_run(tmp_path_factory.mktemp("runs"))
    settings = ClassifySettings(timeout_seconds=60)
    model, ready = archive.of_model(settings), partial(answers, settings)
    server = torchserve.start(java.find(), model, settings, run=run, golden=ready, cancelled=threading.Event())
    try:
        found = {}
        for kind in ("torchserve", "torchserve-grpc", "open-inference"):
            chosen = settings.model_copy(update={"kind": kind, "token": SecretStr(server.token)})
            found[kind] = chosen.model_copy(update={"url": server.address(chosen)})
        yield found
    finally:
        server.stop()
        run.close()


@pytest.fixture(scope="module")
def triton_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ClassifySettings]]:
    """By kind: a real Triton with the default model."""
    settings = ClassifySettings(timeout_seconds=60)
    with triton(tmp_path_factory.mktemp("triton"), settings) as addresses:
        yield {kind: settings.model_copy(update={"kind": kind, "url": address}) for kind, address in addresses.items()}


def settings_of(way: str, request: pytest.FixtureRequest) -> ClassifySettings:
    if way == "in-process":
        return ClassifySettings(kind="in-process")
    if way == "in-process, with a shadow":
        return ClassifySettings(kind="in-process", shadow=ShadowSettings())
    if way == TWO:
        one: ClassifySettings = request.getfixturevalue("torchserve_settings")["torchserve-grpc"]
        return one.model_copy(update={"url": f"127.0.0.1:{free_ports(1)[0]}, {one.url}"})
    server, kind = way.split()
    settings: ClassifySettings = request.getfixturevalue(f"{server}_settings")[kind]
    return settings


@pytest.fixture(scope="module")
def in_process() -> Classifier:
    return make(ClassifySettings(kind="in-process"))


@pytest.fixture(scope="module", params=WAYS)
def classifier(request: pytest.FixtureRequest) -> Iterator[Classifier]:
    made = make(settings_of(request.param, request), Metrics("test", CollectorRegistry()))
    yield made
    made.close()


@pytest.fixture(params=SERVED)
def served(request: pytest.FixtureRequest) -> ClassifySettings:
    """Of a classifier that asks a server."""
    return settings_of(request.param, request)


def faces(n: int, seed: int = 0) -> list[np.ndarray]:
    """Crops as the model wants them, of noise: no two are read alike."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (SIZE, SIZE), np.uint8) for _ in range(n)]


@pytest.mark.parametrize("n", [1, 2, 33, 300])
def test_it_gives_probabilities(classifier: Classifier, n: int) -> None:
    scored = classifier.classify(faces(n))
    assert scored.errors == {}
    assert scored.probabilities.shape == (n, 7)
    assert scored.probabilities.dtype == np.float32
    assert (scored.probabilities >= 0).all()
    np.testing.assert_allclose(scored.probabilities.sum(1), 1, atol=1e-4)


def test_all_compute_the_same(classifier: Classifier, in_process: Classifier) -> None:
    crops = faces(70)
    ours, reference = classifier.classify(crops).probabilities, in_process.classify(crops).probabilities
    np.testing.assert_allclose(ours, reference, atol=ALIKE)
    assert ours.std(0).max() > 1e-3  # the model tells them apart


def test_a_crop_is_read_alike_in_any_company(classifier: Classifier) -> None:
    crops = faces(40)
    together = classifier.classify(crops).probabilities
    for index in (0, 17, 39):
        alone = classifier.classify([crops[index]]).probabilities[0]
        np.testing.assert_allclose(alone, together[index], atol=ROUNDING)


def test_a_whole_array_does_as_well_as_a_list(classifier: Classifier) -> None:
    crops = faces(5)
    np.testing.assert_array_equal(
        classifier.classify(np.stack(crops)).probabilities,  # type: ignore[arg-type]
        classifier.classify(crops).probabilities,
    )


def test_no_crops_need_no_model(classifier: Classifier) -> None:
    scored = classifier.classify([])
    assert scored.probabilities.shape == (0, 7)
    assert scored.errors == {}


def test_a_crop_that_is_none_spoils_no_other(classifier: Classifier) -> None:
    crops = faces(3)
    expected = classifier.classify(crops).probabilities
    crops[1] = np.zeros((SIZE, SIZE, 4), np.uint8)
    scored = classifier.classify(crops)
    assert set(scored.errors) == {1}
    assert (scored.probabilities[1] == 0).all()
    np.testing.assert_allclose(scored.probabilities[[0, 2]], expected[[0, 2]], atol=ROUNDING)


def test_many_threads_may_ask_at_once(classifier: Classifier) -> None:
    batches = [faces(8, seed) for seed in range(12)]
    expected = [classifier.classify(batch).probabilities for batch in batches]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(classifier.classify, batches))
    for answer, wanted in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer.probabilities, wanted, atol=ROUNDING)  # they may be batched together


def test_it_says_which_model_and_what_crops(classifier: Classifier, in_process: Classifier) -> None:
    assert classifier.model == in_process.model
    assert classifier.crop == in_process.crop
    assert len(classifier.model.sha256) == 64
    assert 0 <= classifier.abstain_below < 1


def test_a_golden_face_is_read(classifier: Classifier) -> None:
    first, again = golden(classifier), golden(classifier)
    np.testing.assert_allclose(first.probabilities, again.probabilities, atol=1e-6)


def other_weights(folder: Path) -> None:
    with (folder / "model.safetensors").open("ab") as weights:
        weights.write(b"retrained")


def other_head(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "serves": "fer2013"}))


def other_calibration(folder: Path) -> None:
    (folder / "calibration.json").unlink()


@pytest.mark.parametrize("change", [other_weights, other_head, other_calibration])
def test_another_model_is_not_taken_for_ours(
    served: ClassifySettings, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    ours = Path(shutil.copytree(ModelFolder.of(None).path, tmp_path / "ours"))
    change(ours)
    classifier = make(served.model_copy(update={"model": str(ours)}))
    with pytest.raises(ClassifierUnavailable, match="serves another model"):
        classifier.classify(faces(2))
    classifier.close()


def test_a_model_that_is_not_served_may_come(served: ClassifySettings) -> None:
    classifier = make(served.model_copy(update={"model_name": "nobody"}))
    with pytest.raises(ClassifierUnavailable, match="model server answers"):
        classifier.classify(faces(1))
    classifier.close()


@pytest.mark.parametrize("kind", ["torchserve", "torchserve-grpc", "open-inference", "open-inference-grpc"])
def test_a_server_that_is_down_may_come_back(kind: str) -> None:
    (port,) = free_ports(1)
    url = f"127.0.0.1:{port}" if kind.endswith("grpc") else f"http://127.0.0.1:{port}"
    classifier = make(ClassifySettings(kind=kind, url=url, timeout_seconds=5))  # type: ignore[arg-type]
    with pytest.raises(ClassifierUnavailable, match="is not there"):
        classifier.classify(faces(1))
    classifier.close()


def test_a_closed_one_says_so_and_disturbs_no_other(served: ClassifySettings) -> None:
    first, second = make(served), make(served)
    assert first.classify(faces(1)).errors == {}
    first.close()
    first.close()
    with pytest.raises(ClassifierUnavailable, match="closed"):
        first.classify(faces(1))
    assert second.classify(faces(1)).errors == {}
    second.close()


@pytest.mark.parametrize("kind", ["torchserve", "torchserve-grpc", "open-inference"])
def test_torchserve_wants_its_token(torchserve_settings: dict[str, ClassifySettings], kind: str) -> None:
    classifier = make(torchserve_settings[kind].model_copy(update={"token": SecretStr("another")}))
    with pytest.raises(ClassifierUnavailable, match="answers"):
        classifier.classify(faces(1))
    classifier.close()


@pytest.mark.parametrize("kind", ["torchserve", "torchserve-grpc"])
def test_a_request_that_torchserve_refuses_is_not_to_be_sent_again(
    torchserve_settings: dict[str, ClassifySettings], kind: str
) -> None:
    classifier = make(torchserve_settings[kind])
    assert isinstance(classifier, TorchServe)
    with pytest.raises(Refused, match="does not begin with EMOX"):
        classifier._transport(Message(b"garbage", {"content-type": CONTENT_TYPE, SENT_AT: "0"}))
    classifier.close()
