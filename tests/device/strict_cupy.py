"""A stand-in for CuPy on a machine without a card: NumPy inside, and stricter than CuPy about where arrays live.

It refuses what CuPy refuses (a host array that meets one of the card, a silent copy to the host), and also what CuPy
does in silence though it costs a round trip (indices and values of the host). It counts copies either way, keeps
account of the memory that is held, runs uploads of other streams only when something waits for them, and can be told
to run out of memory or to be lost. Where the real CuPy is installed, names that it lacks and arguments that it would
not understand are refused too.
"""

import ast
import functools
import inspect
import re
import sys
import types
import weakref
from collections import Counter, deque

import numpy as np
import scipy.fft

GARBAGE = 1e30
CREATING = {"array", "asarray", "ascontiguousarray", "asanyarray"}


def real_cupy():
    """Return the real CuPy where it is installed; it can be looked at without a card."""
    try:
        import cupy
    except ImportError:
        return None
    return cupy


class OutOfMemoryError(MemoryError):
    __module__ = "cupy.cuda.memory"


class CUDARuntimeError(RuntimeError):
    __module__ = "cupy_backends.cuda.api.runtime"

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Card:
    """What the stand-in counts, and how it is to fail."""

    def __init__(self, capacity=2**33):
        self.capacity, self.held, self.peak = capacity, 0, 0
        self.uploads = self.downloads = self.uploaded_bytes = self.downloaded_bytes = 0
        self.launches = 0
        self.pinned, self.pinned_free = 0, Counter()
        self.lost = False
        self.fails_after = None

    def work(self):
        """One operation: fails where the card is lost, or has been told to be lost after so many."""
        if self.fails_after is not None:
            self.fails_after -= 1
            self.lost = self.lost or self.fails_after < 0
        if self.lost:
            raise CUDARuntimeError(719, "cudaErrorLaunchFailure: unspecified launch failure")

    def hold(self, host):
        """Keep account of an array's memory until it is given back."""
        if host.base is not None or host.nbytes == 0:
            return
        if self.held + host.nbytes > self.capacity:
            raise OutOfMemoryError(
                f"Out of memory allocating {host.nbytes:,} bytes (allocated so far: {self.held:,} bytes)."
            )
        self.held += host.nbytes
        self.peak = max(self.peak, self.held)
        weakref.finalize(host, self._given_back, host.nbytes)

    def free_pinned(self):
        """Give back the pinned memory that nothing holds."""
        self.pinned -= sum(size * count for size, count in self.pinned_free.items())
        self.pinned_free.clear()

    def _given_back(self, count):
        self.held -= count


CARD = Card()
REAL = real_cupy()


def wrap(value):
    """Return NumPy's results as the card's: scalars too become arrays, of no dimension."""
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        CARD.hold(value)
        return ndarray(value)
    if isinstance(value, (tuple, list)):
        return type(value)(map(wrap, value)) if type(value) in (tuple, list) else tuple(map(wrap, value))
    return value


def unwrap(value, what):
    """Return the card's arrays as NumPy's, and refuse those of the host."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}: an array of the host meets the card in {what}")
    if isinstance(value, (tuple, list)):
        return type(value)(unwrap(part, what) for part in value)
    if isinstance(value, dict):
        return {name: unwrap(part, what) for name, part in value.items()}
    return value


@functools.cache
def _signature(real):
    """Return how CuPy's own function is called: from itself, or from the first line of what it says of itself."""
    if isinstance(real, (getattr(REAL, "ufunc", ()), getattr(REAL._core, "_GUFunc", ()))):
        return UFUNC
    try:
        return inspect.signature(real)
    except (ValueError, TypeError):
        first = (real.__doc__ or "").strip().splitlines()[:1]
        found = re.match(r"(?:\w+\.)?\w+\((.*)\)", first[0]) if first else None
    if found is None:
        return None
    given = ast.parse(f"def call({found[1]}): pass").body[0].args
    kinds, Parameter = inspect.Parameter, inspect.Parameter
    optional = len(given.args) - len(given.defaults)
    parameters = [
        Parameter(one.arg, kinds.POSITIONAL_OR_KEYWORD, default=kinds.empty if place < optional else None)
        for place, one in enumerate(given.args)
    ]
    if given.vararg:
        parameters.append(Parameter(given.vararg.arg, kinds.VAR_POSITIONAL))
    parameters += [Parameter(one.arg, kinds.KEYWORD_ONLY, default=None) for one in given.kwonlyargs]
    return inspect.Signature(parameters)


