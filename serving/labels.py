"""The one order of classes across data sets, models and messages (FER2013's own order)."""

LABELS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
NUM_CLASSES = len(LABELS)

CONTEMPT = "contempt"
EIGHT: tuple[str, ...] = (*LABELS, CONTEMPT)
# What a data set with contempt can be read as; the last is how CK+'s owners count: no neutral.
CLASS_SETS: dict[str, tuple[str, ...]] = {"7": LABELS, "8": EIGHT, "7-contempt": (*LABELS[:6], CONTEMPT)}
