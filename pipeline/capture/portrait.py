"""Draws one person: head and shoulders, lit from the upper left, as a BGRA picture with a soft edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.capture.brush import Canvas, Color, Floats, Points, curve, mix
from pipeline.capture.expressions import Pose
from pipeline.capture.source import Image

WIDTH, HEIGHT = 320, 400  # of the drawing, in its own units
LEAST_SCALE = 0.4  # smaller pictures are drawn at this and reduced: lines keep their weight
CX, EYE_Y, CHIN = 160.0, 182.0, 308.0

SKINS: tuple[Color, ...] = (
    (176, 204, 242), (150, 184, 228), (126, 164, 214), (98, 138, 192), (72, 106, 160), (50, 76, 122),
)  # fmt: skip
HAIRS: tuple[Color, ...] = ((28, 26, 30), (40, 58, 84), (24, 38, 58), (74, 122, 168), (48, 72, 138), (120, 122, 126))
EYES: tuple[Color, ...] = ((40, 62, 92), (118, 92, 58), (72, 96, 70), (34, 46, 66))
CLOTHES: tuple[Color, ...] = ((120, 84, 52), (70, 76, 152), (84, 118, 78), (108, 104, 100), (140, 112, 84))
STYLES = ("short", "long", "parted", "curly", "bun")


@dataclass(frozen=True)
class Look:
    """Who is drawn. Colours are BGR."""

    skin: Color
    hair: Color
    eye: Color
    clothes: Color
    style: str
    broad: float  # width of the face, about 1
    beard: bool

    @classmethod
    def any(cls, rng: np.random.Generator) -> Look:
        skin = int(rng.integers(len(SKINS)))
        dark = skin >= 3
        style = STYLES[int(rng.integers(len(STYLES)))]
        return cls(
            skin=SKINS[skin],
            hair=HAIRS[int(rng.integers(3 if dark else len(HAIRS)))],
            eye=EYES[0 if dark else int(rng.integers(len(EYES)))],
            clothes=CLOTHES[int(rng.integers(len(CLOTHES)))],
            style=style,
            broad=float(rng.uniform(0.93, 1.04)),
            beard=bool(rng.random() < 0.25) and style in ("short", "parted", "curly"),
        )


def draw(look: Look, pose: Pose, width: int = WIDTH) -> Image:
    """-> BGRA, shape (1.25 * width, width, 4)."""
    scale = width / WIDTH
    canvas = Canvas(WIDTH, HEIGHT, max(LEAST_SCALE, scale))
    drop = 15.0 * max(0.0, pose.mouth_open)  # the jaw follows the mouth
    outline = _outline(look, drop)
    _hair_behind(canvas, look)
    _neck_and_shoulders(canvas, look, drop)
    _ears(canvas, look)
    canvas.fill(outline, _skin(canvas, look, pose, drop), soft=0.8)
    if look.beard:
        _beard(canvas, look, outline, drop)
    _folds(canvas, look, pose)
    for side in (-1.0, 1.0):
        _eye(canvas, look, pose, side)
        _brow(canvas, look, pose, side)
    _nose(canvas, look, pose)
    _mouth(canvas, look, pose, drop)
    _hair_in_front(canvas, look)
    canvas.cover *= np.clip((HEIGHT - 4 - canvas.grid()[1]) / 46, 0, 1)  # the bust fades out
    picture = canvas.bgra()
    if scale < LEAST_SCALE:
        size = (width, max(1, round(HEIGHT * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return picture


def _outline(look: Look, drop: float) -> Points:
    half = 84.0 * look.broad
    chin = CHIN + drop
    right = [(0, 76), (0.52, 84), (0.86, 116), (1.0, 168), (0.97, 214), (0.82, 262), (0.50, chin - 12), (0.18, chin)]
    points = [(CX + half * x, y) for x, y in right] + [(CX - half * x, y) for x, y in reversed(right[1:])]
    return curve(points, closed=True)


def _skin(canvas: Canvas, look: Look, pose: Pose, drop: float) -> Floats:
    """The face's colours, as if it were an egg with a nose, cheeks and eye sockets under a lamp."""
    x, y = canvas.grid()
    u, v = (x - CX) / (96 * look.broad), (y - 196) / (134 + drop)
    depth = np.sqrt(np.clip(1.0 - 0.92 * (u * u + v * v), 0.02, 1.0))
    light = np.clip(-0.34 * u - 0.36 * v + 0.87 * depth, 0.0, 1.2)
    shade: Floats = np.asarray(0.50 + 0.56 * light, np.float32)
    canvas.add_hill(shade, CX - 12, 116, 46, 24, height=0.07)  # forehead
    for side in (-1.0, 1.0):
        canvas.add_hill(shade, CX + side * 40, EYE_Y - 8, 27, 16, height=-0.17)  # eye sockets
        canvas.add_hill(shade, CX + side * 22, EYE_Y - 2, 9, 17, height=-0.10)
        lift = 7 * pose.cheek
        canvas.add_hill(shade, CX + side * 50 - 5, 222 - lift, 22, 15, height=0.07 + 0.07 * pose.cheek)
        canvas.add_hill(shade, CX + side * 62, 262, 16, 26, height=-0.07)  # under the cheekbones
    canvas.add_hill(shade, CX, CHIN - 22 + drop, 20, 12, height=0.06)
    canvas.add_hill(shade, CX, CHIN - 38 + drop * 0.9, 26, 6, height=-0.13)  # under the lower lip
    canvas.add_hill(shade, CX + 1, 242, 5, 8, height=-0.06)  # philtrum
    color = np.asarray(look.skin, np.float32)[None, None] * shade[..., None]
    red = canvas.field()
    for at, width, height in ((CX - 50, 24, 16), (CX + 50, 24, 16), (CX, 12, 10)):
        canvas.add_hill(red, at, 226, width, height, height=1.0)
    color[..., 0] *= 1 - 0.10 * red
    color[..., 1] *= 1 - 0.08 * red
    return np.asarray(np.clip(color, 0, 255), np.float32)


