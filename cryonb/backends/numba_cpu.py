"""The CPU backend: NumPy and SciPy for whole arrays, Numba for kernels.

Kernels are compiled without Numba's own threads: each launch is cut into pieces that run, without the interpreter
lock, on a pool of Python threads. A scatter is cut by planes of its output, every thread walking all inputs in
the same order, so that sums have the same bits for any number of threads.

Kernels are closures, which Numba's disk cache knows by their pickles. These differ from process to process: a compiled
function carries a random identity, and modules that are loaded from bytecode share other objects than those that were
just compiled. Here a digest of its code and of the constants that it reads stands for a function, so that the cache is
hit and a new process starts its first kernel in milliseconds.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

_BUILDING = threading.Lock()


class _Target:
    """What a kernel maker needs of a compiler: how to compile a function, and how to add to an array."""

    def __init__(self) -> None:
        import numba

        self._compile = numba.njit

        @self.function
        def add(array, index, value):
            array[index] += value

        self.add, self.prefetch = add, _prefetch()

    def function(self, python_function: Callable) -> Callable:
        """Compile a function that kernels call."""
        options = dict(_nrt=False, fastmath={"contract"}, forceinline=True)
        return _with_stable_identity(self._compile(**options)(python_function))

    def entry(self, python_function: Callable) -> Callable:
        """Compile a function that Python calls; it runs without the interpreter lock, and is kept on disk if it can."""
        options = dict(_nrt=False, nogil=True, fastmath={"contract"})
        try:
            return _found_by_content(self._compile(cache=True, **options)(python_function))
        except RuntimeError:  # no folder that may hold the cache
            return self._compile(**options)(python_function)


@cache
def _prefetch() -> Callable:
    """Return the compiled request to bring one element of an array into the cache for writing."""
    from numba.extending import intrinsic

    @intrinsic
    def prefetch(typing_context, array, index):
        from numba import types

        return types.void(array, index), _generate_prefetch

    prefetch._set_uuid("cryonb-prefetch")
    return prefetch


def _generate_prefetch(context, builder, signature, arguments):
    from llvmlite import ir
    from numba.core import cgutils

    byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
    for_writing, keep, data_cache = (ir.Constant(word, value) for value in (1, 3, 1))
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
    kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
    request = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(request, [address, for_writing, keep, data_cache])
    return context.get_dummy_value()


def _with_stable_identity(dispatcher: Any) -> Any:
    dispatcher._set_uuid(_identity(dispatcher.py_func))
    return dispatcher


def _found_by_content(dispatcher: Any) -> Any:
    known = _identity(dispatcher.py_func)
    dispatcher._cache._index_key = lambda signature, codegen: (signature, codegen.magic_tuple(), known)
    return dispatcher


def _identity(function: Callable) -> str:
    """Return a digest of a function's code, of what it closes over, and of the constants that it reads."""
    code = function.__code__
    read = map(function.__globals__.get, code.co_names)
    read = [value for value in read if isinstance(value, (int, float, str, tuple, np.generic))]
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    known = [getattr(value, "_uuid", None) or repr(value) for value in [*read, *cells]]
    constants = [constant for constant in code.co_consts if not hasattr(constant, "co_code")]
    content = repr((code.co_name, code.co_code.hex(), constants, code.co_names, known)).encode()
    return f"cryonb-{hashlib.sha256(content).hexdigest()}"


@cache
def _target() -> _Target:
    return _Target()


@cache
def _loop(maker: Callable, constants: tuple) -> Callable:
    element = maker(_target(), *constants)

    def loop(first, last, rows, columns, arguments):
        for image in range(first, last):
            for row in range(rows):
                for column in range(columns):
                    element(image, row, column, *arguments)

    return _target().entry(loop)


@cache
def _scatter_loop(maker: Callable, constants: tuple) -> Callable:
    element = maker(_target(), *constants)

    def scatter_loop(first_plane, last_plane, images, rows, columns, arguments):
        for image in range(images):
            for row in range(rows):
                for column in range(columns):
                    element(image, row, column, first_plane, last_plane, *arguments)

    return _target().entry(scatter_loop)


def _once(build: Callable, maker: Callable, constants: tuple) -> Callable:
    """Return what `build` makes, made by one thread where several ask at a time."""
    with _BUILDING:
        return build(maker, constants)


def _pieces(count: int, threads: int) -> list[tuple[int, int]]:
    if min(threads, count) <= 1:
        return [(0, count)]
    edges = np.linspace(0, count, min(threads, count) + 1).astype(int).tolist()
    return list(zip(edges[:-1], edges[1:]))


def _run(call: Callable, pieces: list[tuple[int, int]]) -> None:
    if len(pieces) == 1:
        call(*pieces[0])
        return
    with ThreadPoolExecutor(len(pieces)) as pool:
        for future in [pool.submit(call, *piece) for piece in pieces]:
            future.result()


