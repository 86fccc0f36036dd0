"""Planes of a volume that are worked on at a time: few on a CPU, whose cache holds them; as many as keep a GPU busy."""

from typing import Any

SLAB_BYTES = 1 << 26
"""A GPU works on planes of this size together [byte]; it then works longer than a launch takes."""


def slabs(planes: int, bytes_each: float, backend: Any, least: int = 1) -> list[slice]:
    """Return ranges of planes that are worked on at a time.

    Parameters
    ----------
    planes : int
        How many there are.
    bytes_each : float
        What one of them holds [byte].
    backend : Backend
        Where the volume lives.
    least : int, optional
        Planes at a time on a CPU.

    Returns
    -------
    list of slice
        In order.

    Examples
    --------
    >>> from cryonb.backends import get_backend
    >>> slabs(3, 1e6, get_backend("numba"), 2)
    [slice(0, 2, None), slice(2, 3, None)]
    """
    wanted = max(least, int(SLAB_BYTES // max(bytes_each, 1.0)))
    thickness = min(backend.together(least, bytes_each), wanted)
    return [slice(start, min(start + thickness, planes)) for start in range(0, planes, thickness)]