def _ears(canvas: Canvas, look: Look) -> None:
    for side in (-1.0, 1.0):
        x = CX + side * 86 * look.broad
        canvas.ellipse((x, 196), (12, 25), mix(look.skin, (0, 0, 0), 0.22 + 0.10 * side), soft=1.5)
        canvas.ellipse((x + side, 197), (6, 15), mix(look.skin, (20, 20, 60), 0.42), soft=2.5)


def _neck_and_shoulders(canvas: Canvas, look: Look, drop: float) -> None:
    neck = curve([(122, 270), (198, 270), (200, 330), (216, 372), (104, 372), (120, 330)], closed=True)
    x, y = canvas.grid()
    under_chin = np.clip(1.0 - (y - 300 - drop) / 60, 0, 1) * 0.34
    shade = 0.84 - under_chin - 0.16 * np.clip((x - CX) / 50, -0.4, 1)
    canvas.fill(neck, _shaded(look.skin, shade), soft=1.0)
    body = curve([(8, 420), (18, 380), (62, 358), (112, 346), (136, 366), (160, 374), (184, 366), (208, 346),
                  (258, 358), (302, 380), (312, 420)], closed=True)  # fmt: skip
    cloth = 0.92 - 0.25 * np.clip((x - 120) / 200, -0.3, 1) - 0.2 * np.clip((y - 350) / 90, 0, 1)
    canvas.fill(body, _shaded(look.clothes, cloth), soft=1.0)


