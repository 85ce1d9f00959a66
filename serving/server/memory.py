"""A worker that keeps the memory which a forward pass gives back, for the next one."""

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of mallopt(3)
KEPT_BYTES = 256 * 2**20  # free memory above it goes back to the system
LARGEST_BYTES = 32 * 2**20  # of one tensor that is kept; glibc takes no more


def keep_freed_memory() -> bool:
    """Tell glibc so, for the whole process; False where the C library is another.

    By default a worker hands its activations back after every pass and has them mapped, and zeroed, anew for the
    next one: over a hundred page faults a face, a fifth of its time.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    # Both: to set one ends glibc's own adapting of the other.
    return bool(mallopt(MMAP_THRESHOLD, LARGEST_BYTES)) and bool(mallopt(TRIM_THRESHOLD, KEPT_BYTES))
