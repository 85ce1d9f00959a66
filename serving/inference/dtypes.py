"""Which number format a device computes in fast."""

import torch


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware computes in it, else float32: emulated it is several times slower."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32
