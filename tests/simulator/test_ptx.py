"""Kernels compiled for NVIDIA cards of three generations, without a card: what they are made of."""

import re
import types

import numba
import numpy as np
import pytest
from simulator.launches import EXAMPLES, launches_of, makers_launched

from cryonb.backends import gpu_kernels

pytestmark = [pytest.mark.simulator, pytest.mark.slow]

CAPABILITIES = [(7, 5), (8, 0), (9, 0)]
CACHES = gpu_kernels.target, gpu_kernels.kernel
ATOMIC_SUM = re.compile(r"\b(?:atom|red)\.(?:\w+\.)*add\.(?:\w+\.)*f32\b")


@pytest.fixture(scope="module")
def compiler():
    """Return Numba's compiler for NVIDIA cards, or skip."""
    pytest.importorskip("numba_cuda", reason="kernels cannot be compiled for a GPU here: pip install numba-cuda")
    if numba.config.ENABLE_CUDASIM:
        pytest.skip("NUMBA_ENABLE_CUDASIM is set: the simulator compiles nothing")
    from numba import cuda

    try:
        cuda.compile_ptx(lambda: None, (), cc=CAPABILITIES[0])
    except Exception as problem:
        message = str(problem).strip().splitlines()[0]
        pytest.skip(f"NVIDIA's compiler is not installed ({message}): pip install nvidia-nvvm nvidia-cuda-nvrtc")
    return cuda


@pytest.fixture(scope="module")
def launches():
    """Return one launch of every kernel, by what makes a difference to its compiler."""
    found = {}
    for name in EXAMPLES:
        for launch in launches_of(name):
            found.setdefault((launch.maker, launch.constants, signature(launch)), launch)
    return list(found.values())


@pytest.fixture(params=CAPABILITIES, ids=lambda capability: "sm_{}{}".format(*capability), scope="module")
def compiled(request, compiler, launches):
    """Return (launch, PTX) of every kernel."""
    with pytest.MonkeyPatch.context() as patch:
        as_on(patch, request.param)
        yield [(launch, ptx_of(compiler, launch, request.param)) for launch in launches]
    forget()


def as_on(patch, capability):
    """Let functions that kernels call be compiled as on a card: Numba asks the present one what it can do."""
    forget()
    card = types.SimpleNamespace(compute_capability=capability)
    patch.setattr("numba.cuda.dispatcher.get_current_device", lambda: card)


def forget():
    for cache in CACHES:
        cache.cache_clear()


def signature(launch):
    """Return the types that `gpu_kernels.start` passes: its own sizes, then the arguments."""
    size, place = numba.uint32, numba.int64
    values = [np.int64(value) if isinstance(value, int) else value for value in launch.taken]
    return place, size, size, size, numba.types.Tuple(list(map(numba.typeof, values)))


def ptx_of(compiler, launch, capability):
    entry = gpu_kernels.kernel(launch.maker, launch.constants).py_func
    return compiler.compile_ptx(entry, signature(launch), cc=capability)[0]


def in_double_precision(ptx):
    return [line for line in ptx.splitlines() if ".f64" in line]


def test_no_kernel_computes_in_double_precision(compiled):
    for launch, ptx in compiled:
        assert ".f32" in ptx
        assert in_double_precision(ptx) == [], (launch.maker.__name__, launch.constants)


def test_only_shared_outputs_are_added_to_atomically(compiled):
    for launch, ptx in compiled:
        assert bool(ATOMIC_SUM.search(ptx)) == launch.scatters, (launch.maker.__name__, launch.constants)


def test_no_kernel_calls_or_keeps_arrays_of_its_own(compiled):
    """All functions are laid into the kernel, and nothing of it stands in memory beyond its arguments."""
    for launch, ptx in compiled:
        assert not re.search(r"\bcall\b|\.local\b", ptx), (launch.maker.__name__, launch.constants)


def test_every_kernel_of_the_package_is_compiled(launches):
    assert {launch.maker.__name__ for launch in launches} == makers_launched()


def make_promoted(target):
    @target.function
    def promoted(image, row, column, values):
        values[row, column] = column * np.float32(0.1)

    return promoted


def test_a_whole_number_times_a_float32_is_seen_as_double_precision(compiler, launches, monkeypatch):
    as_on(monkeypatch, (9, 0))
    arrays = (np.zeros((2, 2), np.float32),)
    launch = type(launches[0])(make_promoted, (), (1, 2, 2), (), arrays, arrays)
    assert in_double_precision(ptx_of(compiler, launch, (9, 0)))
    forget()
