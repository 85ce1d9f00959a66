import pytest

from pipeline.analyze.gate import Gate
from pipeline.messages import Quality
from pipeline.settings import QualitySettings

GOOD = Quality(
    size_px=60,
    inside=1.0,
    yaw=-5,
    pitch=3,
    roll=1,
    sharpness=0.75,
    brightness=120,
    contrast=40,
    saturated=0.01,
)
LIMITS = QualitySettings(
    min_confidence=0.7,
    min_inside=0.7,
    max_yaw=50,
    max_pitch=30,
    max_roll=45,
    min_brightness=8,
    max_saturated=0.65,
    min_contrast=3,
    min_sharpness=0.4,
)
OFF = QualitySettings(**dict.fromkeys(QualitySettings.model_fields, 0))
GATE = Gate(LIMITS, min_face_px=16)

BAD = [
    ({"size_px": 15.9}, "too_small"),
    ({"inside": 0.69}, "cut_off"),
    ({"yaw": 50.1}, "turned"),
    ({"yaw": -50.1}, "turned"),
    ({"pitch": 31}, "turned"),
    ({"pitch": -31}, "turned"),
    ({"roll": -46}, "turned"),
    ({"brightness": 7.9}, "dark"),
    ({"saturated": 0.66}, "overexposed"),
    ({"contrast": 2.9}, "flat"),
    ({"sharpness": 0.39}, "blurred"),
]
AT_THE_LIMIT = [
    {"size_px": 16.0},
    {"inside": 0.7},
    {"yaw": -50.0},
    {"pitch": 30.0},
    {"roll": 45.0},
    {"brightness": 8.0},
    {"saturated": 0.65},
    {"contrast": 3.0},
    {"sharpness": 0.4},
]


def test_a_good_face_is_read() -> None:
    assert GATE(GOOD, 0.9) == ""


@pytest.mark.parametrize(("change", "reason"), BAD)
def test_what_is_wrong_with_a_face_is_its_reason(change: dict[str, float], reason: str) -> None:
    assert GATE(GOOD.model_copy(update=change), 0.9) == reason


@pytest.mark.parametrize("change", AT_THE_LIMIT)
def test_the_limit_itself_is_good_enough(change: dict[str, float]) -> None:
    assert GATE(GOOD.model_copy(update=change), 0.7) == ""


def test_an_unsure_detection() -> None:
    assert GATE(GOOD, 0.69) == "unsure_detection"
    assert GATE(GOOD.model_copy(update={"sharpness": 0.1}), 0.69) == "unsure_detection"


@pytest.mark.parametrize(("change", "_reason"), BAD)
def test_zero_switches_a_limit_off(change: dict[str, float], _reason: str) -> None:
    assert Gate(OFF, 0)(GOOD.model_copy(update=change), 0.0) == ""


def test_what_is_not_known_stops_no_face() -> None:
    assert GATE(Quality(size_px=60), 0.9) == ""


def test_a_dark_face_is_called_dark_whatever_else_it_is() -> None:
    night = {"brightness": 3, "contrast": 1, "sharpness": 0.1}
    assert GATE(GOOD.model_copy(update=night), 0.9) == "dark"


def test_the_default_limits_are_settings() -> None:
    assert Gate(QualitySettings(), 16)(GOOD, 0.9) == ""  # type: ignore[call-arg]
