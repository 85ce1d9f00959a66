import io
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from pipeline.analyze.decode import Decoder, Picture
from pipeline.analyze.jpeg import size_of
from pipeline.analyze.opencv import cv2
from pipeline.errors import BadRecord
from pipeline.messages import FrameHeader, FrameId, checksum

RNG = np.random.default_rng(0)
DECODE = Decoder(max_bytes=1_000_000, max_pixels=4_000_000, max_side=320)


def scene(width: int, height: int) -> np.ndarray:
    """Smooth, with a red left and a blue right half."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2] = (20, 30, 200)
    image[:, width // 2 :] = (200, 60, 10)
    return image


def encoded(image: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90, *options])[1].tobytes()


def header(jpeg: bytes, width: int, height: int, crc: int | None = None) -> FrameHeader:
    frame = FrameId("site", "camera", 1, 2)
    return FrameHeader(frame, datetime(2026, 1, 1, tzinfo=UTC), width, height, checksum(jpeg) if crc is None else crc)


def refusal(jpeg: bytes, head: FrameHeader, decode: Decoder = DECODE) -> str:
    with pytest.raises(BadRecord) as caught:
        decode(jpeg, head)
    return caught.value.reason


JPEG = encoded(scene(64, 48))


@pytest.mark.parametrize(
    ("jpeg", "reason"),
    [
        (b"", "empty"),
        (b"GIF89a, or so", "not_jpeg"),
        (b"\xff\xd8 and then rubbish", "not_jpeg"),
        (b"\xff\xd8\xff\xd9", "truncated"),
        (JPEG[:1] + JPEG, "not_jpeg"),
        (JPEG[:40], "truncated"),
        (JPEG[:-2], "truncated"),
        (JPEG[: len(JPEG) * 2 // 3], "truncated"),
    ],
)
def test_what_is_no_whole_jpeg_is_refused(jpeg: bytes, reason: str) -> None:
    assert refusal(jpeg, header(jpeg, 64, 48)) == reason


def test_what_contradicts_its_header_is_refused() -> None:
    assert refusal(JPEG, header(JPEG, 64, 48, crc=1)) == "checksum"
    assert refusal(JPEG, header(JPEG, 48, 64)) == "dimensions"


def test_what_is_too_large_is_refused_before_decoding() -> None:
    assert refusal(JPEG, header(JPEG, 64, 48), Decoder(len(JPEG) - 1, 10**6, 320)) == "too_large"
    assert refusal(JPEG, header(JPEG, 64, 48), Decoder(10**6, 64 * 48 - 1, 320)) == "too_many_pixels"
    at = JPEG.index(b"\xff\xc0")
    bomb = JPEG[: at + 5] + b"\x7d\x00\x7d\x00" + JPEG[at + 9 :]
    assert size_of(bomb) == (32000, 32000)
    assert refusal(bomb, header(bomb, 32000, 32000)) == "too_many_pixels"


def test_a_progressive_jpeg_of_endless_scans_is_refused() -> None:
    jpeg = encoded(scene(64, 48), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    bomb = jpeg[:-2] + 500 * scan + jpeg[-2:]
    assert refusal(bomb, header(bomb, 64, 48)) == "too_many_scans"


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((640, 480), (320, 240)),
        ((1280, 720), (320, 180)),
        ((1920, 1080), (320, 180)),
        ((2561, 999), (320, 125)),
        ((320, 240), (320, 240)),
        ((321, 200), (320, 199)),
        ((200, 100), (200, 100)),
        ((1, 1), (1, 1)),
        ((61, 1001), (20, 320)),
    ],
)
def test_the_small_picture_is_as_large_as_asked_for(size: tuple[int, int], small: tuple[int, int]) -> None:
    jpeg = encoded(scene(*size))
    picture = DECODE(jpeg, header(jpeg, *size))
    height, width = picture.small.image.shape[:2]
    assert (width, height) == small
    assert picture.small.image.shape[2] == 3
    assert picture.small.step == pytest.approx((size[0] / small[0], size[1] / small[1]), rel=0.05)


@pytest.mark.parametrize("color", ["gray", "bgr"])
@pytest.mark.parametrize(
    ("step", "expected"), [(100.0, 4.0), (4.0, 4.0), (3.9, 2.0), (2.0, 2.0), (1.5, 1.0), (0.1, 1.0)]
)
def test_a_view_is_no_coarser_than_asked_for(color: str, step: float, expected: float) -> None:
    jpeg = encoded(scene(1280, 720))
    view = DECODE(jpeg, header(jpeg, 1280, 720)).view(step, color)  # type: ignore[arg-type]
    assert view.step == (expected, expected)
    assert view.image.shape[:2] == (720 / expected, 1280 / expected)


def test_a_view_shows_the_same_scene() -> None:
    image = cv2.GaussianBlur(RNG.integers(0, 255, (480, 640, 3), np.uint8), (0, 0), 12)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX)
    jpeg = encoded(image)
    picture = DECODE(jpeg, header(jpeg, 640, 480))
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    assert np.abs(picture.view(1, "gray").image.astype(int) - gray).mean() < 2
    assert (
        np.abs(picture.small.image.astype(int) - cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA)).mean() < 3
    )


def pillow(mode: str, **options: object) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(scene(160, 120)[:, :, ::-1]).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def rotated_by_exif() -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the camera was held upright
    return pillow("RGB", exif=exif)


@pytest.mark.parametrize(
    "jpeg",
    [
        pytest.param(pillow("RGB", progressive=True), id="progressive"),
        pytest.param(pillow("L"), id="gray"),
        pytest.param(pillow("CMYK"), id="cmyk"),
        pytest.param(rotated_by_exif(), id="exif rotation"),
        pytest.param(pillow("RGB", subsampling=0), id="4:4:4"),
        pytest.param(pillow("RGB", restart_marker_blocks=2), id="restart markers"),
        pytest.param(pillow("RGB") + bytes(100), id="padded"),
    ],
)
def test_every_kind_of_jpeg_decodes_as_it_is_stored(jpeg: bytes) -> None:
    picture = Decoder(10**6, 10**6, 80)(jpeg, header(jpeg, 160, 120))
    assert (picture.width, picture.height) == (160, 120)
    assert picture.small.image.shape == (60, 80, 3)
    assert picture.view(1, "gray").image.shape == (120, 160)
    assert picture.view(1, "bgr").image.shape[:2] == (120, 160)


@given(st.binary(max_size=300))
def test_no_bytes_are_too_wild_for_the_header(noise: bytes) -> None:
    for jpeg in (noise, b"\xff\xd8" + noise, b"\xff\xd8\xff\xc0" + noise):
        try:
            width, height = size_of(jpeg)
        except BadRecord:
            continue
        assert width > 0
        assert height > 0


@given(st.data())
def test_a_damaged_jpeg_is_refused_or_decoded(data: st.DataObject) -> None:
    damaged = bytearray(JPEG)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(JPEG) - 1))] = data.draw(st.integers(0, 255))
    reasons = {"not_jpeg", "truncated", "dimensions", "decode", "too_many_pixels", "too_many_scans"}
    try:
        picture = DECODE(bytes(damaged), header(bytes(damaged), 64, 48))
        shape = picture.view(1, "gray").image.shape
    except BadRecord as error:
        reasons.remove(error.reason)  # one that is known
    else:
        assert shape[:2] == (48, 64)


def test_a_picture_is_decoded_no_further_than_needed() -> None:
    jpeg = encoded(scene(640, 480))
    picture = Picture(jpeg, 640, 480, 320)
    assert picture.view(2, "gray") is picture.small
    assert picture.view(1, "gray").image is picture.view(1, "gray").image