def _eye(canvas: Canvas, look: Look, pose: Pose, side: float) -> None:
    """An almond with white, iris, pupil and glint, under a lid with lashes. `side`: -1 left, 1 right in the picture."""
    x, y = CX + side * 39.0, EYE_Y
    half, up, down = 21.0, 10.0 * pose.eye_open, 6.5 * min(1.25, pose.eye_open) - 3.0 * pose.cheek
    down = max(down, 1.5)
    top = curve([(x - half, y + 2), (x - half * 0.5, y - up * 0.86), (x, y - up), (x + half * 0.55, y - up * 0.80),
                 (x + half, y + 1)])  # fmt: skip
    bottom = curve([(x + half, y + 1), (x + half * 0.5, y + down * 0.85), (x, y + down),
                    (x - half * 0.5, y + down * 0.8), (x - half, y + 2)])  # fmt: skip
    almond = np.vstack([top, bottom])
    canvas.fill(almond, (214, 222, 226), soft=0.7)
    inside = canvas.mask(almond, soft=0.5)
    canvas.ellipse((x, y - up), (half, 6.0), (120, 120, 128), soft=3.0, within=inside, strength=0.55)  # lid's shadow
    iris_y = y - 1.0 + 0.8 * (pose.eye_open - 1.0)
    canvas.ellipse((x, iris_y), (10.2, 10.2), mix(look.eye, (0, 0, 0), 0.45), soft=0.8, within=inside)
    canvas.ellipse((x, iris_y + 1), (7.8, 7.8), mix(look.eye, (255, 255, 255), 0.12), soft=1.4, within=inside)
    canvas.ellipse((x, iris_y), (4.6, 4.6), (14, 12, 12), soft=0.7, within=inside)
    canvas.ellipse((x - 3.2, iris_y - 3.4), (2.0, 2.0), (250, 250, 250), soft=0.6, within=inside)
    lash = mix(mix(look.hair, (0, 0, 0), 0.6), look.skin, 0.08)
    canvas.stroke(top, lash, 3.4, soft=0.7)
    canvas.stroke(bottom, mix(look.skin, (20, 20, 40), 0.52), 1.5, soft=0.8)
    crease = top + np.asarray([0.0, -5.0 - 1.5 * max(0.0, pose.eye_open - 1)], np.float32)
    canvas.stroke(crease, mix(look.skin, (20, 20, 50), 0.42), 1.6, soft=1.2, strength=0.8)
    if pose.cheek > 0.2:
        bag = bottom + np.asarray([0.0, 5.5], np.float32)
        canvas.stroke(bag, mix(look.skin, (20, 20, 50), 0.45), 1.6, soft=1.4, strength=0.7 * pose.cheek)


def _brow(canvas: Canvas, look: Look, pose: Pose, side: float) -> None:
    inner_x = CX + side * (18.0 - 5.0 * pose.frown)
    outer_x = CX + side * 66.0
    mid_x = CX + side * 42.0
    base = EYE_Y - 25.0 - 1.5 * max(0.0, pose.eye_open - 1) * 4
    inner_y = base + 2 - 11.0 * pose.inner_brow + 2.0 * pose.nose_wrinkle
    mid_y = base - 5 - 5.0 * pose.inner_brow - 6.5 * pose.outer_brow
    outer_y = base + 4 - 9.0 * pose.outer_brow
    upper = curve([(inner_x, inner_y - 4.5), (mid_x, mid_y - 4.0), (outer_x, outer_y)])
    lower = curve([(outer_x, outer_y + 1), (mid_x, mid_y + 4.0), (inner_x, inner_y + 5.0)])
    color = mix(mix(look.hair, (0, 0, 0), 0.35), look.skin, 0.10)
    canvas.fill(np.vstack([upper, lower]), color, soft=1.2, strength=0.95)


def _nose(canvas: Canvas, look: Look, pose: Pose) -> None:
    lift = 4.0 * pose.nose_wrinkle + 2.0 * pose.upper_lip
    tip = 228.0 - lift
    dark = mix(look.skin, (22, 22, 52), 0.55)
    canvas.glow(CX + 11, 205 - lift / 2, 5.5, 24, color=mix(look.skin, (20, 20, 50), 0.5), strength=0.5)
    canvas.glow(CX - 2, 198, 4.5, 26, color=mix(look.skin, (255, 255, 255), 0.5), strength=0.45)
    canvas.glow(CX - 3, tip - 8, 7, 6, color=mix(look.skin, (255, 255, 255), 0.6), strength=0.55)
    canvas.glow(CX, tip + 9, 20, 4.5, color=dark, strength=0.6)  # the nose's shadow on the lip
    flare = 1.0 + 0.14 * pose.nose_wrinkle
    for side in (-1.0, 1.0):
        wing = curve([(CX + side * 13 * flare, tip - 9), (CX + side * 19 * flare, tip - 3),
                      (CX + side * 17 * flare, tip + 4), (CX + side * 9, tip + 5)])  # fmt: skip
        canvas.stroke(wing, dark, 2.2, soft=1.3, strength=0.85)
        canvas.ellipse((CX + side * 8.5 * flare, tip + 3.5), (4.6, 2.5), (24, 22, 34), soft=1.1, strength=0.85)


