"""The package fer on a clip: run with a Python that has it, which need not have emostream.

    python fer_loop.py CLIP haar|mtcnn

Prints JSON: `seconds`, and of each frame how many faces were found, `faces`.
"""

import json
import sys
import time

import cv2
from fer.fer import FER


def main(clip: str, detector: str) -> None:
    reader = FER(mtcnn=detector == "mtcnn")
    video = cv2.VideoCapture(clip)
    _, first = video.read()
    reader.detect_emotions(first)  # what it loads at the first frame is not timed
    video = cv2.VideoCapture(clip)
    faces, began = [], time.perf_counter()
    while True:
        there, picture = video.read()
        if not there:
            break
        faces.append(len(reader.detect_emotions(picture)))
    print(json.dumps({"seconds": time.perf_counter() - began, "faces": faces}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
