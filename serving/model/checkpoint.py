"""Weights and training states on disk: written whole or not at all, read without unpickling code."""

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from serving.errors import CheckpointError
from serving.model.emonext import EmoNeXt
from serving.outputs import writing

DEAD_AT_INFERENCE = "attention."  # the branch's weights matter to the loss alone


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place in one step. OutputError."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            temporary.chmod(0o644)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def save_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """A state dict as fp16 safetensors, without the attention branch; what fp16 cannot hold stays fp32."""
    kept = {
        name: (_halved(value) if value.is_floating_point() else value).contiguous().cpu()
        for name, value in state.items()
        if not name.startswith(DEAD_AT_INFERENCE)
    }
    content = save(kept)
    write_atomically(path, lambda temporary: _write_bytes(temporary, content))


def load_weights(path: Path, model: EmoNeXt) -> None:
    """Fill `model` from safetensors, in the model's own dtype; the attention branch may be absent.

    CheckpointError: not a readable safetensors file, or it does not fit; then nothing was loaded.
    """
    fill(model, read_safetensors(path), str(path))


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """CheckpointError: not a readable safetensors file."""
    try:
        return load_file(path)
    except Exception as error:  # damaged bytes raise nearly anything inside the reader
        raise CheckpointError(f"{path} is no readable safetensors file: {first_line(error)}") from error


def fill(model: EmoNeXt, state: Mapping[str, Tensor], where: str) -> None:
    """Copy `state` into `model`. CheckpointError names what does not fit; then nothing was copied."""
    model.load_state_dict(fitted(model.state_dict(), state, where), strict=False)


def fitted(own: Mapping[str, Tensor], state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """The entries of `state` for a model whose state dict is `own` (meta tensors do), in its dtypes.

    The attention branch may be absent, but not in part. CheckpointError names the entries that are
    missing, unknown, of another shape or type, or not finite.
    """
    stored = any(name.startswith(DEAD_AT_INFERENCE) for name in state)
    wanted = any(name.startswith(DEAD_AT_INFERENCE) for name in own)
    both = [name for name in own if name in state]
    problems = {
        "missing": [n for n in own if n not in state and (stored or not n.startswith(DEAD_AT_INFERENCE))],
        "unknown": [n for n in state if n not in own and (wanted or not n.startswith(DEAD_AT_INFERENCE))],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
            for name in both
            if state[name].shape != own[name].shape
        ],
        "of another type": [
            f"{name} {str(state[name].dtype).removeprefix('torch.')}"
            for name in both
            if state[name].is_complex() or (own[name].is_floating_point() and not state[name].is_floating_point())
        ],
    }
    said = [_listed(kind, names) for kind, names in problems.items() if names]
    if any(".grn." in name for name in problems["unknown"]):
        said.append("these are ConvNeXt V2 weights, which this trunk cannot start from")
    if said:
        raise CheckpointError(f"{where} does not fit the model; {'; '.join(said)}")
    ready = {name: state[name].to(own[name].dtype) for name in both}
    if broken := [name for name, value in ready.items() if not value.isfinite().all()]:
        raise CheckpointError(f"{where} holds no usable weights; {_listed('not finite', broken)}")
    return ready


def save_training(path: Path, state: Mapping[str, Any]) -> None:
    """A training state of tensors, numbers, texts, lists and dicts. OutputError: the disk is full, or the like."""

    def write(temporary: Path) -> None:
        try:
            with temporary.open("wb") as file:
                torch.save(dict(state), file)
        except RuntimeError as error:  # torch covers the system's own error with another
            raise error.__context__ if isinstance(error.__context__, OSError) else error from None

    write_atomically(path, write)


def load_training(path: Path) -> dict[str, Any]:
    """CheckpointError: damaged, or anything but plain values and tensors inside."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path} is no readable checkpoint: {error.strerror}") from error
    except Exception as error:  # damaged bytes raise nearly anything inside the reader
        raise CheckpointError(f"{path} is no readable checkpoint: it is damaged, or not of a training here") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds no training state")
    return state


def first_line(error: Exception) -> str:
    """What a library says of an error, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _listed(kind: str, names: list[str], most: int = 5) -> str:
    shown = ", ".join(name if name.isprintable() else ascii(name) for name in names[:most])
    return f"{kind}: {shown}{f' and {len(names) - most} more' if len(names) > most else ''}"


def _halved(value: Tensor) -> Tensor:
    half = value.half()
    return half if half.isfinite().all() else value.float()


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