UFUNC = inspect.signature(lambda *operands, out=None, dtype=None, casting="same_kind", axes=None: None)


def _must_bind(name, real, args, kwargs):
    """Refuse a call that CuPy's own function would not understand."""
    signature = None if real is None else _signature(real)
    if signature is None:
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as problem:
        raise TypeError(f"cupy's {name} is not called so: {problem}") from None


def _operation(name, function, real=None, owner=()):
    def call(*args, **kwargs):
        CARD.work()
        _must_bind(name, real, (*owner, *args), kwargs)
        found = function(*unwrap(args, name), **unwrap(kwargs, name))
        if "out" in kwargs and kwargs["out"] is not None:
            return kwargs["out"]
        return wrap(found)

    return call


class ndarray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of the card."""

    __module__ = "cupy"

    def __init__(self, host):
        self._host = host

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        CARD.work()
        if method != "__call__":
            raise TypeError(f"cupy has no {ufunc.__name__}.{method} for numpy's")
        out = kwargs.get("out")
        found = getattr(ufunc, method)(*unwrap(inputs, ufunc.__name__), **unwrap(kwargs, ufunc.__name__))
        if out is not None:
            return out[0] if len(out) == 1 else out
        return wrap(found)

    def __array_function__(self, function, kinds, args, kwargs):
        return getattr(sys.modules["cupy"], function.__name__)(*args, **kwargs)

    def __getitem__(self, index):
        CARD.work()
        return wrap(self._host[_index(index)])

    def __setitem__(self, index, value):
        CARD.work()
        self._host[_index(index)] = unwrap(value, "an assignment")

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (wrap(part) for part in self._host)

    def _to_host(self):
        CARD.work()
        CARD.downloads += 1
        CARD.downloaded_bytes += self._host.nbytes
        return self._host

    def __bool__(self):
        return bool(self._to_host())

    def __float__(self):
        return float(self._to_host())

    def __int__(self):
        return int(self._to_host())

    __index__ = __int__

    def __complex__(self):
        return complex(self._to_host())

    def item(self, *place):
        return self._to_host().item(*place)

    def tolist(self):
        return self._to_host().tolist()

    def get(self):
        return self._to_host().copy()

    def set(self, source, stream=None):
        CARD.uploads += 1
        CARD.uploaded_bytes += source.nbytes
        assert source.flags.c_contiguous and source.dtype == self.dtype and source.shape == self.shape

        def copy():
            self._host[...] = source

        if stream is None or stream.is_null:
            copy()
        else:
            self._host[...] = GARBAGE if self.dtype.kind in "fc" else 77
            stream.put(copy)

    def __getattr__(self, name):
        if name.startswith("_") or (REAL is not None and not hasattr(REAL.ndarray, name)):
            raise AttributeError(f"cupy.ndarray has no {name}")
        value = getattr(self._host, name)
        if callable(value):
            return _operation(name, value, getattr(REAL and REAL.ndarray, name, None), (self,))
        return value if name in PLAIN else wrap(value)

    def __setattr__(self, name, value):
        if name == "_host":
            object.__setattr__(self, name, value)
        elif (
            name == "shape"
        ):  # parts of complex numbers are set through their views: cupy sets them by kernels of its own
            setattr(self._host, name, unwrap(value, name))
        else:
            raise AttributeError(name)


PLAIN = {"shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "flags", "base"}


def _index(index):
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        if isinstance(part, (np.ndarray, list)) and np.ndim(part) > 0:
            raise TypeError("an index of the host would be uploaded in silence: use xp.asarray")
    found = tuple(part._host if isinstance(part, ndarray) else part for part in parts)
    return found if isinstance(index, tuple) else found[0]


class Event:
    def __init__(self):
        self.pending = []

    def synchronize(self):
        CARD.work()
        for copy in self.pending:
            copy()
        self.pending = []

    @property
    def done(self):
        return not self.pending


class Stream:
    """A stream whose work is put off until something waits for it."""

    def __init__(self, null=False, non_blocking=False):
        self.is_null, self.waiting = null, deque()
        self.ptr = 0

    def put(self, copy):
        done = []

        def once():
            if not done:
                done.append(True)
                copy()

        self.waiting.append(once)

    def record(self, event=None):
        event = event or Event()
        event.pending = list(self.waiting)
        return event

    def wait_event(self, event):
        if self.is_null:
            event.synchronize()

    def synchronize(self):
        while self.waiting:
            self.waiting.popleft()()


class _Pinned(bytearray):
    """Memory of the host that uploads may be read from; as in CuPy, only a request of the same size takes it again."""

    def __init__(self, count):
        super().__init__(count)
        self.mem = types.SimpleNamespace(size=count)
        if CARD.pinned_free[count]:
            CARD.pinned_free[count] -= 1
        else:
            CARD.pinned += count
        weakref.finalize(self, CARD.pinned_free.update, {count: 1})


class Plans:
    """The cache of plans of transforms: how many it holds, and the work space that it is told to hold."""

    def __init__(self):
        self.size, self.work = 16, None

    def get_curr_memsize(self):
        return 0 if self.work is None else self.work.nbytes

    def clear(self):
        self.work = None

    def get_size(self):
        return self.size

    def set_size(self, size):
        self.size = size


class _Namespace(types.ModuleType):
    """A module of the card's functions, taken from one of NumPy's."""

    def __init__(self, name, source, real, also=()):
        super().__init__(name)
        self.__dict__.update({"_source": source, "_real": real}, **dict(also))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if self._real is not None and not hasattr(self._real, name):
            raise AttributeError(f"{self.__name__} has no {name}")
        value = getattr(self._source, name)
        if isinstance(value, type) or not callable(value):
            return value
        real = getattr(self._real, name, None)
        return _created(name, value, real) if name in CREATING else _operation(name, value, real)


def _created(name, function, real):
    def create(source, *args, **kwargs):
        CARD.work()
        _must_bind(name, real, (source, *args), kwargs)
        if isinstance(source, ndarray):
            return wrap(function(source._host, *args, **kwargs))
        host = np.array(function(source, *args, **kwargs))
        if host.dtype.kind not in "biufc":
            raise ValueError(f"Unsupported dtype {host.dtype}")
        CARD.uploads += 1
        CARD.uploaded_bytes += host.nbytes
        return wrap(host)

    return create


def modules():
    """Return the modules of a stand-in, by the names under which they are imported."""
    real_fft = None
    if REAL is not None:
        import cupyx.scipy.fft as real_fft
    pool = types.SimpleNamespace(
        free_bytes=lambda: 0, used_bytes=lambda: CARD.held, free_all_blocks=lambda: None, set_limit=lambda size: None
    )
    runtime = types.SimpleNamespace(
        memGetInfo=lambda: (CARD.capacity - CARD.held, CARD.capacity),
        getDeviceCount=lambda: 1,
        getDevice=lambda: 0,
        driverGetVersion=lambda: 13020,
        getDeviceProperties=lambda number: {
            "name": b"Stand-in", "totalGlobalMem": CARD.capacity, "major": 9, "minor": 0
        },
        CUDARuntimeError=CUDARuntimeError,
    )  # fmt: skip
    Stream.null, plans = Stream(null=True), Plans()
    config = types.SimpleNamespace(get_plan_cache=lambda: plans)
    machine = types.SimpleNamespace(
        Stream=Stream, Event=Event, runtime=runtime, alloc_pinned_memory=_Pinned,
        get_current_stream=lambda: Stream.null, memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    )  # fmt: skip
    also = {
        "ndarray": ndarray,
        "cuda": machine,
        "__version__": "14.2.0",
        "get_default_memory_pool": lambda: pool,
        "get_default_pinned_memory_pool": lambda: types.SimpleNamespace(free_all_blocks=CARD.free_pinned),
        "asnumpy": lambda array: array.get() if isinstance(array, ndarray) else np.asarray(array),
        "fft": _Namespace("cupy.fft", np.fft, getattr(REAL, "fft", None), {"config": config}),
        "linalg": _Namespace("cupy.linalg", np.linalg, getattr(REAL, "linalg", None)),
    }
    fft = _Namespace("cupyx.scipy.fft", scipy.fft, real_fft)
    extras, science = types.ModuleType("cupyx"), types.ModuleType("cupyx.scipy")
    extras.scipy, science.fft = science, fft
    cupy = _Namespace("cupy", np, REAL, also)
    return {"cupy": cupy, "cupyx": extras, "cupyx.scipy": science, "cupyx.scipy.fft": fft}
