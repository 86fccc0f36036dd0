"""The contract of every backend, and of kernels across processes."""

import subprocess
import sys
import types

import numpy as np
import pytest
from tiny_kernels import make_histogram, make_product

from cryonb.backends import available, backend_of, get_backend
from cryonb.engines import get_engine
from cryonb.errors import InputError

WORKING = [name for name, reason in available().items() if not reason]
MARKED = [pytest.param(name, marks=() if name == "numba" else pytest.mark.gpu) for name in WORKING]


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("threads", [1, 3])
def test_a_launch_calls_every_element_once(name, threads):
    backend = get_backend(name)
    source = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    result = backend.xp.zeros(source.shape, np.float32)
    backend.launch(make_product, (3.0,), source.shape, (backend.upload(source), result), threads)
    assert backend_of(result) is backend
    assert np.array_equal(backend.download(result), 3 * source)


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_scatter_adds_everything(name, threads):
    backend = get_backend(name)
    rng = np.random.default_rng(0)
    plane = rng.integers(0, 7, (50, 4, 3))
    value = rng.normal(size=plane.shape).astype(np.float32)
    result = backend.xp.zeros(7, np.float32)
    arguments = backend.upload(plane), backend.upload(value), result
    backend.launch_scatter(make_histogram, (), plane.shape, 7, arguments, threads)
    expected = np.zeros(7, np.float32)
    np.add.at(expected, plane.ravel(), value.ravel())
    error = 0.0 if name == "numba" else 1e-4  # a card adds in any order
    assert np.abs(backend.download(result) - expected).max() <= error


def test_names_are_checked():
    assert get_backend("auto").name in WORKING
    with pytest.raises(InputError, match="Did you mean 'numba'"):
        get_backend("nunba")
    with pytest.raises(InputError, match="Did you mean 'local'"):
        get_engine("locall")
    with pytest.raises(InputError, match="known backend; got list"):
        backend_of([1.0])


def test_every_backend_says_what_it_can_hold():
    for name in WORKING:
        assert get_backend(name).free_memory() > 0
        assert get_backend(name).describe()


def test_engines_keep_order_and_report_failures():
    engine = get_engine("local")
    assert engine.map(lambda item, threads: (item, threads), [1, 2, 3], 6) == [(1, 2), (2, 2), (3, 2)]
    assert engine.map(lambda item, threads: (item, threads), [1, 2], 1) == [(1, 1), (2, 1)]

    def fail(item, threads):
        raise ValueError(f"piece {item}")

    with pytest.raises(ValueError, match="piece 1"):
        engine.map(fail, [1, 2], 2)


SECOND_PROCESS = """
import numpy as np
from cryonb.backends import get_backend
from cryonb.backends.numba_cpu import _loop, _scatter_loop
from cryonb.imaging.projector import Grid
from cryonb.imaging.reconstruct import Accumulator
from cryonb.kernels.slices import make_insert_slice
grid = Grid.of(8, 2.0, "trilinear", 4)
accumulator = Accumulator.empty(grid)
values, weights = np.zeros((1, 8, 5), np.complex64), np.zeros((1, 8, 5), np.float32)
accumulator.insert(values, weights, np.zeros((1, 1, 3, 3), np.float32))
loop = _scatter_loop(make_insert_slice, (grid.kernel, grid.shape_parameter))
print(sum(loop.stats.cache_hits.values()), sum(loop.stats.cache_misses.values()))
"""


def test_compiled_kernels_are_found_again_by_the_next_process(tmp_path):
    """Closures would miss Numba's disk cache in every process without a stable identity."""
    import os

    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    runs = [
        subprocess.run(
            [sys.executable, "-c", SECOND_PROCESS], env=environment, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert runs[0].stdout.split() == ["0", "1"]
    assert runs[1].stdout.split() == ["1", "0"]


def test_kernels_compiled_from_source_are_found_by_processes_that_read_bytecode(tmp_path):
    """The first process after an install compiles the modules too: which equal texts are one object differs then."""
    import os

    places = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels"), "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode")}
    environment = {**os.environ, **places, "PYTHONDONTWRITEBYTECODE": ""}
    words = [sys.executable, "-c", SECOND_PROCESS]
    runs = [subprocess.run(words, env=environment, capture_output=True, text=True, check=True) for _ in range(2)]
    assert list((tmp_path / "bytecode").rglob("slices*.pyc"))
    assert [run.stdout.split() for run in runs] == [["0", "1"], ["1", "0"]]


def test_a_constant_that_a_kernel_reads_is_part_of_its_identity(monkeypatch):
    from cryonb.backends import numba_cpu
    from cryonb.kernels import slices

    def identity():
        return numba_cpu._scatter_loop.__wrapped__(slices.make_insert_slice, ("trilinear", 0.0))._cache._index_key(
            (), numba_cpu._target().add.targetctx.codegen()
        )[2]

    before = identity()
    assert identity() == before
    monkeypatch.setattr(slices, "_ONE", np.float32(1.5))
    assert identity() != before


def test_an_array_is_told_while_another_thread_imports_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", types.ModuleType("cupy"))
    assert backend_of(np.zeros(3)).name == "numba"
