"""A camera that draws its people: a room with faces that move gently and act a script.

Deterministic: the same options and frame number give the same pixels. The script is the truth that a test compares
the system's reading with; it travels with each frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from pipeline.capture import portrait
from pipeline.capture.expressions import POSES, Moment, Script
from pipeline.capture.source import Image, Picture
from pipeline.capture.spec import Size

DEFAULT_FPS = 10.0
DEFAULT_SIZE = Size(640, 480)
NOISE = 6  # levels
MARGIN = 48  # pixels the noise can be shifted by


@dataclass(frozen=True)
class Scene:
    """`frames`: None draws for ever. `expression`: all faces keep it; None lets each act its script."""

    people: int = 2
    seed: int = 0
    size: Size = DEFAULT_SIZE
    fps: float = DEFAULT_FPS
    expression: str | None = None
    frames: int | None = None


@dataclass(frozen=True)
class Sway:
    """One way of moving: `reach` to both sides, a swing in `period` seconds."""

    reach: float
    period: float
    phase: float

    def at(self, time: float) -> float:
        return self.reach * math.sin(2 * math.pi * (time / self.period + self.phase))


class Person:
    """Stands at `centre` (pixels) and is `width` pixels wide, shoulders and all."""

    def __init__(self, centre: tuple[float, float], width: int, script: Script, rng: np.random.Generator) -> None:
        self._centre, self._width, self._script = centre, width, script
        self._look = portrait.Look.any(rng)
        ways = ((0.055 * width, 4, 9), (0.02 * width, 3, 7), (4.0, 5, 11), (0.05, 8, 17))
        self._across, self._down, self._tilt, self._scale = (
            Sway(reach, float(rng.uniform(low, high)), float(rng.uniform())) for reach, low, high in ways
        )
        self._portraits: dict[Moment, Image] = {}

    def face_x(self, time: float) -> float:
        return self._centre[0] + self._across.at(time)

    def expression(self, time: float) -> str:
        return self._script.at(time).expression

    def draw(self, image: Image, time: float) -> None:
        """Onto the image, at `time` seconds."""
        sprite = self._portrait(self._script.at(time))
        height, width = sprite.shape[:2]
        x, y = self.face_x(time), self._centre[1] + self._down.at(time)
        left, top = math.floor(x - 0.57 * width), math.floor(y - 0.55 * height)
        right, bottom = left + math.ceil(1.14 * width), top + math.ceil(1.1 * height)
        x0, y0, x1, y1 = max(0, left), max(0, top), min(image.shape[1], right), min(image.shape[0], bottom)
        if x0 >= x1 or y0 >= y1:
            return
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), self._tilt.at(time), 1.0 + self._scale.at(time))
        turn[:, 2] += (x - width / 2 - x0, y - height / 2 - y0)
        placed = cv2.warpAffine(sprite, turn, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        spot = image[y0:y1, x0:x1]
        through = cv2.cvtColor(255 - cv2.extractChannel(placed, 3), cv2.COLOR_GRAY2BGR)
        cv2.add(cv2.multiply(spot, through, scale=1 / 255), cv2.cvtColor(placed, cv2.COLOR_BGRA2BGR), dst=spot)

    def _portrait(self, moment: Moment) -> Image:
        """Drawn when first needed; its colours are multiplied by its cover already."""
        known = self._portraits.get(moment)
        if known is None:
            drawn = portrait.draw(self._look, moment.pose, self._width)
            drawn[..., :3] = (drawn[..., :3].astype(np.uint16) * drawn[..., 3:] + 127) // 255
            known = self._portraits[moment] = drawn
        return known


class SyntheticSource:
    """The scene as a camera."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._index = -1
        self._people: list[Person] = []
        self._room: Image = np.zeros((1, 1, 3), np.uint8)
        self._noise: Image = np.zeros((1, 1, 3), np.uint8)

    @classmethod
    def from_options(cls, options: Mapping[str, str], fps: float | None) -> Self:
        """From a camera URI's parameters, which are known to be good."""
        rate = fps or DEFAULT_FPS
        frames = int(options["frames"]) if "frames" in options else None
        if "seconds" in options:
            played = max(1, round(float(options["seconds"]) * rate))
            frames = min(frames, played) if frames else played
        scene = Scene(
            people=int(options.get("people", "2")),
            seed=int(options.get("seed", "0")),
            size=Size.parse(options.get("size", "640x480")),
            fps=rate,
            expression=options.get("expression"),
            frames=frames,
        )
        return cls(scene)

    @property
    def fps(self) -> float:
        return self._scene.fps

    def open(self) -> None:
        self._index = -1
        if not self._people:
            self._people = people_of(self._scene)
            self._room = _room(self._scene)
            rng = np.random.default_rng([self._scene.seed, 2])
            shape = (self._scene.size.height + MARGIN, self._scene.size.width + MARGIN, 3)
            self._noise = rng.integers(0, NOISE, shape, np.uint8)

    def grab(self) -> float | None:
        if self._scene.frames is not None and self._index + 1 >= self._scene.frames:
            return None
        self._index += 1
        return self._index / self._scene.fps

    def picture(self) -> Picture:
        time = self._index / self._scene.fps
        image = self._room.copy()
        for person in self._people:
            person.draw(image, time)
        dx, dy = (self._index * 31) % MARGIN, (self._index * 17) % MARGIN
        noise = self._noise[dy : dy + image.shape[0], dx : dx + image.shape[1]]
        image = np.asarray(cv2.add(image, noise), np.uint8)
        by_place = sorted(self._people, key=lambda person: person.face_x(time))
        return Picture(image, tuple(person.expression(time) for person in by_place))

    def early_end(self) -> str:
        return ""

    def close(self) -> None:
        self._index = -1


