"""Kernels as the GPU backend builds and launches them, run by Numba's CUDA simulator against the CPU backend."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulator.launches import EXAMPLES, makers_launched
from tolerances import SIMULATED

pytestmark = pytest.mark.simulator


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Return what the simulator made of every example; it must be switched on before Numba is imported."""
    pytest.importorskip(
        "numba.cuda.simulator", reason="Numba's CUDA simulator is not installed: pip install numba-cuda"
    )
    script, target = Path(__file__).with_name("simulated.py"), tmp_path_factory.mktemp("simulated") / "found.json"
    folders = [str(script.parents[2]), str(script.parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": os.pathsep.join(filter(None, folders))}
    command = [sys.executable, str(script), str(target)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(target.read_text())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_kernel_does_on_a_gpu_what_it_does_on_the_cpu(name, simulated):
    launches = simulated[name]
    assert isinstance(launches, list), launches
    assert launches
    for launch in launches:
        assert launch["changed"] > 1000 * SIMULATED, "the kernel did nothing that could be compared"
        assert launch["apart"] < SIMULATED


def test_every_kernel_of_the_package_is_simulated(simulated):
    done = [launches for launches in simulated.values() if isinstance(launches, list)]
    seen = {launch["maker"] for launches in done for launch in launches}
    assert seen == makers_launched()
