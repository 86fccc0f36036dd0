"""Servers of notebooks on loopback, for as long as a test needs them: JupyterLab and Voila, with their own folders.

Nothing of the user's settings is read and nothing is left behind: configuration, data, runtime files and the IPython
profile live in a temporary folder, and a server that is stopped takes its kernels with it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil

PATIENCE = 90.0
"""Seconds that a server may take to answer, on a machine that is busy."""

OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"autoStartDefaultKernel": True},
}
"""Settings of JupyterLab's front end: a box that asks whether news may be fetched would cover the page."""

LAB = ["-m", "jupyterlab", "--no-browser", "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]
VOILA = ["-m", "voila", "--no-browser", "--Voila.ip=127.0.0.1"]


@contextlib.contextmanager
def lab(root: Path) -> Iterator[str]:
    """Run JupyterLab on a folder; yields its address."""
    with _folders() as environment:
        port = free_port()
        words = [f"--ServerApp.{name}" for name in ("token=", "password=", "ip=127.0.0.1", "allow_root=True")]
        words += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"]
        with _running([*LAB, *words], f"http://127.0.0.1:{port}", "/api/status", environment, root) as address:
            yield address


@contextlib.contextmanager
def voila(notebook: Path) -> Iterator[str]:
    """Run Voila on a notebook; yields its address."""
    with _folders() as environment:
        port = free_port()
        words = [*VOILA, f"--port={port}", "--theme=light", notebook.name]
        with _running(
            words, f"http://127.0.0.1:{port}", "/voila/api/shutdown/none", environment, notebook.parent
        ) as at:
            yield at


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def _folders() -> Iterator[dict[str, str]]:
    """Yield an environment whose Jupyter folders are empty, but for the overrides."""
    with tempfile.TemporaryDirectory(prefix="cryonb-jupyter-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        names = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
        places = {variable: folder / name for variable, name in {**names, "IPYTHONDIR": "ipython"}.items()}
        overrides = places["JUPYTER_CONFIG_DIR"] / "labconfig" / "default_setting_overrides.json"
        overrides.parent.mkdir(parents=True)
        overrides.write_text(json.dumps(OVERRIDES), encoding="utf-8")
        yield {**os.environ, **{name: str(place) for name, place in places.items()}, "PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def _running(words: list[str], address: str, knock: str, environment: dict[str, str], folder: Path) -> Iterator[str]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        try:
            _wait(process, address + knock, said)
            yield address
        finally:
            _stop(process)


def _wait(process: subprocess.Popen, address: str, said) -> None:
    """Return once the server answers; what it said is part of the complaint otherwise."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    said.seek(0)
    raise RuntimeError(f"{address} does not answer:\n{said.read().decode(errors='replace')}")


def _stop(process: subprocess.Popen) -> None:
    """End a server politely, so that it ends its kernels, and then whatever it started that is still there."""
    started = _started_by(process)
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=15)
    for left in [*started, psutil.Process(process.pid)] if process.poll() is None else started:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()
    process.wait(timeout=15)


def _started_by(process: subprocess.Popen) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
