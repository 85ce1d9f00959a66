"""Which row of a head is which emotion: the orders in use, and the way from one to another."""

from collections.abc import Sequence

from serving.errors import RecipeError
from serving.labels import CONTEMPT, EIGHT, LABELS

SPELLINGS = {"anger": "angry", "happiness": "happy", "sadness": "sad"}
# Each with contempt; without it, the same order of seven.
ORDERS: dict[str, tuple[str, ...]] = {
    "alphabetical": tuple(sorted(EIGHT)),  # the authors', of folders named by emotion
    "fer2013": EIGHT,  # FER2013's csv, and ours
    "affectnet": ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", CONTEMPT),
    "ferplus": ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", CONTEMPT),
}


def ours(classes: int | None) -> tuple[str, ...] | None:
    """The labels of a model of ours with so many classes; None: they are not known."""
    return {len(LABELS): LABELS, len(EIGHT): EIGHT}.get(classes or 0)


def in_our_order(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels as a model of ours has them; names that are not ours stay in their place."""
    return tuple(sorted(labels, key=EIGHT.index)) if set(labels) <= set(EIGHT) else tuple(labels)


def rows(theirs: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """For each label wanted, its row in the head. The labels must be the same set."""
    return [theirs.index(label) for label in wanted]


def labels_named(text: str, classes: int, where: str) -> tuple[str, ...]:
    """The order that a person names: one of ORDERS, or the labels themselves between commas.

    RecipeError: no such order, or another number of labels than the head has classes.
    """
    if text in ORDERS:
        found = {8: ORDERS[text], 7: tuple(label for label in ORDERS[text] if label != CONTEMPT)}.get(classes)
        if found is None:
            raise RecipeError(f"{where} has {classes} classes; the order {text!r} is one of 7 or 8")
        return found
    labels = tuple(SPELLINGS.get(word, word) for part in text.split(",") if (word := part.strip().lower()))
    if len(labels) != classes or len(set(labels)) != len(labels):
        raise RecipeError(
            f"{where} has {classes} classes; {text!r} does not name as many different ones "
            f"(nor is it one of {', '.join(ORDERS)})"
        )
    return labels


def authors_order(classes: int | None) -> tuple[str, ...] | None:
    """The order of the authors' heads: alphabetical for FER2013's seven; None: not known for others."""
    return tuple(sorted(LABELS)) if classes == len(LABELS) else None
