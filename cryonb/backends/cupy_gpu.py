"""The GPU backend: CuPy for whole arrays, Numba for kernels, on one NVIDIA card.

Everything computed keeps the order of the card's default stream, where CuPy and Numba both work; only uploads of images
run beside it. Transforms take their plans from CuPy's cache, which each thread has of its own.
"""

import ctypes
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import metadata
from types import ModuleType
from typing import Any

import numpy as np

from . import gpu_failures, gpu_kernels
from .gpu_failures import INSTALL
from .gpu_feed import Feed

SHARE, LARGEST_STEP, MOST = 8, 2**31, 4096
"""A step may hold one part in `SHARE` of the free memory, at most so many bytes, and at most so many images: larger
ones keep a card no busier, and the host would have to hold as much for every reader."""

DRIVERS = "libcuda.so.1", "nvcuda.dll"
PACKAGES = "cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x"

PLANS = 4
"""Plans of transforms that are kept: each holds work space of its own, about as much as it transforms, and no other
array gets it back."""


class CupyGpu:
    """CuPy arrays and Numba kernels on an NVIDIA card."""

    name = "cupy"
    rank = 10
    lanes = 1

    @property
    def xp(self) -> ModuleType:
        """The array module: `cupy`."""
        import cupy

        return cupy

    @property
    def fft(self) -> ModuleType:
        """The Fourier transforms: `cupyx.scipy.fft`, which keeps the last `PLANS` plans."""
        import cupyx.scipy.fft

        plans = self._plans()
        if plans.get_size() != PLANS:
            plans.set_size(PLANS)
        return cupyx.scipy.fft

    def _plans(self) -> Any:
        """Return the plans of transforms that CuPy keeps for this thread."""
        return self.xp.fft.config.get_plan_cache()

    def why_unavailable(self) -> str:
        """Return an empty string if a kernel runs here, else the reason with what would mend it.

        Returns
        -------
        str
            The reason.
        """
        return _why_unavailable()

    def owns(self, array: Any) -> bool:
        """Return whether an array is a CuPy array.

        Parameters
        ----------
        array : object
            Any object.

        Returns
        -------
        bool
            True for CuPy arrays; CuPy is not imported to find out. While another thread imports it, which xarray does
            by itself, there are none.
        """
        kind = getattr(sys.modules.get("cupy"), "ndarray", None)
        return kind is not None and isinstance(array, kind)

    def launch(self, maker: Callable, constants: tuple, shape: tuple, arguments: tuple, threads: int = 1) -> None:
        """Call a kernel once for every (image, row, column); each call writes its own output.

        Parameters
        ----------
        maker : callable
            Kernel maker: `maker(target, *constants)` returns the element function.
        constants : tuple
            Compile-time constants of the maker.
        shape : tuple of int
            Images, rows, columns.
        arguments : tuple
            Arrays and numbers that the element function takes after its three indices.
        threads : int, optional
            Of the CPU; not used.
        """
        gpu_kernels.start(gpu_kernels.kernel(maker, constants), shape, arguments)

    def launch_scatter(
        self, maker: Callable, constants: tuple, shape: tuple, planes: int, arguments: tuple, threads: int = 1
    ) -> None:
        """Call a kernel for every (image, row, column); calls add to shared outputs atomically, in no fixed order.

        Parameters
        ----------
        maker : callable
            Kernel maker: `maker(target, *constants)` returns the element function.
        constants : tuple
            Compile-time constants of the maker.
        shape : tuple of int
            Images, rows, columns.
        planes : int
            Planes of the output; every item adds to all of them.
        arguments : tuple
            Arrays and numbers that the element function takes after its indices and the range of planes.
        threads : int, optional
            Of the CPU; not used.
        """
        gpu_kernels.start(gpu_kernels.kernel(maker, constants), shape, (0, planes, *arguments))

    def free_memory(self) -> int:
        """Return how much memory of the card can be allocated now.

        Returns
        -------
        int
            Bytes: what the driver has, and what CuPy holds without using it.
        """
        free, _ = self.xp.cuda.runtime.memGetInfo()
        return int(free + self.xp.get_default_memory_pool().free_bytes())

    def describe(self) -> str:
        """Return what the card is.

        Returns
        -------
        str
            Name, memory, compute capability, and versions of driver interface and CuPy.
        """
        runtime = self.xp.cuda.runtime
        card = runtime.getDeviceProperties(runtime.getDevice())
        name = card["name"].decode() if isinstance(card["name"], bytes) else card["name"]
        version = runtime.driverGetVersion()
        return (
            f"{name}, {card['totalGlobalMem'] / 2**30:.1f} GiB, compute capability {card['major']}.{card['minor']}, "
            f"driver for CUDA {version // 1000}.{version % 1000 // 10}, CuPy {self.xp.__version__}"
        )

    def reading_of(self, problem: BaseException) -> str:
        """Return in a sentence how the card failed.

        Parameters
        ----------
        problem : exception
            What was raised.

        Returns
        -------
        str
            Empty for exceptions that neither CuPy nor Numba's compiler for cards made.
        """
        return gpu_failures.reading_of(problem)

    def workers(self, threads: int) -> int:
        """Return how many pieces of a run are worth computing at a time.

        Parameters
        ----------
        threads : int
            CPU threads of the run.

        Returns
        -------
        int
            One: a piece fills the card by itself.
        """
        return 1

    def together(self, least: int, bytes_each: float) -> int:
        """Return how many images a step takes at a time.

        Parameters
        ----------
        least : int
            The least that makes sense.
        bytes_each : float
            What one image holds during the step [byte].

        Returns
        -------
        int
            A multiple of `least`: as many as one part in `SHARE` of the free memory holds, at most `MOST`.

        Notes
        -----
        Plans of transforms that hold more than that themselves, as that of a padded box, are given up first.
        """
        if self._plans().get_curr_memsize() > self.free_memory() / SHARE:
            self._plans().clear()
        held = min(self.free_memory() / SHARE, LARGEST_STEP)
        fitting = int(min(held // max(bytes_each, 1.0), MOST))
        return max(least, fitting // least * least)

    def upload(self, array: Any) -> Any:
        """Return an array on the card.

        Parameters
        ----------
        array : array
            Of the host or of the card.

        Returns
        -------
        cupy.ndarray
            It, or a copy of it.
        """
        return self.xp.asarray(array)

    def download(self, array: Any) -> np.ndarray:
        """Return an array on the host, once all that it depends on is computed.

        Parameters
        ----------
        array : array
            Of the host or of the card.

        Returns
        -------
        ndarray
            It, or a copy of it.
        """
        return array.get() if self.owns(array) else np.asarray(array)

    def feed(self, read: Callable[[Any], Any], items: Iterable) -> Iterator[Any]:
        """Yield what is read for one item after the other, while the next are read and uploaded.

        Parameters
        ----------
        read : callable
            Takes an item; returns an array of the host, or a tuple of them. Called from other threads.
        items : iterable
            What to read.

        Yields
        ------
        cupy.ndarray or tuple of cupy.ndarray
            Valid until the next is asked for.
        """
        return Feed(self.xp, read).of(items)

    def non_uniform(
        self, kind: int, shape: tuple[int, ...], many: int, relative_error: float, upsampling: float, dtype: str
    ) -> Any:
        """Return a plan of non-uniform Fourier transforms: cufinufft's where it is installed, else that of the CPU.

        Parameters
        ----------
        kind : {1, 2}
            1 from points to a grid with positive sign, 2 from a grid to points with negative sign.
        shape : tuple of int
            Points of the grid along each axis.
        many : int
            Transforms at a time.
        relative_error : float
            Wanted accuracy.
        upsampling : float
            Edge of the fine grid over that of the grid, for the CPU's plan; the card's chooses its own.
        dtype : {"complex64", "complex128"}
            Precision.

        Returns
        -------
        plan
            Takes and gives CuPy arrays.
        """
        sign = -1 if kind == 2 else 1
        on_card = _card_transforms()
        if on_card is not None:
            return on_card.Plan(kind, shape, many, relative_error, sign, dtype=dtype)
        import finufft

        plan = finufft.Plan(kind, shape, many, relative_error, sign, dtype=dtype, upsampfac=upsampling, showwarn=0)
        return _HostPlan(plan, self)


class _HostPlan:
    """A plan of the CPU that takes and gives arrays of the card."""

    def __init__(self, plan: Any, backend: CupyGpu) -> None:
        self._plan, self._backend = plan, backend

    def setpts(self, *points: Any) -> None:
        """Take the points, one array an axis."""
        self._plan.setpts(*map(self._backend.download, points))

    def execute(self, values: Any) -> Any:
        """Return the transform."""
        return self._backend.upload(self._plan.execute(self._backend.download(values)))


@cache
def _card_transforms() -> ModuleType | None:
    """Return cufinufft, or nothing where it is not installed, or its libraries are not."""
    try:
        import cufinufft
    except (ImportError, OSError, RuntimeError):
        return None
    return cufinufft


def _has_driver() -> bool:
    for name in DRIVERS:
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            continue
    return False


@cache
def _why_unavailable() -> str:
    """Look for a driver first: without one nothing of CuPy is imported."""
    if not _has_driver():
        return f"no NVIDIA driver was found; install that of your card (nvidia.com/drivers), then: {INSTALL}"
    for package in ("cupy", "numba_cuda"):
        if importlib.util.find_spec(package) is None:
            return f"{package.replace('_', '-')} is not installed; install it with: {INSTALL}"
    several = [name for name in PACKAGES if _is_installed(name)]
    if len(several) > 1:
        names = " ".join(several)
        return f"{len(several)} packages bring CuPy, and only one may; pip uninstall {names}; then: {INSTALL}"
    try:
        import cupy

        _compute_a_little(cupy)
    except Exception as problem:
        return gpu_failures.what_would_mend(problem)
    return ""


def _is_installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def _compute_a_little(cupy: ModuleType) -> None:
    """Use once what a run uses: a transform, a product, and a kernel."""
    import cupyx.scipy.fft

    line = cupy.ones((2, 2), cupy.float32)
    total = float(cupyx.scipy.fft.rfft2(line @ line)[0, 0].real)
    BACKEND.launch(_make_twice, (), (1, 2, 2), (line,))
    assert total == 8.0 and float(line.sum()) == 8.0, "wrong sums"


def _make_twice(target: Any) -> Callable:
    @target.function
    def twice(image, row, column, values):
        values[row, column] += values[row, column]

    return twice


BACKEND = CupyGpu()
