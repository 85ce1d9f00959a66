"""Training: a recipe and FER2013's Training split -> a model folder, resumable after any kill.

Every epoch's randomness comes from (seed, epoch) alone, so that a run that was killed and resumed
equals one that was not, bit for bit on the same CPU and thread count.
"""

import copy
import csv
import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from serving.data.faces import FaceSet, hold_back
from serving.errors import CheckpointError, RecipeError
from serving.evaluation.metrics import accuracy, ferplus_accuracy
from serving.inference.dtypes import fast_dtype
from serving.inference.preprocess import Preprocessing, as_channels, channels_last
from serving.model.checkpoint import first_line, load_training, save_training
from serving.model.emonext import EmoNeXt, Head, loss
from serving.model.start import Started, start_from
from serving.outputs import writing
from serving.strict import plain
from serving.training.augment import Targets
from serving.training.batches import Batches, stream
from serving.training.optim import learning_rate, optimisers
from serving.training.parallel import Replicas
from serving.training.progress import EpochBar, Progress
from serving.training.recipe import Recipe

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
CURVES = "curves.png"
CPU = torch.device("cpu")
MAY_CHANGE = ("epochs", "decay", "version")  # between a run and its resumption


@dataclass(frozen=True)
class EpochResult:
    """One line of the log: training loss, and what the averaged weights do on the held-back faces."""

    epoch: int
    loss: float
    held_back_loss: float
    held_back_accuracy: float
    held_back_ferplus: float | None  # of the head for FER+, against its majorities
    seconds: float
    busy: float  # share of the seconds that did not wait for a batch


