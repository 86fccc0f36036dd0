"""Kernels on an NVIDIA card: how a maker is compiled for it, and how one thread an item is launched.

Everything is put on the card's default stream, where CuPy works too, so that both keep one order.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

BLOCK = 64
"""Threads of a block: few, so that a launch of some thousand poses reaches all of a card, and blocks of the largest
kernel (160 registers a thread) fill the registers of a multiprocessor."""

LARGEST_LAUNCH = 2**31 - 1
"""Items of one launch, at most: their numbers are divided in 32 bits."""


class Target:
    """What a kernel maker needs of a compiler: how to compile a function, and how to add to an array."""

    def __init__(self) -> None:
        _import_compiler()

        @self.function
        def add(array, index, value):
            cuda.atomic.add(array, index, value)

        @self.function
        def prefetch(array, index):
            return

        self.add, self.prefetch = add, prefetch

    def function(self, python_function: Callable) -> Callable:
        """Compile a function that kernels call.

        Parameters
        ----------
        python_function : callable
            Scalar Python.

        Returns
        -------
        callable
            What kernels call in its place.
        """
        return cuda.jit(device=True)(python_function)


def _import_compiler() -> None:
    """Bind `cuda` as a name of this file: Numba's simulator looks for it among the names of a kernel's file.

    Numba would warn of every launch of fewer than 128 blocks; the last images of a run are no more.
    """
    global cuda
    from numba import cuda
    from numba.cuda.core import config

    config.CUDA_LOW_OCCUPANCY_WARNINGS = 0


@cache
def target() -> Target:
    """Return the one target of this process.

    Returns
    -------
    Target
        It.
    """
    return Target()


@cache
def kernel(maker: Callable, constants: tuple) -> Callable:
    """Return the kernel of a maker: one thread an item, columns side by side.

    Parameters
    ----------
    maker : callable
        Kernel maker: `maker(target, *constants)` returns the element function.
    constants : tuple
        Compile-time constants of the maker.

    Returns
    -------
    callable
        Takes the first image, the items, rows and columns, and a tuple of the element function's arguments.
    """
    element = maker(target(), *constants)

    def each_item(first, count, rows, columns, arguments):
        item = np.uint32(cuda.grid(1))
        if item < count:
            line = item // columns
            element(first + np.int64(line // rows), np.int64(line % rows), np.int64(item % columns), *arguments)

    return cuda.jit(each_item)


def start(compiled: Callable, shape: tuple[int, int, int], arguments: tuple) -> None:
    """Put a kernel on the card's default stream, for every item of a shape; does not wait for it.

    Parameters
    ----------
    compiled : callable
        From `kernel`.
    shape : tuple of int
        Images, rows, columns.
    arguments : tuple
        Arrays of the card and numbers that the element function takes after its indices.
    """
    images, rows, columns = shape
    if images * rows * columns == 0:
        return
    taken = tuple(map(_as_argument, arguments))
    step = max(1, LARGEST_LAUNCH // (rows * columns))
    for first in range(0, images, step):
        count = min(step, images - first) * rows * columns
        sizes = np.int64(first), np.uint32(count), np.uint32(rows), np.uint32(columns)
        compiled[-(-count // BLOCK), BLOCK](*sizes, taken)


def _as_argument(value: Any) -> Any:
    """Return an argument as a kernel takes it: arrays of the card without a copy, whole numbers in 64 bits."""
    if isinstance(value, int):
        return np.int64(value)
    return cuda.as_cuda_array(value, sync=False) if hasattr(value, "__cuda_array_interface__") else value
