"""Reading anyone's file of weights: whatever it is wrapped in, and without ever running code out of it."""

import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from serving.errors import CheckpointError
from serving.model.checkpoint import first_line, read_safetensors

# Names by which a ConvNeXt is known in Facebook's, the authors', torchvision's and timm's files.
ROOTS = ("downsample_layers", "stages", "localization", "fc_loc", "stem")
TORCHVISION_ROOTS = ("features",)  # a name that others give to a whole trunk
OUR_TRAINING = "average"  # the entry of our own trainings' checkpoints
AVERAGED = {"ema", OUR_TRAINING, "averaged", "shadow"}  # words of an entry that holds a moving average
OPTIMISERS = re.compile(r"(opt|optim\w*|scaler|scheduler|sched)", re.IGNORECASE)  # they may name weights too
BOOKKEEPING = ("initted", "step", "n_averaged", "num_updates", "decay")  # of a moving average
MOST_NESTED = 6  # dicts within dicts; more is no checkpoint


@dataclass(frozen=True)
class StoredWeights:
    """One set of weights out of a file.

    entry: where it lay, dotted: "" in a bare state dict, "ema.ema_model" in the authors' own.
    averaged: it is a moving average. others: the file's further sets.
    """

    path: Path
    entry: str
    averaged: bool
    state: Mapping[str, Tensor]
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path} ({self.entry})" if self.entry else str(self.path)


def read_weights(path: Path, entry: str | None = None) -> StoredWeights:
    """The weights in a .pt, .pth or .safetensors file, bare or wrapped in any dicts and prefixes.

    Of several sets the moving average is taken, as the authors test with it, unless it was never
    begun; `entry` names another. CheckpointError: no readable file, no weights in it, or objects
    that could run code.
    """
    groups = list(_groups(_content(path)))
    scalars = {
        _dotted(at, name): value for at, values in groups for name, value in values.items() if value.numel() == 1
    }
    found = [stored for at, values in groups for stored in _sets(path, at, values)]
    names = ", ".join(stored.entry or "the bare state dict" for stored in found)
    if not found:
        raise CheckpointError(f"{path} holds no EmoNeXt or ConvNeXt: it has no entries like stages.0.0.dwconv.weight")
    if entry is not None:
        found = [stored for stored in found if f".{entry}." in f".{stored.entry}."]
        if not found:
            raise CheckpointError(f"{path} has no weights under {entry!r}; there are {names}")
    ranks = [_rank(stored, scalars) for stored in found]
    best = [stored for stored, rank in zip(found, ranks, strict=True) if rank == min(ranks)]
    if any(not _equal(best[0].state, other.state) for other in best[1:]):
        raise CheckpointError(f"{path} holds several sets of weights ({names}): keep one of them in a file of its own")
    others = tuple(stored.entry for stored in found if stored is not best[0])
    return StoredWeights(path, best[0].entry, best[0].averaged, best[0].state, others)


def _content(path: Path) -> Mapping[Any, Any]:
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CheckpointError(f"cannot read the weights {path}: {error.strerror}") from error
    # By content where it is plain, as files get renamed: a zip, a pickle, a length and a JSON object.
    zipped_or_pickled = start.startswith((b"PK", b"\x80"))
    if start[8:] == b"{" or (path.suffix == ".safetensors" and not zipped_or_pickled):
        return read_safetensors(path)
    try:
        with path.open("rb") as file, warnings.catch_warnings(action="ignore"):  # on old or new pickle protocols
            _check_sums(file)
            file.seek(0)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes raise nearly anything inside the reader
        if refused := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise CheckpointError(
                f"{path} holds objects besides tensors ({refused[1]}), which could run code, so nothing was read; "
                "where you trust it, have its maker save the bare model.state_dict() with torch.save or safetensors"
            ) from error
        said = first_line(error)  # torch's own refusal advises to run what is in the file
        why = "it is no file of tensors" if said.startswith("Weights only load failed") else said
        raise CheckpointError(f"{path} is no readable checkpoint: {why}") from error
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path} holds no state dict but a {type(content).__name__}")
    return content


def _check_sums(file: IO[bytes]) -> None:
    """ValueError: a zip whose contents have changed since it was written; torch would read them."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"the checksum of its {damaged} is wrong")


def _groups(
    content: Mapping[Any, Any], at: tuple[str, ...] = (), above: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    """(where, its own tensors) for each dict of nested ones."""
    yield (
        at,
        {
            name: value.detach()
            for name, value in content.items()
            if isinstance(name, str) and isinstance(value, Tensor) and _plain(value)
        },
    )
    above = (*above, id(content))
    for name, value in content.items():
        if isinstance(name, str) and isinstance(value, Mapping) and id(value) not in above and len(at) < MOST_NESTED:
            yield from _groups(value, (*at, name), above)


def _plain(value: Tensor) -> bool:
    return not value.is_nested and not value.is_meta and value.layout == torch.strided


def _sets(path: Path, at: tuple[str, ...], values: Mapping[str, Tensor]) -> Iterator[StoredWeights]:
    """The sets of weights in one dict, which share it where their names have prefixes."""
    prefixes = _prefixes(values, ROOTS) or _prefixes(values, TORCHVISION_ROOTS)
    states: dict[str, dict[str, Tensor]] = {prefix: {} for prefix in prefixes}
    for name, value in values.items():
        owner = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        if owner is not None and name.removeprefix(owner) not in BOOKKEEPING:
            states[owner][name.removeprefix(owner)] = value
    for prefix, state in states.items():
        entry = _dotted(at, prefix.rstrip("."))
        words = entry.split(".")
        if not any(OPTIMISERS.fullmatch(word) for word in words):
            averaged = any(AVERAGED & set(re.split(r"[_-]", word.lower())) for word in words)
            yield StoredWeights(path, entry, averaged and "online_model" not in words, state)


def _prefixes(names: Iterable[str], roots: tuple[str, ...]) -> list[str]:
    """What comes before the last root in the dotted names that have one; the longest first."""
    found = set()
    for name in names:
        words = name.split(".")
        places = [index for index, word in enumerate(words[:-1]) if word in roots]
        if places:
            found.add("".join(f"{word}." for word in words[: places[-1]]))
    return sorted(found, key=len, reverse=True)


def _rank(stored: StoredWeights, scalars: Mapping[str, Tensor]) -> int:
    """Which set to take first: an average, the weights themselves, their copy beside the average."""
    words = stored.entry.split(".")
    begun = scalars.get(_dotted(tuple(words[:-1]), "initted"))
    if stored.averaged:
        return 0 if begun is None or bool(begun) else 3
    return 2 if "online_model" in words else 1


def _equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def _dotted(at: tuple[str, ...], name: str) -> str:
    return ".".join(word for word in (*at, name) if word)
