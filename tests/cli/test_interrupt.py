"""Ctrl-C ends the process at once, whatever its threads are doing, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cryonb as cn
from cryonb.cli import outputs

CHECKOUT = str(Path(cn.__file__).parents[1])
PROMPT = 3.0  # seconds: one is what is promised, the rest is for machines that are busy with other tests

# The library call that a process is in when it is interrupted: a C function that never looks at signals.
LONG_CALL = "import ctypes; ctypes.CDLL(None).sleep(30)"
PROGRAM = """
import sys, threading, time
from cryonb import cli, demo
from cryonb.cli import process
def busy(*_):
    {call}
demo.demonstrate = busy
sys.argv = ["cryonb", "demo", "--out", "out"]
sys.stdout.write("ready\\n"); sys.stdout.flush()
process.run()
"""
IN_MAIN = LONG_CALL
IN_WORKER = f"thread = threading.Thread(target=lambda: exec({LONG_CALL!r})); thread.start(); thread.join()"


def interrupted(command, folder, wait):
    environment = {**os.environ, "PYTHONPATH": CHECKOUT}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with subprocess.Popen(command, cwd=folder, env=environment, **pipes) as process:
        try:
            wait(process)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    return process.returncode, said, time.monotonic() - start


def assert_stopped(code, said, seconds, folder):
    assert code == 1, said
    assert said.strip().splitlines()[-1] == "cryonb: the run was stopped by Ctrl-C; nothing was written."
    assert "Traceback" not in said
    assert seconds < PROMPT
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")
@pytest.mark.parametrize("call", [IN_MAIN, IN_WORKER], ids=["main thread", "worker"])
def test_a_long_native_call_does_not_hold_the_process(call, tmp_path):
    def wait(process):
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.5)

    assert_stopped(*interrupted([sys.executable, "-c", PROGRAM.format(call=call)], tmp_path, wait), tmp_path)


SLOW_TO_STOP = """
import sys, time
from cryonb import diagnostics, io
from cryonb.cli import process
from cryonb.errors import RunStopped
from cryonb.knobs import Config
from decompositions import make_decomposition
class Slow:
    name, title, accepts, options = "slow", "Slow", ("cryonb/particles",), Config
    def compute(self, *_):
        try:
            sys.stdout.write("ready\\n"); sys.stdout.flush()
            time.sleep(60)
        except KeyboardInterrupt:
            time.sleep(1.0)
            raise RunStopped("stopped.", make_decomposition()) from None
diagnostics._diagnostics = lambda: {"slow": Slow()}
sys.argv = ["cryonb", "diagnose", "p.star", "slow", "--out", "out", "--quiet"]
process.run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")
def test_what_was_finished_is_written_also_where_that_takes_longer_than_the_grace(tmp_path):
    particles = cn.simulate("helices", box_size=16, pixel_size=4.0, n_particles=4)
    cn.write_star(particles, tmp_path / "p.star", tmp_path / "p.mrcs")
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{SLOW_TO_STOP}"

    def wait(process):
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)

    code, said, _ = interrupted([sys.executable, "-c", program], tmp_path, wait)
    assert code == 1, said
    assert "Traceback" not in said
    assert (
        said.strip().splitlines()[-1].startswith("cryonb: the run was stopped; the curves finished by then are in out")
    )
    assert (tmp_path / "out" / "slow.csv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")
def test_an_exact_reconstruction_is_stopped(data, tmp_path):
    table = str(data / "relion" / "noisy.star")
    words = ["reconstruct", table, "--box.box-size", "112", "--box.kernel", "nufft", "--quiet"]
    command = [sys.executable, "-m", "cryonb", *words]
    assert_stopped(*interrupted(command, tmp_path, lambda process: time.sleep(3.0)), tmp_path)


def test_what_is_unfinished_is_removed(tmp_path):
    with pytest.raises(FileNotFoundError), outputs.results_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("a")
        outputs.abandon()
        assert list(tmp_path.iterdir()) == []
        (folder / "b.txt").write_text("b")
    assert list(tmp_path.iterdir()) == []
