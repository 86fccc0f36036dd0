"""What `cryonb doctor` says of every way in which a GPU may be out of reach, and of one that works."""

import importlib.util
import os
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest

import cryonb as cn
from cryonb import backends
from cryonb.backends import cupy_gpu
from cryonb.cli import doctor


class RuntimeFault(RuntimeError):
    """What CuPy raises, by its number."""

    __module__ = "cupy_backends.cuda.api.runtime"

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class DynamicLibNotFoundError(RuntimeError):
    __module__ = "cuda.pathfinder"


@pytest.fixture
def gpu(monkeypatch):
    """Return how to plant a machine: with a driver and all packages, on which computing does what is wanted."""
    monkeypatch.setattr(cupy_gpu, "_has_driver", lambda: True)
    monkeypatch.setattr(cupy_gpu, "_is_installed", lambda package: package == "cupy-cuda13x")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: types.SimpleNamespace(name=name))
    monkeypatch.setitem(sys.modules, "cupy", types.ModuleType("cupy"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def plant(problem=None):
        def compute(cupy):
            if problem is not None:
                raise problem

        monkeypatch.setattr(cupy_gpu, "_compute_a_little", compute)
        cupy_gpu._why_unavailable.cache_clear()

    yield plant
    cupy_gpu._why_unavailable.cache_clear()


def row_of_cupy():
    lines = doctor.examine("0")
    found = [line for line in lines[lines.index("Backends") :] if line.startswith("  cupy ")]
    assert len(found) == 1
    return found[0].removeprefix("  cupy").strip()


FAULTS = {
    "too old": (
        RuntimeFault(35, "cudaErrorInsufficientDriver: driver version is insufficient\nmore"),
        ("driver is too old", "insufficient)", "pip uninstall cupy-cuda13x", 'pip install "cryonb[gpu12]"'),
    ),
    "a kernel for a newer driver": (
        RuntimeFault(222, "unsupported PTX version"),
        ("driver is too old", "PTX", "gpu12"),
    ),
    "no library for transforms": (
        ImportError('Failure finding "libcufft.so.12 or libcufft.so.11"'),
        ("libraries that CuPy needs are missing", "libcufft", 'pip install "cryonb[gpu]"'),
    ),
    "no compiler": (
        DynamicLibNotFoundError('Failure finding "libnvrtc.so.13"'),
        ("libraries that CuPy needs are missing", "libnvrtc", 'pip install "cryonb[gpu]"'),
    ),
    "no device": (RuntimeFault(100, "no CUDA-capable device is detected"), ("no NVIDIA GPU is visible", "nvidia-smi")),
    "taken": (RuntimeFault(46, "all devices are busy or unavailable"), ("taken by others", "nvidia-smi")),
    "full": (MemoryError("Out of memory allocating 512 bytes"), ("taken by others", "nvidia-smi")),
    "anything else": (ValueError("odd"), ("CuPy does not work here (odd)", "nvidia-smi", 'pip install "cryonb[gpu]"')),
    "wrong sums": (AssertionError("wrong sums"), ("CuPy does not work here (wrong sums)",)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_gpu_that_does_not_work_is_explained(fault, gpu):
    problem, words = FAULTS[fault]
    gpu(problem)
    said = row_of_cupy()
    assert said.startswith("unavailable: ") and all(word in said for word in words), said
    assert backends.get_backend("auto").name == "numba"


def test_devices_that_are_hidden_are_named(gpu, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    gpu(RuntimeFault(100, "no device"))
    assert "CUDA_VISIBLE_DEVICES='-1' hides it: unset it" in row_of_cupy()


def test_no_driver(gpu, monkeypatch):
    gpu(AssertionError("nothing may be computed"))
    monkeypatch.setattr(cupy_gpu, "_has_driver", lambda: False)
    assert "no NVIDIA driver was found" in row_of_cupy() and 'pip install "cryonb[gpu]"' in row_of_cupy()


def test_a_driver_is_looked_for_by_its_library(monkeypatch):
    asked = []

    def load(name):
        asked.append(name)
        raise OSError(name)

    monkeypatch.setattr(cupy_gpu.ctypes, "CDLL", load)
    assert not cupy_gpu._has_driver() and asked == list(cupy_gpu.DRIVERS)
    monkeypatch.setattr(cupy_gpu.ctypes, "CDLL", lambda name: object())
    assert cupy_gpu._has_driver()


@pytest.mark.parametrize("package, shown", [("cupy", "cupy"), ("numba_cuda", "numba-cuda")])
def test_a_package_that_is_missing(package, shown, gpu, monkeypatch):
    gpu(AssertionError("nothing may be computed"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else object())
    assert f'{shown} is not installed; install it with: pip install "cryonb[gpu]"' in row_of_cupy()


def test_two_packages_of_cupy(gpu, monkeypatch):
    gpu(AssertionError("nothing may be computed"))
    monkeypatch.setattr(cupy_gpu, "_is_installed", lambda package: package.endswith("2x") or package.endswith("3x"))
    said = row_of_cupy()
    assert "2 packages bring CuPy" in said and "pip uninstall cupy-cuda12x cupy-cuda13x" in said


def test_extras_are_named_by_the_first_that_brings_a_package(monkeypatch):
    lines = [
        "numpy>=2.0",
        'cupy-cuda13x[ctk]>=14; extra == "gpu"',
        'numba-cuda[cu13]>=0.30; extra == "gpu"',
        'cupy-cuda12x[ctk]>=14; extra == "gpu12"',
        'numba-cuda[cu12]>=0.30; extra == "gpu12"',
        'numba-cuda>=0.30; sys_platform == "linux" and extra == "test"',
        'pytest>=8.0; extra == "test"',
        'cryonb[notebook]; extra == "docs"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    monkeypatch.setattr(doctor, "installed", lambda name: "1" if name == "numpy" else "")
    assert doctor.requirements() == {
        "numpy": "", "cupy-cuda13x": "gpu", "numba-cuda": "gpu", "cupy-cuda12x": "gpu12"
    }  # fmt: skip
    optional = "\n".join(doctor.examine("0"))
    assert 'numba-cuda           not installed; pip install "cryonb[gpu]"\n' in optional
    assert 'pip install "cryonb[gpu12]" (in place of gpu, for older NVIDIA drivers: the README says which)' in optional


WITHOUT_A_DRIVER = """
import sys

class Watch:
    asked = []

    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if name.split(".")[0] in ("cupy", "cupyx", "numba_cuda") and "cryonb" in frame.f_globals["__name__"]:
            self.asked.append(name)

sys.meta_path.insert(0, Watch())
import cryonb as cn
from cryonb import cli
from cryonb.backends import cupy_gpu
cupy_gpu._has_driver = lambda: False
particles = cn.simulate(cn.phantom("helices", box_size=16, pixel_size=4.0), n_particles=20, snr=5.0)
cn.reconstruct(particles, compute=dict(backend="auto"))
assert cli.main(["doctor"]) == 0
assert cli.main(["reconstruct", "particles.star", "--compute.backend", "cupy"]) == 2
print(Watch.asked)
cupy_gpu._has_driver = lambda: True
cupy_gpu._why_unavailable.cache_clear()
cupy_gpu._why_unavailable()
print(Watch.asked[:1])
"""
"""Who imports is looked at, since other libraries import CuPy of their own accord where they find it."""


def test_nothing_imports_cupy_unless_there_is_a_driver(tmp_path):
    checkout = str(Path(cn.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": checkout}
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT_A_DRIVER]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=True)
    nothing, asked = done.stdout.splitlines()[-2:]
    assert nothing == "[]" != asked
    said = [line for line in done.stderr.splitlines() if line.startswith("cryonb: ")]
    assert len(said) == 1 and "backend cupy must work here; got this: no NVIDIA driver was found" in said[0]
    assert not list(tmp_path.iterdir())
