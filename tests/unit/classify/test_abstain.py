import numpy as np
import pytest

from pipeline.classify.abstain import UNCERTAIN, verdict

SAD = np.array([0.1, 0.05, 0.1, 0.1, 0.4, 0.05, 0.2], np.float32)


def test_the_strongest_label_is_told() -> None:
    said = verdict(SAD, abstain_below=0.0)
    assert (said.label, said.abstained, said.reason) == ("sad", False, "")
    assert said.confidence == pytest.approx(0.4)


def test_a_weak_one_is_marked_as_uncertain() -> None:
    said = verdict(SAD, abstain_below=0.5)
    assert (said.label, said.abstained, said.reason) == ("sad", True, UNCERTAIN)
    assert not verdict(SAD, abstain_below=0.4 - 1e-6).abstained
