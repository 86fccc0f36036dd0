"""The code is clean by the rules that pyproject.toml sets."""

import subprocess
import sys
from pathlib import Path


def test_ruff_finds_nothing():
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "cryonb", "tests"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
