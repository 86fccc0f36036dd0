"""What the exceptions of a GPU's libraries are read as: their own classes, where these are installed."""

import importlib

import pytest

from cryonb.backends import gpu_failures, reading_of
from cryonb.backends.gpu_failures import what_would_mend

DRIVER_SAYS = "[2] Call to cuModuleLoadData results in CUDA_ERROR_OUT_OF_MEMORY"
FITS, NEW, THERE, COMPILES, WORKS = (
    "a run must fit in the memory",
    "driver must be new enough",
    "an NVIDIA GPU must be there",
    "kernels must compile",
    "must work to the end of a run",
)
TAKEN, OLD, HIDDEN, COMPILER, LIBRARY = (
    "taken by others",
    "driver is too old",
    "no NVIDIA GPU is visible",
    "kernels cannot be compiled",
    "libraries that CuPy needs are missing",
)
REAL = [
    ("cupy_backends.cuda.api.runtime", "CUDARuntimeError", (719,), WORKS, "CuPy does not work here"),
    ("cupy_backends.cuda.api.runtime", "CUDARuntimeError", (2,), FITS, TAKEN),
    ("cupy_backends.cuda.api.runtime", "CUDARuntimeError", (35,), NEW, OLD),
    ("cupy_backends.cuda.api.runtime", "CUDARuntimeError", (100,), THERE, HIDDEN),
    ("cupy_backends.cuda.api.runtime", "CUDARuntimeError", (209,), COMPILES, COMPILER),
    ("cupy.cuda.memory", "OutOfMemoryError", (100, 200, 0), FITS, TAKEN),
    ("cupy_backends.cuda.libs.nvrtc", "NVRTCError", (6,), COMPILES, COMPILER),
    ("cupy.cuda.compiler", "CompileException", ("no file", "", "", (), "nvrtc"), COMPILES, COMPILER),
    ("numba.cuda.cudadrv.driver", "CudaAPIError", (2, DRIVER_SAYS), FITS, TAKEN),
    ("numba.cuda.cudadrv.driver", "CudaAPIError", (222, "the provided PTX"), NEW, OLD),
    ("numba.cuda.cudadrv.driver", "CudaAPIError", (700, "an illegal address"), WORKS, "Numba does not work here"),
    ("numba.cuda.cudadrv.driver", "LinkerError", ("ptxas",), COMPILES, COMPILER),
    ("numba.cuda.cudadrv.error", "NvvmError", ("NVVM_ERROR_COMPILATION",), COMPILES, COMPILER),
    ("numba.cuda.cudadrv.error", "NvvmSupportError", ("libNVVM cannot be found",), COMPILES, LIBRARY),
    ("numba.cuda.cudadrv.error", "CCSupportError", ("compute capability 3.5",), COMPILES, COMPILER),
    ("numba.cuda.cudadrv.error", "CudaSupportError", ("Error at driver init:\n\nno answer",), WORKS, "init: no answer"),
    ("numba.cuda.core.errors", "TypingError", ("no",), COMPILES, COMPILER),
    ("cuda.core._utils.cuda_utils", "CUDAError", ("CUDA_ERROR_OUT_OF_MEMORY: no room",), FITS, TAKEN),
    ("cuda.core._utils.cuda_utils", "CUDAError", ("CUDA_ERROR_LAUNCH_FAILED: lost",), WORKS, "does not work here"),
    ("cuda.pathfinder", "DynamicLibNotFoundError", ('Failure finding "libnvvm"',), COMPILES, LIBRARY),
]
UNLOADABLE = [
    ("cupy.cuda.cufft", "CuFFTError", "CUFFT_ALLOC_FAILED", FITS),
    ("cupy.cuda.cufft", "CuFFTError", "CUFFT_INTERNAL_ERROR", WORKS),
    ("cupy_backends.cuda.libs.cublas", "CUBLASError", "CUBLAS_STATUS_ALLOC_FAILED", FITS),
    ("cupy_backends.cuda.libs.cublas", "CUBLASError", "CUBLAS_STATUS_NOT_INITIALIZED", FITS),
    ("cupy_backends.cuda.libs.cublas", "CUBLASError", "CUBLAS_STATUS_EXECUTION_FAILED", WORKS),
    ("cupy_backends.cuda.api.driver", "CUDADriverError", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION: newer", NEW),
    ("cupy_backends.cuda.api.driver", "CUDADriverError", "CUDA_ERROR_NO_BINARY_FOR_GPU: none", COMPILES),
]


@pytest.mark.parametrize("module, name, arguments, in_a_run, before", REAL)
def test_exceptions_as_their_libraries_make_them(module, name, arguments, in_a_run, before, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    try:
        problem = getattr(importlib.import_module(module), name)(*arguments)
    except (ImportError, AttributeError) as problem:
        pytest.skip(f"not here: {problem}")
    sentence, reason = reading_of(problem), what_would_mend(problem)
    assert in_a_run in sentence and before in reason, (sentence, reason)
    if in_a_run == COMPILES:
        assert "nvidia-smi" not in sentence + reason and "cryonb[gpu]" in sentence


@pytest.mark.parametrize("module, name, said, in_a_run", UNLOADABLE)
def test_exceptions_of_libraries_that_load_with_a_driver_only(module, name, said, in_a_run):
    problem = type(name, (RuntimeError,), {"__module__": module})(said)
    assert in_a_run in reading_of(problem)


def test_what_no_library_of_a_gpu_said_is_left_alone():
    assert gpu_failures.reading_of(ValueError("out of memory")) == gpu_failures.reading_of(MemoryError("none")) == ""