class Trainer:
    """Weights, their moving average and the optimisers of one run in the folder `out`."""

    def __init__(self, recipe: Recipe, faces: FaceSet, out: Path, device: torch.device = CPU) -> None:
        self.recipe = recipe
        self.out = out
        self.device = device
        kept, self.held = hold_back(faces, recipe.hold_back)
        self.faces = len(kept)
        self.batches = Batches(recipe, kept, device)
        self.preprocess = Preprocessing(recipe.architecture.image_size, recipe.normalise)
        torch.manual_seed(recipe.seed)
        self.model = channels_last(recipe.architecture.build().to(device))
        self.started: Started | None = None
        if recipe.start_from is not None:
            self.started = start_from(self.model, Path(recipe.start_from), faces.classes)
        self.dtype = fast_dtype(device) if recipe.amp else torch.float32
        self.replicas = Replicas(self.model, recipe.replicas if device.type == "cpu" else 1, self.dtype)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimisers = optimisers(self.model, recipe, self.replicas.map, self.dtype)
        self.results: list[EpochResult] = []
        self.best: dict[str, Tensor] = {}  # averaged weights of `best_epoch`
        self.step = 0

    @property
    def hardware(self) -> str:
        """What it computes on, for people."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "the CPU"
        return f"{name} in {str(self.dtype).removeprefix('torch.')}"

    @property
    def best_epoch(self) -> int:
        """The one that did best on the held-back faces so far."""
        return max(self.results, key=lambda result: result.held_back_accuracy).epoch

    def run(self, progress: Progress) -> None:
        """Train what is left of the recipe's epochs, saving after each."""
        while len(self.results) < self.recipe.epochs:
            epoch = len(self.results) + 1
            with progress.epoch(epoch, self.recipe.epochs, len(self.batches)) as bar:
                mean = self._epoch(epoch, bar)
            right, held_loss, ferplus = self.check(self.average)
            busy = 1 - self.batches.waited / bar.seconds
            result = EpochResult(epoch, mean, held_loss, right, ferplus, bar.seconds, busy)
            self.results.append(result)
            if self.best_epoch == epoch:
                self.best = {name: value.clone() for name, value in self.average.state_dict().items()}
            self.save()
            progress.say(
                f"epoch {epoch}/{self.recipe.epochs}: loss {mean:.4f}, held back "
                f"{100 * right:.2f} % (loss {held_loss:.4f})"
                + ("" if ferplus is None else f", FER+ {100 * ferplus:.2f} %")
                + f", {bar.seconds:.0f} s, {100 * busy:.0f} % of them learning"
            )

    def _epoch(self, epoch: int, bar: EpochBar) -> float:
        seed = stream(self.recipe.seed, epoch)
        self.replicas.seed(seed)
        total = 0.0
        for faces, targets in self.batches.epoch(seed):
            total += self._step(faces, targets)
            bar.advance(total / (bar.done + 1))
        return total / len(self.batches)

    def _step(self, faces: Tensor, targets: Targets) -> float:
        recipe = self.recipe
        self.step += 1
        factor = learning_rate(self.step, recipe.epochs * len(self.batches), recipe)
        value = self.replicas.gradients(faces, targets, self._loss)
        if not math.isfinite(value):
            raise RecipeError(f"the loss is {value} at step {self.step}: lower the rates of the recipe")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["full_rate"] * factor
            optimiser.step()
        if self.step % recipe.ema_every == 0:
            self._average()
        return value

    def _loss(self, logits: dict[Head, Tensor], targets: Targets, attention: Tensor | None) -> Tensor:
        recipe = self.recipe
        value = loss(logits["fer2013"], targets["fer2013"], attention, recipe.smoothing, recipe.attention_lambda)
        if "ferplus" in targets:
            value = value + recipe.ferplus_weight * loss(logits["ferplus"], targets["ferplus"], smoothing=0)
        return value

    def _average(self) -> None:
        share = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        ours, theirs = self.average.state_dict(), self.model.state_dict()
        for name, value in ours.items():
            if value.is_floating_point():
                value.lerp_(theirs[name], 1 - share)
            else:
                value.copy_(theirs[name])

    def check(self, model: EmoNeXt) -> tuple[float, float, float | None]:
        """(accuracy, cross entropy, FER+ accuracy) on the held-back faces, one picture each, no augmentation."""
        logits = self.logits(model, self.held)
        entropy = float(torch.nn.functional.cross_entropy(logits["fer2013"], torch.from_numpy(self.held.labels)))
        ferplus = None
        if "ferplus" in logits and self.held.votes is not None:
            ferplus = ferplus_accuracy(logits["ferplus"].numpy(), self.held.votes)
        right = accuracy(logits["fer2013"].numpy(), self.held.labels)
        return right, entropy, None if ferplus is None else ferplus[0]

    @torch.inference_mode()
    def logits(self, model: EmoNeXt, faces: FaceSet) -> dict[Head, Tensor]:
        """What each head says of the faces: (N, num_classes) on the CPU."""
        model.eval()
        found: dict[Head, list[Tensor]] = {}
        for start in range(0, len(faces), 256):
            pictures = self.preprocess.batch(faces.pixels[start : start + 256]).to(self.device)
            features = model.features(as_channels(pictures, self.recipe.architecture.in_chans))
            for head, logits in model.logits(features).items():
                found.setdefault(head, []).append(logits.cpu())
        return {head: torch.cat(parts) for head, parts in found.items()}

    def close(self) -> None:
        """End the replicas' threads."""
        self.replicas.close()

    def save(self) -> None:
        """Write the log, then the checkpoint, which is all that counts: one file, so that no part of it is older."""
        with writing(self.out / LOG), (self.out / LOG).open("w", newline="") as file:
            writer = csv.DictWriter(file, [f.name for f in dataclasses.fields(EpochResult)])
            writer.writeheader()
            writer.writerows(
                {k: v if v is None else round(v, 5) for k, v in dataclasses.asdict(result).items()}
                for result in self.results
            )
        state = {
            "recipe": plain(self.recipe),
            "step": self.step,
            "results": [dataclasses.asdict(result) for result in self.results],
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        save_training(self.out / CHECKPOINT, state)

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; False where there is none.

        RecipeError: it is of another recipe; CheckpointError: it is damaged.
        """
        path = self.out / CHECKPOINT
        if not path.exists():
            return False
        state = load_training(path)
        try:
            self._take(state, path)
        except (KeyError, AttributeError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(
                f"{path} is no checkpoint of such a training ({first_line(error)}); choose another --out"
            ) from error
        return True

    def _take(self, state: dict[str, Any], path: Path) -> None:
        before, now = state["recipe"], plain(self.recipe)
        changed = [k for k in now if k not in MAY_CHANGE and before.get(k) != now[k]]
        if changed:
            raise RecipeError(
                f"{path} was trained with other settings ({', '.join(changed)}); "
                "choose another --out or restore the recipe"
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.results = [EpochResult(**result) for result in state["results"]]
        self.best = dict(state["best"])
        self.step = int(state["step"])
