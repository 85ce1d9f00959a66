"""OpenCV, imported only after its own limit on picture size is set; it reads it when it is loaded."""

import os

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**26))  # second line: decode.Decoder is the first

import cv2

__all__ = ["cv2"]