def _mouth(canvas: Canvas, look: Look, pose: Pose, drop: float) -> None:
    half = 30.0 * pose.mouth_width
    y = 262.0 + 0.15 * drop - 3.0 * pose.upper_lip
    gap_up, gap_down = 4.0 * pose.mouth_open + 5.0 * pose.upper_lip * pose.mouth_open, 27.0 * pose.mouth_open
    corner_y = y + gap_down * 0.25 - 11.5 * pose.corner
    upper_h = 8.0 * (1 - 0.6 * pose.lip_press) + 1.0 * pose.upper_lip
    lower_h = 11.0 * (1 - 0.55 * pose.lip_press)
    bow = 2.5 if pose.corner < 0.5 else 0.5
    lift = 5.0 * pose.upper_lip
    left, right = (CX - half, corner_y), (CX + half, corner_y)
    sag = 4.0 * max(0.0, pose.corner)  # a smile's line hangs through
    inner_up = curve([left, (CX - half * 0.45, y - gap_up + sag - lift * 0.6), (CX, y - gap_up + sag + 1),
                      (CX + half * 0.45, y - gap_up + sag - lift * 0.6), right])  # fmt: skip
    inner_down = curve([right, (CX + half * 0.5, y + gap_down * 0.86 + sag), (CX, y + gap_down + sag),
                        (CX - half * 0.5, y + gap_down * 0.86 + sag), left])  # fmt: skip
    top = curve([(CX - half - 1, corner_y), (CX - half * 0.42, y - gap_up - upper_h + sag * 0.6 - lift),
                 (CX, y - gap_up - upper_h + bow + sag * 0.8 - lift * 0.6),
                 (CX + half * 0.42, y - gap_up - upper_h + sag * 0.6 - lift), (CX + half + 1, corner_y)])  # fmt: skip
    bottom = curve([(CX + half + 1, corner_y), (CX + half * 0.5, y + gap_down + lower_h * 0.82 + sag),
                    (CX, y + gap_down + lower_h + sag), (CX - half * 0.5, y + gap_down + lower_h * 0.82 + sag),
                    (CX - half - 1, corner_y)])  # fmt: skip
    red = mix(look.skin, (62, 54, 150), 0.55)
    canvas.fill(np.vstack([top, bottom]), mix(red, (255, 255, 255), 0.06), soft=1.1)
    canvas.fill(np.vstack([top, inner_up[::-1]]), mix(red, (10, 10, 40), 0.30), soft=1.0)
    canvas.glow(CX - 4, y + gap_down + sag + lower_h * 0.5, half * 0.45, 2.6, color=(215, 210, 235), strength=0.30)
    hole = np.vstack([inner_up, inner_down])
    if pose.mouth_open > 0.05:
        canvas.fill(hole, (26, 20, 46), soft=0.9)
        inside = canvas.mask(hole, soft=0.8)
        if pose.mouth_open > 0.3:
            tongue = (half * 0.5, gap_down * 0.36)
            canvas.ellipse((CX, y + gap_down + sag), tongue, (74, 66, 150), soft=2.5, within=inside)
        if pose.teeth > 0.05:
            depth = (gap_up + gap_down + lift) * 0.62 * pose.teeth
            row = np.vstack([inner_up, (inner_up + np.asarray([0.0, depth], np.float32))[::-1]])
            canvas.fill(row, (222, 232, 236), soft=0.8, within=inside)
    line = curve([left, (CX - half * 0.45, y + sag), (CX, y + sag + 1), (CX + half * 0.45, y + sag), right])
    if pose.mouth_open <= 0.05:
        canvas.stroke(line, mix(red, (8, 8, 26), 0.72), 2.6, soft=0.8)
    for x in (left, right):
        canvas.ellipse((x[0], x[1]), (3.6, 3.0), mix(look.skin, (16, 16, 50), 0.6), soft=1.6, strength=0.8)


