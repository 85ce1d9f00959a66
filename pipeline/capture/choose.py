"""Which source reads a camera."""

from __future__ import annotations

from pipeline.capture.source import CameraSource
from pipeline.capture.spec import CameraKind, CameraSpec, ReadOptions


def source_of(spec: CameraSpec, options: ReadOptions) -> CameraSource:
    """The source for a spec, not yet opened. Raises SourceError for a path that leads nowhere."""
    match spec.kind:  # imports wait until here: a camera process starts with only what it needs
        case CameraKind.SYNTHETIC:
            from pipeline.capture.synthetic import SyntheticSource

            return SyntheticSource.from_options(spec.options, spec.fps)
        case CameraKind.PATH:
            from pipeline.capture.images import ImagesSource, find_images
            from pipeline.capture.video import VideoFile

            images = find_images(spec.location)
            return ImagesSource(images, spec.fps) if images is not None else VideoFile(spec.location)
        case CameraKind.NETWORK:
            from pipeline.capture.video import NetworkStream

            return NetworkStream(spec.location, options.connect_timeout, options.stall_timeout)
        case CameraKind.WEBCAM:
            from pipeline.capture.video import Webcam

            return Webcam(int(spec.location), spec.fps)
