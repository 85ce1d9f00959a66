"""The targets of `make fuzz-bytes`: what they begin with is good, and a short run of each finds nothing."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.mutate import changed
from tests.fuzz.targets import TARGETS

INPUTS = 150
REFUSED_SEEDS = {"checkpoints", "settings", "camera-uri", "cursor", "messages", "frame-headers"}
"""Some of these begin with bad ones, too, of kinds that once were taken."""


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken(name: str) -> None:
    target = TARGETS[name]
    taken = 0
    for data in target.seeds():
        try:
            target.run(data)
            taken += 1
        except target.expected:
            assert name in REFUSED_SEEDS
    assert taken


@pytest.mark.parametrize("name", TARGETS)
def test_changed_bytes_are_taken_or_refused(name: str) -> None:
    target, rng = TARGETS[name], random.Random(7)
    good = target.seeds()
    for _ in range(INPUTS):
        target(changed(rng.choice(good), good, rng))
