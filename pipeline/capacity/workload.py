"""What the cameras of a site give. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """`fps`: frames/s that each camera gives; `faces`: in view of one camera, on average."""

    cameras: float
    fps: float
    faces: float

    def __str__(self) -> str:
        return f"{self.cameras:g} cameras, {self.fps:g} frames/s, {self.faces:g} faces"

    @property
    def frames(self) -> float:
        """A second, of all cameras."""
        return self.cameras * self.fps

    @property
    def seen(self) -> float:
        """Faces a second, of all cameras."""
        return self.frames * self.faces

    def read(self, every_second: float) -> float:
        """Faces a second that the model is asked about, where one that is in view is read so often."""
        return self.cameras * self.faces * min(self.fps, every_second)
