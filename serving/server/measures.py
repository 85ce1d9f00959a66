"""What the handler tells TorchServe's metrics page: queue time, inference time, and the size of batches.

TorchServe itself counts requests and sums up latencies; it names neither how many requests nor how many
crops go through the model together. Its histograms have the buckets of Prometheus' Java client, made for
seconds: of `emostream_model_batch_crops` take sum and count. They appear on the page with
`metrics_mode=prometheus` and `model_metrics_auto_detect=true`.
"""

import time
from collections.abc import Iterable
from typing import Any

QUEUE = "emostream_model_queue_seconds"  # a request: from the client's sending to the model's start
INFERENCE = "emostream_model_inference_seconds"  # a batch: reading, model, answers
REQUESTS = "emostream_model_batch_requests"  # a batch
CROPS = "emostream_model_batch_crops"  # a batch
LONGEST = 3600.0  # a longer wait, or a negative one: the clocks of client and server do not agree


def measure(context: Any, *, sent: Iterable[object], began: float, crops: int, seconds: float) -> None:
    """One batch. `sent`: for each request when it was sent, in seconds since 1970, in whatever form it came, or None;
    `began`: when the batch was taken up, on the same clock."""
    metrics = context.metrics
    if metrics is None:
        return
    from ts.metrics.metric_type_enum import MetricTypes

    def add(name: str, value: float, unit: str) -> None:
        metrics.add_metric(name, value, unit, metric_type=MetricTypes.HISTOGRAM)

    requests = 0
    for at in sent:
        requests += 1
        waited = _waited(at, began)
        if waited is not None:
            add(QUEUE, waited, "seconds")
    add(INFERENCE, seconds, "seconds")
    add(REQUESTS, requests, "count")
    add(CROPS, crops, "count")


def now() -> float:
    """The clock of `sent` and `began`."""
    return time.time()


def _waited(sent: Any, began: float) -> float | None:
    try:
        waited = began - float(sent)
    except (TypeError, ValueError):
        return None
    return waited if 0 <= waited < LONGEST else None
