"""What the exceptions of a GPU's libraries mean, in words, with what would mend it.

CuPy, Numba and the libraries below them each have exceptions of their own. What they mean is read from their class,
from the words of their first line, and from the driver's number where they bring it.
"""

import os

INSTALL = 'pip install "cryonb[gpu]"'
FOR_12 = 'with one for CUDA 12: pip uninstall cupy-cuda13x; then: pip install "cryonb[gpu12]"'
BESIDE = "Use more binning, a smaller box, or the CPU with compute.backend numba"
AFTER_LOSS = "Look at nvidia-smi, then run again in a new process: a checkpoint is continued where it was"

ORIGINS = "cupy", "numba.cuda", "numba_cuda", "cuda."
"""First names of the modules whose exceptions are a machine's own."""

MEMORY, DRIVER, DEVICE, BUSY, LIBRARY, COMPILER = "memory", "driver", "device", "busy", "library", "compiler"

OF_NUMBERS = {2: MEMORY, 35: DRIVER, 222: DRIVER, 803: DRIVER, 100: DEVICE, 46: BUSY, 209: COMPILER, 218: COMPILER}
"""What the numbers of the driver and of its runtime mean."""

OF_WORDS = {
    MEMORY: ("out of memory", "out_of_memory", "alloc_failed", "cublas_status_not_initialized"),
    DRIVER: ("insufficientdriver", "driver version is insufficient", "unsupported_ptx", "driver_mismatch"),
    DEVICE: ("no_device", "no cuda-capable device"),
    COMPILER: ("no_binary_for_gpu", "invalid_ptx"),
}
"""What is said where there is no number; a product's library cannot begin where there is no memory left for it."""

OF_CLASSES = {
    LIBRARY: ("DynamicLib", "LibNotFound", "NvvmSupport", "NvrtcSupport"),
    COMPILER: ("Compil", "NVRTC", "Nvrtc", "Nvvm", "nvvm", "Linker", "nvJitLink", "CCSupport"),
}
"""Parts of the names of classes that mean one thing whatever they say."""


def what_would_mend(problem: BaseException) -> str:
    """Return why a GPU does not compute here, and what to do about it.

    Parameters
    ----------
    problem : exception
        What was raised by the first computation.

    Returns
    -------
    str
        A reason and a remedy.

    Examples
    --------
    >>> what_would_mend(MemoryError("Out of memory allocating 512 bytes"))
    'the GPU is taken by others (Out of memory allocating 512 bytes); see by whom with: nvidia-smi'
    """
    meaning, said = _meaning(problem), _said(problem)
    name = "Numba" if type(problem).__module__.startswith(("numba", "cuda.")) else "CuPy"
    if meaning == LIBRARY:
        return f"libraries that CuPy needs are missing ({said}); they come with: {INSTALL}"
    if meaning == DRIVER:
        return f"the NVIDIA driver is too old for the CuPy that is installed ({said}); update it, or, {FOR_12}"
    if meaning == DEVICE:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        why = "look at nvidia-smi" if hidden is None else f"CUDA_VISIBLE_DEVICES={hidden!r} hides it: unset it"
        return f"no NVIDIA GPU is visible ({said}); {why}"
    if meaning in (BUSY, MEMORY):
        return f"the GPU is taken by others ({said}); see by whom with: nvidia-smi"
    if meaning == COMPILER:
        return f"kernels cannot be compiled for this GPU ({said}); install what compiles them anew with: {INSTALL}"
    return f"{name} does not work here ({said}); look at nvidia-smi, or install it anew with: {INSTALL}"


def reading_of(problem: BaseException) -> str:
    """Return in a sentence how a GPU failed in the middle of a run.

    Parameters
    ----------
    problem : exception
        What was raised.

    Returns
    -------
    str
        What must hold, what arrived and what to do; empty for exceptions that no library of a GPU made.
    """
    if not type(problem).__module__.startswith(ORIGINS):
        return ""
    meaning, said = _meaning(problem), _said(problem)
    if meaning == MEMORY:
        return f"a run must fit in the memory of the GPU; got: {said}. {BESIDE}."
    if meaning == DRIVER:
        return f"the NVIDIA driver must be new enough for CuPy; got: {said}. Update it, or, {FOR_12}."
    if meaning in (DEVICE, BUSY):
        return f"an NVIDIA GPU must be there and free; got: {said}. Look at nvidia-smi and CUDA_VISIBLE_DEVICES."
    if meaning in (LIBRARY, COMPILER):
        remedy = f"Install what compiles them anew with: {INSTALL}, or use the CPU with compute.backend numba"
        return f"kernels must compile for the GPU; got: {said}. {remedy}."
    return f"the GPU must work to the end of a run; got: {said}. {AFTER_LOSS}."


def _meaning(problem: BaseException) -> str:
    """Return which of the things that are told apart went wrong; empty where it is none of them."""
    kind, text = type(problem), str(problem).lower()
    for meaning, parts in OF_CLASSES.items():
        if any(part in kind.__name__ for part in parts):
            return meaning
    for meaning, words in OF_WORDS.items():
        if any(word in text for word in words):
            return meaning
    if isinstance(problem, MemoryError):
        return MEMORY
    if kind.__module__ == "numba.cuda.core.errors":
        return COMPILER
    if isinstance(problem, ImportError) and kind.__name__ != "CudaSupportError":
        return LIBRARY
    return OF_NUMBERS.get(getattr(problem, "status", getattr(problem, "code", None)), "")


def _said(problem: BaseException) -> str:
    """Return the first line of what an exception says, with the next where it only announces that."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()] or [type(problem).__name__]
    said = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return said.rstrip(".:")
