"""YuNet (2023mar) on onnxruntime: Wu, Peng & Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023.

The published file takes one 640x640 picture. Here its batch, height and width are made free, it takes OpenCV's own
byte order without a copy, and the outputs of its three strides are joined; about twice as fast as OpenCV's runner.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.analyze.detections import Detections, Floats
from pipeline.analyze.image import Image
from pipeline.analyze.opencv import cv2
from pipeline.messages import ModelRef

STRIDES = (8, 16, 32)
DIVISOR = 32  # sides must be multiples of the coarsest stride
OVERLAP = 0.3  # intersection over union above which the less confident of two boxes goes
TOP = 5000  # candidates of one call that overlaps are looked for among
INPUT = "bgr"
OUTPUTS = ("score", "bbox", "kps")
COLUMNS = (1, 4, 10)


class YuNet:
    """See FaceDetector. `confidence`: faces below it are left out; 0..1."""

    def __init__(self, model: bytes, confidence: float, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other threads want the cores
        self._session = onnxruntime.InferenceSession(
            with_free_sizes(model), options, providers=["CPUExecutionProvider"]
        )
        self._confidence = confidence
        self.ref = ModelRef(name="yunet", version="2023mar", sha256=hashlib.sha256(model).hexdigest())

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """One run for all images of one padded size, however many."""
        groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            groups[_padded(image.shape[0]), _padded(image.shape[1])].append(index)
        found = [Detections.none()] * len(images)
        for (height, width), indices in groups.items():
            batch = _batch([images[index] for index in indices], height, width)
            score, bbox, kps = self._session.run(OUTPUTS, {INPUT: batch})
            for index, faces in zip(indices, self._faces(score, bbox, kps, _anchors(height, width)), strict=True):
                found[index] = faces
        return found

    def _faces(self, score: Floats, bbox: Floats, kps: Floats, anchors: Floats) -> list[Detections]:
        """Outputs of the net for N images -> faces of each."""
        n = len(score)
        picture, at = np.nonzero(score[:, :, 0] >= self._confidence)
        if not len(picture):
            return [Detections.none()] * n
        confidence = score[picture, at, 0]
        anchor = anchors[at]
        corner, stride = anchor[:, :2], anchor[:, 2:]
        raw = bbox[picture, at]
        boxes = np.empty_like(raw)
        boxes[:, 2:] = np.exp(raw[:, 2:]) * stride
        boxes[:, :2] = corner + raw[:, :2] * stride - boxes[:, 2:] / 2
        suppress: Any = cv2.dnn.NMSBoxesBatched  # the picture's number as class: none suppresses another's
        keep = np.asarray(suppress(boxes, confidence, picture, self._confidence, OVERLAP, top_k=TOP), np.intp)
        keep = keep[np.argsort(-confidence[keep], kind="stable")]
        landmarks = kps[picture[keep], at[keep]].reshape(-1, 5, 2) * stride[keep, None] + corner[keep, None]
        of = picture[keep]
        boxes, confidence = boxes[keep], confidence[keep]
        return [Detections(boxes[mask], confidence[mask], landmarks[mask]) for mask in (of == i for i in range(n))]


def with_free_sizes(model: bytes) -> bytes:
    """YuNet's published ONNX -> one for uint8 (N, H, W, 3), H and W multiples of 32, any N.

    Outputs: score (N, A, 1), bbox (N, A, 4), kps (N, A, 10) for A anchors, stride by stride, row by row.
    """
    net = onnx.load_from_string(model)
    graph = net.graph
    del graph.value_info[:]  # they repeat the fixed sizes
    for tensor in graph.initializer:
        shape = numpy_helper.to_array(tensor)
        if shape.dtype == np.int64 and shape.shape == (3,) and tuple(shape[:2]) == (1, -1):
            tensor.CopyFrom(numpy_helper.from_array(np.array([0, *shape[1:]]), tensor.name))  # 0: batch as it comes
    image = graph.input[0].name
    del graph.input[:], graph.output[:]
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["N", "H", "W", 3]))
    graph.node.insert(0, helper.make_node("Transpose", [INPUT], ["planes"], perm=[0, 3, 1, 2]))
    graph.node.insert(1, helper.make_node("Cast", ["planes"], [image], to=TensorProto.FLOAT))
    for part in ("cls", "obj", "bbox", "kps"):
        parts = [f"{part}_{stride}" for stride in STRIDES]
        graph.node.append(helper.make_node("Concat", parts, [part], axis=1))
    graph.node.append(helper.make_node("Mul", ["cls", "obj"], ["product"]))
    graph.node.append(helper.make_node("Sqrt", ["product"], ["score"]))
    for name, columns in zip(OUTPUTS, COLUMNS, strict=True):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", "A", columns]))
    onnx.checker.check_model(net)
    serialized: bytes = net.SerializeToString()
    return serialized


@lru_cache(maxsize=64)
def _anchors(height: int, width: int) -> Floats:
    """(A, 3): x, y of each anchor and its stride, pixels, in the order of the net's outputs."""
    columns: list[NDArray[np.float32]] = []
    for stride in STRIDES:
        y, x = np.mgrid[0 : height // stride, 0 : width // stride].astype(np.float32) * stride
        columns.append(np.stack((x.ravel(), y.ravel(), np.full(x.size, stride, np.float32)), 1))
    return np.concatenate(columns)


def _padded(side: int) -> int:
    return -(-side // DIVISOR) * DIVISOR


def _batch(images: Sequence[Image], height: int, width: int) -> Image:
    """Images with black added on the right and below -> (N, height, width, 3); no copy for one that fits."""
    if len(images) == 1 and images[0].shape[:2] == (height, width):
        return images[0][None]
    batch = np.zeros((len(images), height, width, 3), np.uint8)
    for place, image in zip(batch, images, strict=True):
        place[: image.shape[0], : image.shape[1]] = image
    return batch
