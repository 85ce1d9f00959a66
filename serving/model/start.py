"""Where a training may start: a model folder of ours, an EmoNeXt checkpoint, a ConvNeXt of ImageNet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from serving.model.checkpoint import DEAD_AT_INFERENCE, fitted, read_safetensors
from serving.model.classes import authors_order, ours, rows
from serving.model.emonext import EmoNeXt
from serving.model.folder import CONFIG, WEIGHTS, read_config
from serving.model.naming import IMAGENET_CLASSES, head_classes, is_plain_convnext, with_our_names
from serving.model.weights_file import OUR_TRAINING, read_weights

HEADS = ("head", "ferplus_head")


@dataclass(frozen=True)
class Source:
    """Weights under our names. what, where: for people. labels: of the heads' rows; None: the file does not say."""

    what: str
    where: str
    state: Mapping[str, Tensor]
    labels: Sequence[str] | None


@dataclass(frozen=True)
class Started:
    """What a model began with: the names of its entries that were loaded, and of those left fresh.

    notes: why a head was left fresh, or what of the file was left out.
    """

    source: str
    loaded: tuple[str, ...]
    fresh: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        fresh = ", ".join(dict.fromkeys(_part(name) for name in self.fresh)) or "none"
        notes = "".join(f"; {note}" for note in self.notes)
        return (
            f"started from {self.source}: {len(self.loaded)} entries loaded, {len(self.fresh)} fresh ({fresh}){notes}"
        )


def start_from(model: EmoNeXt, path: Path, labels: Sequence[str] | None = None) -> Started:
    """Begin with the weights at `path`, as far as they are there.

    labels: of the model's classes, in its order; None: those of our data sets with so many.
    A ConvNeXt fills the trunk alone. A head with other classes, or with classes in an order that is
    not known, keeps its fresh weights. CheckpointError names what does not fit; then nothing was loaded.
    """
    source = _source(path)
    own = model.state_dict()
    state = dict(source.state)
    notes: list[str] = []
    fresh: set[str] = set()
    plain = is_plain_convnext(state)
    if plain:
        fresh |= {name for name in own if _is_added(name)}
    if not any(name.startswith(DEAD_AT_INFERENCE) for name in state):
        fresh |= {name for name in own if name.startswith(DEAD_AT_INFERENCE)}
    for head in HEADS:
        note = _settle(head, own, state, source.labels, labels, may_lack=plain or head != HEADS[0])
        if note is not None:
            notes += [note] if note else []
            fresh |= {name for name in own if name.startswith(f"{head}.")}
    loaded = fitted({name: value for name, value in own.items() if name not in fresh}, state, source.where)
    model.load_state_dict(loaded, strict=False)
    return Started(source.what, tuple(loaded), tuple(name for name in own if name not in loaded), tuple(notes))


def _source(path: Path) -> Source:
    if path.name == WEIGHTS and (path.parent / CONFIG).is_file():
        path = path.parent
    if path.is_dir():
        labels = read_config(path).labels
        return Source(f"the model folder {path}", str(path), read_safetensors(path / WEIGHTS), labels)
    stored = read_weights(path)
    where = str(stored)
    naming, state = with_our_names(stored.state, where)
    classes = head_classes(state)
    if is_plain_convnext(state) and (classes is None or classes >= IMAGENET_CLASSES):
        return Source(f"the ConvNeXt weights {where} under {naming}'s names", where, state, None)
    if stored.entry == OUR_TRAINING:
        return Source(f"the training {where}", where, state, ours(classes))
    return Source(f"the EmoNeXt checkpoint {where}", where, state, authors_order(classes))


def _settle(
    head: str,
    own: Mapping[str, Tensor],
    state: dict[str, Tensor],
    theirs: Sequence[str] | None,
    labels: Sequence[str] | None,
    *,
    may_lack: bool,
) -> str | None:
    """Bring a head's rows in `state` into the model's order, or take the head out of it.

    None: the head is to be loaded, or its absence is an error; else it stays fresh: why, if worth saying.
    """
    has, wants = head_classes(state, head), head_classes(own, head)
    names = (f"{head}.weight", f"{head}.bias")
    if not any(name in state for name in names):
        return "" if may_lack else None
    if has is None:
        return None
    if wants is None:
        reason = f"the file's {head} was left out: the model has none"
    elif has != wants:
        reason = f"{head} is fresh: the file's has {has} classes, the model's {wants}"
    elif theirs is None:
        reason = f"{head} is fresh: the order of the file's {has} classes is not known"
    elif set(theirs) != set(wanted := labels or ours(wants) or theirs):
        reason = f"{head} is fresh: the file's classes are {', '.join(theirs)}"
    else:
        order = rows(theirs, wanted)
        state |= {n: state[n][order] for n in names if n in state and state[n].shape[:1] == (has,)}
        return None
    for name in names:
        state.pop(name, None)
    return reason


def _is_added(name: str) -> bool:
    """Of a part that a ConvNeXt does not have."""
    return name.startswith(("localization.", "fc_loc.")) or ".2.fc." in name


def _part(name: str) -> str:
    return "squeeze-excitation" if ".2.fc." in name else name.partition(".")[0]
