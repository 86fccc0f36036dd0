"""What all tests share: the folder of real files."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real files that others made, or skip."""
    folder = os.environ.get("CRYONB_TEST_DATA", "")
    if not folder:
        pytest.skip("CRYONB_TEST_DATA is not set: it names the folder of real files that this test reads")
    if not Path(folder).is_dir():
        pytest.skip(f"CRYONB_TEST_DATA names {folder}, which is no folder")
    return Path(folder)
