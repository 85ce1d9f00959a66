"""Scripted scenes to try trackers on: what a detector would find of people who sit, walk, cross and turn away.

Everything follows from the seed. Lengths in pixels of a picture of 640x480, times in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.analyze.detections import Floats

Array = NDArray[np.float64]
START = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH, HEIGHT = 640, 480
STEP = 1 / 60  # of the people's own movement
HIDDEN = 0.3  # intersection over union from which the face behind is mostly not found


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame as a detector tells it. `who`: (N,) the person each face belongs to, -1 for one that is none."""

    at: datetime
    boxes: Floats
    confidence: Floats
    who: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Script:
    """`walking`: part of the people who cross the picture; the others keep to their seats.

    missed: part of the faces that are not found; away: turnings away per person and minute, of 0.3 to 3 s;
    false: faces found per second where there is none; shake: deviation of the camera's place, pixels;
    uneven: deviation of a frame's time, parts of the frame interval.
    """

    people: int = 4
    fps: float = 10.0
    seconds: float = 30.0
    walking: float = 0.5
    missed: float = 0.05
    away: float = 4.0
    false: float = 0.2
    shake: float = 0.0
    uneven: float = 0.1
    seed: int = 0


def play(script: Script) -> Iterator[Shot]:
    """The scene's frames."""
    rng = np.random.default_rng(script.seed)
    times = np.arange(0, script.seconds, 1 / script.fps)
    times = np.sort(times + rng.normal(0, script.uneven / script.fps, len(times)))
    fine = np.arange(0, script.seconds + 1, STEP)
    paths = [
        _walk(rng, fine) if at < script.walking * script.people else _seat(rng, fine, at, script.people)
        for at in range(script.people)
    ]
    away = [_away(rng, script, fine) for _ in range(script.people)]
    shake = script.shake * _wander(rng, fine, 0.15, 2)
    for time in times.tolist():
        now = min(len(fine) - 1, max(0, round(time / STEP)))
        boxes, who = [], []
        for person, (path, turned) in enumerate(zip(paths, away, strict=True)):
            x, y, size, visit = path[now]
            if size > 0 and not turned[now] and 0 < x < WIDTH and 0 < y < HEIGHT:
                boxes.append((x - size * 0.44, y - size * 0.56, size * 0.88, size * 1.13))
                who.append(person * 1000 + int(visit))
        yield _found(rng, script, START + timedelta(seconds=time), np.array(boxes).reshape(-1, 4), who, shake[now])


def _found(rng: np.random.Generator, script: Script, at: datetime, boxes: Array, who: list[int], shift: Array) -> Shot:
    """What a detector makes of the faces that are there."""
    boxes = boxes.copy()
    boxes[:, :2] += shift
    n = len(boxes)
    confidence = np.clip(rng.normal(0.9, 0.03, n), 0.5, 1)
    behind = _hidden(boxes)
    confidence[behind] = rng.uniform(0.5, 0.8, behind.sum())
    keep = rng.random(n) >= np.where(behind, 0.8, script.missed)
    sizes = np.sqrt(boxes[:, 2] * boxes[:, 3])[:, None]
    boxes += rng.normal(0, 0.03, boxes.shape) * sizes
    ids = np.array(who, np.int64)
    boxes, confidence, ids = boxes[keep], confidence[keep], ids[keep]
    for _ in range(rng.poisson(script.false / script.fps)):
        size = rng.uniform(15, 60)
        box = (rng.uniform(0, WIDTH - size), rng.uniform(0, HEIGHT - size), size, size)
        boxes, ids = np.vstack((boxes, box)), np.append(ids, -1)
        confidence = np.append(confidence, rng.uniform(0.6, 0.8))
    order = np.argsort(-confidence)
    return Shot(at, boxes[order].astype(np.float32), confidence[order].astype(np.float32), ids[order])


def _hidden(boxes: Array) -> NDArray[np.bool_]:
    """Faces that a larger, nearer one covers."""
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    sides = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    both = np.prod(np.maximum(sides, 0), 2)
    area = boxes[:, 2] * boxes[:, 3]
    over = both / np.maximum(area[:, None] + area[None] - both, 1e-9)
    behind: NDArray[np.bool_] = ((over > HIDDEN) & (area[:, None] < area[None])).any(1)
    return behind


def _wander(rng: np.random.Generator, times: Array, keeps: float, columns: int) -> Array:
    """(len(times), columns) of deviation 1, forgotten after `keeps` seconds."""
    fade = math.exp(-STEP / keeps)
    noise = rng.normal(0, math.sqrt(1 - fade**2), (len(times), columns))
    out = np.empty_like(noise)
    state = rng.normal(0, 1, columns)
    for at in range(len(times)):
        state = state * fade + noise[at]
        out[at] = state
    return out


def _seat(rng: np.random.Generator, times: Array, at: int, people: int) -> Array:
    """x, y, size, visit: in rows of seats, leaning and nodding by about half a face."""
    columns = math.ceil(math.sqrt(people * WIDTH / HEIGHT))
    row, column = divmod(at, columns)
    size = min(WIDTH / columns, HEIGHT / math.ceil(people / columns)) * rng.uniform(0.25, 0.5)
    slow, quick = _wander(rng, times, 4.0, 3), _wander(rng, times, 0.5, 2)
    x = (column + 0.5) * WIDTH / columns + size * (0.5 * slow[:, 0] + 0.15 * quick[:, 0])
    y = (row + 0.5) * HEIGHT / math.ceil(people / columns) + size * (0.25 * slow[:, 1] + 0.15 * quick[:, 1])
    return np.stack((x, y, size * np.exp(0.08 * slow[:, 2]), np.zeros(len(times))), 1)


def _walk(rng: np.random.Generator, times: Array) -> Array:
    """x, y, size, visit: across the picture at two to seven faces a second, then gone for a while, then back."""
    out = np.zeros((len(times), 4))
    now, visit = rng.uniform(0, 2), 0
    while now < times[-1]:
        size, speed = rng.uniform(20, 70), rng.uniform(2, 7)
        lasts = WIDTH / (size * speed)
        y, drift = rng.uniform(0.15, 0.85) * HEIGHT, rng.uniform(-0.3, 0.3) * HEIGHT
        forward = rng.random() < 0.5
        grows = rng.uniform(-0.4, 0.4)
        mask = (times >= now) & (times < now + lasts)
        part = (times[mask] - now) / lasts
        bob = 0.06 * size * np.sin(2 * np.pi * 1.8 * times[mask])
        out[mask, 0] = WIDTH * (part if forward else 1 - part)
        out[mask, 1] = y + drift * part + bob
        out[mask, 2] = size * np.exp(grows * (part - 0.5))
        out[mask, 3] = visit
        now, visit = now + lasts + rng.uniform(1, 6), visit + 1
    return out


def _away(rng: np.random.Generator, script: Script, times: Array) -> NDArray[np.bool_]:
    turned = np.zeros(len(times), bool)
    for _ in range(rng.poisson(script.away * script.seconds / 60)):
        since = rng.uniform(0, script.seconds)
        turned |= (times >= since) & (times < since + rng.uniform(0.3, 3.0))
    return turned
