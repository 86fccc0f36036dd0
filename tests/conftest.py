"""What all tests share: the folder of real files, and the CPU, unless a test asks for a card."""

import os
from pathlib import Path

import pytest

from cryonb import backends


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real files that others made, or skip."""
    folder = os.environ.get("CRYONB_TEST_DATA", "")
    if not folder:
        pytest.skip("CRYONB_TEST_DATA is not set: it names the folder of real files that this test reads")
    if not Path(folder).is_dir():
        pytest.skip(f"CRYONB_TEST_DATA names {folder}, which is no folder")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _auto_is_the_cpu():
    """Have backend auto take the CPU on a machine with a card too: most tests compare bits."""
    with pytest.MonkeyPatch.context() as patch:
        for backend in backends._backends().values():
            patch.setattr(backend, "rank", 0 if backend.name == "numba" else -1)
        yield


@pytest.fixture(autouse=True)
def _auto_is_the_card_where_one_is_asked_for(request, monkeypatch):
    """Have backend auto take the card in tests of it."""
    if {"device", "stand_in"} & set(request.fixturenames) or request.node.get_closest_marker("gpu"):
        for backend in backends._backends().values():
            monkeypatch.setattr(backend, "rank", type(backend).rank)