def people_of(scene: Scene) -> list[Person]:
    """The scene's people in rows, as large as the picture allows."""
    if not scene.people:
        return []
    width, height = scene.size.width, scene.size.height
    columns = max(range(1, scene.people + 1), key=lambda count: _portrait_width(scene, count))
    rows = math.ceil(scene.people / columns)
    size = round(_portrait_width(scene, columns))
    people = []
    for number in range(scene.people):
        row, column = divmod(number, columns)
        in_row = min(columns, scene.people - row * columns)
        centre = (width * (column + 0.5) / in_row, height * (row + 0.5) / rows + (0.02 * height if rows == 1 else 0))
        rng = np.random.default_rng([scene.seed, 1, number])
        order = rng.permutation(sorted(POSES))
        shift = float(rng.uniform(0, 3))
        script = Script((scene.expression,) if scene.expression else tuple(map(str, order)), shift)
        people.append(Person(centre, size, script, rng))
    return people


def _portrait_width(scene: Scene, columns: int) -> float:
    rows = math.ceil(scene.people / columns)
    height = (0.88 if rows == 1 else 0.98) * scene.size.height / rows
    return max(16.0, min(0.95 * scene.size.width / columns, height * portrait.WIDTH / portrait.HEIGHT))


def _room(scene: Scene) -> Image:
    """A wall with light falling on it."""
    rng = np.random.default_rng([scene.seed, 3])
    width, height = scene.size.width, scene.size.height
    x, y = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    wall = np.asarray([(168, 164, 152), (150, 160, 158), (158, 152, 160), (140, 150, 164)][int(rng.integers(4))])
    light = 1.0 + 0.16 * np.exp(-((x - rng.uniform(0.2, 0.8)) ** 2) / 0.10 - (y - 0.15) ** 2 / 0.20) - 0.30 * y * y
    room = np.empty((height, width, 3), np.uint8)
    for channel, colour in enumerate(wall):  # one after the other: an 8K picture in floats is close to a gigabyte
        room[..., channel] = np.clip(colour * light - NOISE / 2, 0, 255)
    return room
