"""From logits to probabilities whose confidence means what it says."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from serving.model.calibration import HeadCalibration

RAW = HeadCalibration()


def probabilities(logits: Tensor, calibration: HeadCalibration = RAW) -> NDArray[np.float32]:
    """Logits (N, classes) -> float32 of the same shape; rows add up to 1. The order of a row is kept."""
    scores: NDArray[np.float32] = (
        tempered(logits, calibration.temperature, calibration.entropy_slope).softmax(1).numpy()
    )
    return scores


def tempered(logits: Tensor, temperature: float, entropy_slope: float) -> Tensor:
    """Each row divided by its own temperature, `temperature` * exp(`entropy_slope` * its entropy in nats).

    Temperature scaling (Guo et al., ICML 2017), and with a slope its entropy-based form (Balanya, Maronas &
    Ramos, "Adaptive Temperature Scaling for Robust Calibration of Deep Neural Networks", 2022): label smoothing
    and mixup leave a net too modest about clear faces and too sure of doubtful ones, which one number cannot mend.
    """
    if entropy_slope:
        known = logits.log_softmax(1)
        entropy = -(known.exp() * known).sum(1, keepdim=True)
        logits = logits / (entropy_slope * entropy).exp()
    return logits / temperature
