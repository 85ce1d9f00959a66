"""An epoch's batches: drawn, changed and mixed on a thread of their own while the one before is learnt."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from serving.data.faces import FaceSet
from serving.errors import RecipeError
from serving.evaluation.metrics import ferplus_distribution
from serving.inference.preprocess import Preprocessing, as_channels
from serving.training.augment import Targets
from serving.training.recipe import Recipe


def stream(*key: int) -> int:
    """A seed for what is random in the place `key`, such as (seed, epoch): no two places share one."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


class Batches:
    """The faces of a training set as the recipe `recipe` wants them, on `device`.

    All randomness of an epoch comes from the seed it is given. `waited`: seconds that the last epoch's
    learner spent waiting for a batch.
    """

    def __init__(self, recipe: Recipe, faces: FaceSet, device: torch.device) -> None:
        self._recipe = recipe
        self._faces = faces
        self._device = device
        self._targets = {head: rows.to(device) for head, rows in _targets(recipe, faces).items()}
        self._preprocess = Preprocessing(recipe.architecture.image_size, recipe.normalise)
        self.waited = 0.0

    def __len__(self) -> int:
        """Of an epoch: whole batches only."""
        return max(1, len(self._faces) // self._recipe.batch)

    def epoch(self, seed: int) -> Iterator[tuple[Tensor, Targets]]:
        """Faces (N, in_chans, H, W), ready for the model, and their targets."""
        order = np.random.default_rng(seed).permutation(len(self._faces))
        chosen = [order[at : at + self._recipe.batch] for at in range(0, len(order), self._recipe.batch)][: len(self)]
        generator = torch.Generator(self._device).manual_seed(seed)
        self.waited = 0.0
        with ThreadPoolExecutor(1, "batches", torch.set_num_threads, (1,)) as ahead:
            coming = ahead.submit(self._batch, chosen[0], generator)
            for rows in [*chosen[1:], None]:
                began = time.monotonic()
                batch = coming.result()
                self.waited += time.monotonic() - began
                if rows is not None:
                    coming = ahead.submit(self._batch, rows, generator)
                yield batch

    def _batch(self, rows: np.ndarray, generator: torch.Generator) -> tuple[Tensor, Targets]:
        recipe = self._recipe
        faces = self._preprocess.scaled(self._faces.pixels[rows], self._device)
        faces = self._preprocess.normalised(recipe.augmentation.seen(faces, generator))
        faces = recipe.augmentation.moved(faces, generator)
        at = torch.from_numpy(rows).to(self._device)
        faces, targets = recipe.mixing(faces, {head: all_[at] for head, all_ in self._targets.items()}, generator)
        return as_channels(faces, recipe.architecture.in_chans), targets


def _targets(recipe: Recipe, faces: FaceSet) -> Targets:
    """What each head is to say of each face. RecipeError: the recipe wants votes, the data has none."""
    classes = recipe.architecture.num_classes
    found: Targets = {"fer2013": torch.nn.functional.one_hot(torch.from_numpy(faces.labels), classes).float()}
    if recipe.architecture.ferplus:
        if faces.votes is None:
            raise RecipeError(f"{recipe.name} has a head for FER+'s votes; give them with --votes fer2013new.csv")
        found["ferplus"] = torch.from_numpy(ferplus_distribution(faces.votes))
    return found