def _folds(canvas: Canvas, look: Look, pose: Pose) -> None:
    dark = mix(look.skin, (18, 18, 52), 0.5)
    smile = max(0.0, pose.corner, pose.nose_wrinkle * 0.9)
    for side in (-1.0, 1.0):
        if smile > 0.05 or pose.corner < -0.3:
            out = 47.0 if pose.corner > 0 else 40.0
            fold = curve([(CX + side * 21, 226), (CX + side * (out - 6), 240), (CX + side * out, 262)])
            canvas.stroke(fold, dark, 3.2, soft=2.2, strength=0.75 * max(smile, -0.6 * pose.corner))
        if pose.frown > 0.3:
            crease = np.asarray([(CX + side * 6, EYE_Y - 34), (CX + side * 5, EYE_Y - 14)], np.float32)
            depth = 0.75 if pose.inner_brow < 0 else 0.3
            canvas.stroke(crease, dark, 2.6, soft=1.6, strength=depth * pose.frown)
        if pose.nose_wrinkle > 0.3:
            wrinkle = curve([(CX + side * 4, EYE_Y + 8), (CX + side * 13, EYE_Y + 15)])
            canvas.stroke(wrinkle, dark, 2.2, soft=1.3, strength=0.8 * pose.nose_wrinkle)
    raised = min(pose.inner_brow, 1.0)
    if raised > 0.3:
        reach = 52 if pose.outer_brow > 0.2 else 26
        for up in (0, 13):
            line = curve([(CX - reach, EYE_Y - 60 - up), (CX, EYE_Y - 64 - up), (CX + reach, EYE_Y - 60 - up)])
            canvas.stroke(line, dark, 1.8, soft=1.6, strength=0.55 * raised)


def _beard(canvas: Canvas, look: Look, outline: Points, drop: float) -> None:
    inside = canvas.mask(outline, soft=1.5)
    jaw = curve([(70, 214), (90, 240), (118, 244), (160, 240), (202, 244), (230, 240), (250, 214), (246, 300),
                 (160, 345 + drop), (74, 300)], closed=True)  # fmt: skip
    canvas.fill(jaw, mix(look.hair, look.skin, 0.25), soft=7.0, within=inside, strength=0.55)


def _hair_behind(canvas: Canvas, look: Look) -> None:
    dark = mix(look.hair, (0, 0, 0), 0.35)
    if look.style == "long":
        canvas.fill(curve([(160, 44), (238, 70), (262, 160), (262, 280), (246, 352), (160, 360), (74, 352), (58, 280),
                           (58, 160), (82, 70)], closed=True), dark, soft=2.0)  # fmt: skip
    elif look.style == "bun":
        canvas.ellipse((CX, 44), (34, 28), dark, soft=2.0)


def _hair_in_front(canvas: Canvas, look: Look) -> None:
    half = 90.0 * look.broad
    crown = [(-0.98, 184), (-1.10, 140), (-0.96, 84), (-0.52, 50), (0.0, 40), (0.52, 50), (0.96, 84), (1.10, 140),
             (0.98, 184)]  # fmt: skip
    hairline = {
        "short": [(0.84, 150), (0.72, 112), (0.30, 100), (-0.30, 100), (-0.72, 112), (-0.84, 150)],
        "long": [(0.86, 180), (0.78, 126), (0.30, 94), (0.0, 88), (-0.30, 94), (-0.78, 126), (-0.86, 180)],
        "parted": [(0.84, 152), (0.76, 112), (0.20, 112), (-0.36, 92), (-0.64, 108), (-0.84, 152)],
        "curly": [(0.86, 166), (0.80, 120), (0.50, 112), (0.20, 104), (-0.16, 110), (-0.52, 106), (-0.86, 166)],
        "bun": [(0.85, 148), (0.70, 106), (0.0, 90), (-0.70, 106), (-0.85, 148)],
    }[look.style]
    puff = 8.0 if look.style == "curly" else 0.0
    top = [(CX + x * (half + puff), y - puff * (y < 100)) for x, y in crown]
    shape = curve(top + [(CX + x * half, y) for x, y in hairline], closed=True)
    x, y = canvas.grid()
    streaks = np.sin(0.42 * (x - CX) + 0.10 * (y - 40) * np.sign(x - CX)) * 0.06
    shine = 0.30 * np.exp(-(((x - 120) / 46) ** 2) - ((y - 74) / 17) ** 2)
    shade = 0.86 + streaks + shine - 0.22 * np.clip((x - CX) / 100, -0.3, 1)
    base = _shaded(mix(look.hair, (255, 255, 255), 0.05), shade)
    canvas.fill(shape, base + np.float32(30) * _shaded((1, 1, 1), shine), soft=1.6)


def _shaded(color: Color, shade: npt.NDArray[np.floating]) -> Floats:
    """One colour under a light that differs from pixel to pixel."""
    return np.asarray(shade[..., None] * np.asarray(color), np.float32)
