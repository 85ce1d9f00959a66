"""How figures and names are written, in tables, pages and plots alike."""

from serving.model.emonext import Head

NAMES: dict[Head, str] = {"fer2013": "FER2013", "ferplus": "FER+"}


def share(value: float | None, places: int = 2) -> str:
    """A share of 1 as per cent; a dash for nothing."""
    return "–" if value is None else f"{100 * value:.{places}f} %"


def condition(name: str) -> str:
    """A condition's name in words: face_24_px -> face of 24 px."""
    words = name.replace("_", " ")
    words = f"{words}°" if words.startswith("rotation") else words
    for ours, said in (
        ("face ", "face of "),
        ("rotation", "rotated by"),
        ("jpeg", "JPEG quality"),
        ("over exposed", "over-exposed"),
    ):
        words = words.replace(ours, said)
    return words