class NumbaCpu:
    """NumPy arrays and Numba kernels on the cores of this machine."""

    name = "numba"
    rank = 0
    xp = np
    lanes = 64

    @property
    def fft(self) -> ModuleType:
        """The Fourier transforms: `scipy.fft`."""
        import scipy.fft

        return scipy.fft

    def why_unavailable(self) -> str:
        """Return an empty string if Numba can be imported, else the reason.

        Returns
        -------
        str
            The reason.
        """
        try:
            import numba  # noqa: F401
        except Exception as problem:
            return f"numba cannot be imported ({problem}); install it with: pip install numba"
        return ""

    def owns(self, array: Any) -> bool:
        """Return whether an array is a NumPy array.

        Parameters
        ----------
        array : object
            Any object.

        Returns
        -------
        bool
            True for NumPy arrays.
        """
        return isinstance(array, np.ndarray)

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
            CPU threads.
        """
        loop = _once(_loop, maker, constants)
        images, rows, columns = shape
        _run(lambda first, last: loop(first, last, rows, columns, arguments), _pieces(images, threads))

    def launch_scatter(
        self, maker: Callable, constants: tuple, shape: tuple, planes: int, arguments: tuple, threads: int = 1
    ) -> None:
        """Call a kernel for every (image, row, column); calls add to shared outputs, each plane owned by one thread.

        Parameters
        ----------
        maker : callable
            Kernel maker: `maker(target, *constants)` returns the element function.
        constants : tuple
            Compile-time constants of the maker.
        shape : tuple of int
            Images, rows, columns.
        planes : int
            Planes of the output.
        arguments : tuple
            Arrays and numbers that the element function takes after its indices and the range of planes it owns.
        threads : int, optional
            CPU threads; the result does not depend on it.
        """
        loop = _once(_scatter_loop, maker, constants)
        _run(lambda first, last: loop(first, last, *shape, arguments), _pieces(planes, threads))

    def free_memory(self) -> int:
        """Return how much memory can be allocated now.

        Returns
        -------
        int
            Bytes.
        """
        import psutil

        return int(psutil.virtual_memory().available)

    def describe(self) -> str:
        """Return what the machine is.

        Returns
        -------
        str
            Processor and version of Numba.
        """
        import platform

        import numba

        return f"{platform.processor() or platform.machine()}, Numba {numba.__version__}"

    def reading_of(self, problem: BaseException) -> str:
        """Return in a sentence how this machine failed: memory that ran out.

        Parameters
        ----------
        problem : exception
            What was raised.

        Returns
        -------
        str
            Empty for anything but a `MemoryError`.
        """
        if not isinstance(problem, MemoryError):
            return ""
        return f"a run must fit in memory; got {problem}. Set compute.memory_limit, a smaller box or more binning."

    def workers(self, threads: int) -> int:
        """Return how many pieces of a run are worth computing at a time.

        Parameters
        ----------
        threads : int
            CPU threads of the run.

        Returns
        -------
        int
            As many.
        """
        return threads

    def together(self, least: int, bytes_each: float) -> int:
        """Return how many images a step takes at a time.

        Parameters
        ----------
        least : int
            The least that makes sense.
        bytes_each : float
            What one image holds [byte].

        Returns
        -------
        int
            The least, whatever memory there is: results have the same bits on every machine.
        """
        return least

    def upload(self, array: Any) -> np.ndarray:
        """Return an array of the host.

        Parameters
        ----------
        array : ndarray
            The array.

        Returns
        -------
        ndarray
            The array itself.
        """
        return np.asarray(array)

    def download(self, array: Any) -> np.ndarray:
        """Return an array of the host.

        Parameters
        ----------
        array : ndarray
            The array.

        Returns
        -------
        ndarray
            The array itself.
        """
        return np.asarray(array)

    def feed(self, read: Callable[[Any], Any], items: Iterable) -> Iterator[Any]:
        """Yield what is read for one item after the other; nothing is read ahead.

        Parameters
        ----------
        read : callable
            Takes an item; returns an array, or a tuple of them.
        items : iterable
            What to read.

        Returns
        -------
        iterator of ndarray or tuple of ndarray
            One an item.
        """
        return map(read, items)

    def non_uniform(
        self, kind: int, shape: tuple[int, ...], many: int, relative_error: float, upsampling: float, dtype: str
    ) -> Any:
        """Return a plan of non-uniform Fourier transforms.

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
            Edge of the fine grid over that of the grid.
        dtype : {"complex64", "complex128"}
            Precision.

        Returns
        -------
        finufft.Plan
            On one thread: a transform of kind 1 sums in an order of its own otherwise.
        """
        import finufft

        sign = -1 if kind == 2 else 1
        options = {"upsampfac": upsampling, "showwarn": 0, "nthreads": 1}
        return finufft.Plan(kind, shape, many, relative_error, sign, dtype=dtype, **options)


BACKEND = NumbaCpu()
