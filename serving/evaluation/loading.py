"""The faces that a model is measured or calibrated on, in the model's own classes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from serving.data.faces import FaceSet
from serving.data.load import EVALUATION, TRAINING, default_split, load, split_called
from serving.data.pictures import Choice, choice_for
from serving.errors import DataError
from serving.model.folder import ModelConfig


@dataclass(frozen=True)
class Source:
    """A data set, and how it is read: see `serving.data.load`, and `Choice` for classes, fold and frames.

    classes None: the model's own.
    """

    data: Path
    votes: Path | None = None
    classes: str | None = None
    fold: int = 1
    peak_frames: int = 1
    cache: Path | None = None
    skip_bad: bool = False
    say: Callable[[str], None] = lambda line: None

    def split_called(self, name: str | None) -> str:
        """The split of that name, in whatever case; without one that for measuring. DataError: there is none."""
        return default_split(self.data, EVALUATION) if name is None else split_called(self.data, name)

    def split(self, config: ModelConfig, name: str) -> FaceSet:
        """DataError: the split is not there, cannot be used, or has other classes than the model."""
        how = (self.fold, self.peak_frames)
        faces = load(
            self.data,
            name,
            size=config.crop.size,
            votes=self.votes,
            choice=Choice(self.classes, *how) if self.classes else choice_for(config.labels, *how),
            cache=self.cache,
            skip_bad=self.skip_bad,
            say=self.say,
        )
        if faces.classes != config.labels:
            raise DataError(f"the model's classes are {', '.join(config.labels)}; not {', '.join(faces.classes)}")
        return faces

    def training(self, config: ModelConfig) -> FaceSet:
        """The split to learn from. DataError as above."""
        return self.split(config, default_split(self.data, TRAINING))

    def training_beside(self, config: ModelConfig, name: str) -> FaceSet | None:
        """FER2013's split to learn from; None where that is `name` itself, or the data come without it."""
        if not self.data.is_file():
            return None  # folders of pictures are too large to read for this alone
        try:
            training = default_split(self.data, TRAINING)
            quiet = replace(self, votes=None, say=lambda line: None)
            return None if training == name else quiet.split(config, training)
        except DataError:
            return None
