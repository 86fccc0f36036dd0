"""The card that tests of this folder take: a strict stand-in on every machine, and the real one where it works."""

import sys

import numpy as np
import pytest
import strict_cupy

from cryonb import backends
from cryonb.backends.cupy_gpu import CupyGpu


class StandIn(CupyGpu):
    """The GPU backend on the strict stand-in; kernels are compiled for the CPU, from the same makers."""

    def __init__(self):
        self.card = strict_cupy.CARD

    def why_unavailable(self):
        return ""

    def launch(self, maker, constants, shape, arguments, threads=1):
        self.card.work()
        self.card.launches += 1
        host = tuple(strict_cupy.unwrap(argument, maker.__name__) for argument in arguments)
        backends.get_backend("numba").launch(maker, constants, shape, host, 1)

    def launch_scatter(self, maker, constants, shape, planes, arguments, threads=1):
        self.card.work()
        self.card.launches += 1
        host = tuple(strict_cupy.unwrap(argument, maker.__name__) for argument in arguments)
        backends.get_backend("numba").launch_scatter(maker, constants, shape, planes, host, 1)


@pytest.fixture
def stand_in(monkeypatch):
    """Return the GPU backend on the stand-in; `stand_in.card` counts, and fails when it is told to."""
    monkeypatch.setattr(strict_cupy, "CARD", strict_cupy.Card())
    for name, module in strict_cupy.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    backend = StandIn()
    monkeypatch.setitem(backends._backends(), "cupy", backend)
    return backend


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request):
    """Return a GPU backend: on the stand-in, and on the card of this machine where there is one."""
    if request.param == "stand-in":
        return request.getfixturevalue("stand_in")
    reason = backends.available()["cupy"]
    if reason:
        pytest.skip(reason)
    return backends.get_backend("cupy")


@pytest.fixture
def on_both(device):
    """Return what computes the same on the CPU and on the card, and compares."""

    def compare(work, relative):
        here, there = work(backends.get_backend("numba")), work(device)
        scale = np.abs(here).max()
        assert np.abs(np.asarray(device.download(there)) - here).max() <= relative * scale

    return compare
