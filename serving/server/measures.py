"""What the handler tells TorchServe's metrics page: queue time, inference time, and the size of batches.

TorchServe itself counts requests and sums up latencies; it names neither how many requests nor how many
crops go through the model together. Its histograms have the buckets of Prometheus' Java client, made for
seconds: of `emostream_model_batch_crops` take sum and count. They appear on the page with
`metrics_mode=prometheus` and `model_metrics_auto_detect=true`.
"""

import logging
import time
from collections.abc import Iterable
from typing import Any

QUEUE = "emostream_model_queue_seconds"
INFERENCE = "emostream_model_inference_seconds"
REQUESTS = "emostream_model_batch_requests"
CROPS = "emostream_model_batch_crops"
MEANING = {
    QUEUE: (
        "A request, from the client's sending to the handler's taking it up: its way here, TorchServe's queue, and by "
        "how much the two clocks differ."
    ),
    INFERENCE: "A batch in the model, from crops to probabilities; reading requests and writing answers is not in it.",
    REQUESTS: "Requests of one batch; refused ones do not count.",
    CROPS: "Face crops of one batch that go through the model.",
}
LONGEST = 3600.0  # a longer wait, or a negative one: the clocks of client and server do not agree

log = logging.getLogger(__name__)


def measure(
    context: Any, *, sent: Iterable[str | None], began: float, requests: int, crops: int, seconds: float
) -> None:
    """One batch. `sent`: for each request when it was sent, in seconds since 1970, as the client wrote it, or None;
    `began`: when the batch was taken up, on the same clock; `seconds`: see INFERENCE. Raises nothing."""
    if context.metrics is None:
        return
    try:
        from ts.metrics.metric_type_enum import MetricTypes

        waits = [waited for waited in (_waited(each, began) for each in sent) if waited is not None]
        values = [*((QUEUE, waited, "seconds") for waited in waits), (INFERENCE, seconds, "seconds")]
        values += [(REQUESTS, requests, "count"), (CROPS, crops, "count")]
        for name, value, unit in values:
            context.metrics.add_metric(name, value, unit, metric_type=MetricTypes.HISTOGRAM)
    except Exception:  # what goes wrong here is no request's fault
        log.exception("the batch could not be measured")


def now() -> float:
    """The clock of `sent` and `began`."""
    return time.time()


def _waited(sent: str | None, began: float) -> float | None:
    try:
        waited = began - float(sent or "")
    except ValueError:
        return None
    return waited if 0 <= waited < LONGEST else None
