"""What Binder would make of the checkout, made without Docker: a clean environment, and JupyterLab in it."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_CARRIED = (".git", ".venv", "__pycache__", "*.egg-info", "build", ".pytest_cache", ".ruff_cache")
UNREACHABLE = (
    "NewConnectionError",
    "name resolution",
    "Failed to establish a new connection",
    "Network is unreachable",
)
TOKEN = "binder"


def python_of_binder():
    """Return a Python 3.11, or nothing."""
    if sys.version_info[:2] == (3, 11):
        return sys.executable
    return shutil.which("python3.11")


class Container:
    """A folder with a checkout, a clean virtual environment, and its bin folder first on the path."""

    def __init__(self, folder):
        self.checkout, self.home, self.places = folder / "checkout", folder / "home", folder / "environment"
        self.home.mkdir(parents=True)
        shutil.copytree(ROOT, self.checkout, ignore=shutil.ignore_patterns(*NOT_CARRIED))
        named = ("PYTHON", "JUPYTER", "IPYTHON", "NUMBA", "OMP_", "VIRTUAL_ENV", "CPU_LIMIT")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(named)}
        runtime = {"JUPYTER_RUNTIME_DIR": str(self.home / "runtime"), "IPYTHONDIR": str(self.home / "ipython")}
        path = f"{self.places / 'bin'}{os.pathsep}{kept['PATH']}"
        self.variables = {**kept, **runtime, "PATH": path, "JUPYTER_CONFIG_DIR": str(self.home / "settings")}
        self.run(python_of_binder(), "-m", "venv", self.places)

    def run(self, *words, seconds=600):
        """Run a program in the checkout, and return what it said; what it complained of is what an error says."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.checkout,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{words[0]}: {(done.stdout + done.stderr)[-3000:]}"
        return done.stdout

    def python(self, code):
        """Run lines of Python away from the checkout, and return what they print."""
        return self.run(self.places / "bin" / "python", "-I", "-c", code).strip()

    def install(self, pins):
        """Install pinned packages; their bytecode is left to the first import."""
        wanted = self.home / "pins.txt"
        wanted.write_text("\n".join(pins), encoding="utf-8")
        self.run("python", "-m", "pip", "install", "-q", "--no-compile", "-r", wanted)

    @property
    def packages(self):
        """Return name and version of everything that is installed, without cryonb."""
        frozen = self.run("python", "-m", "pip", "list", "--format", "freeze").splitlines()
        return {line for line in frozen if not line.startswith("cryonb")}

    @property
    def compiled(self):
        """Return the files of compiled kernels."""
        package = Path(self.python("import cryonb; print(cryonb.__path__[0])"))
        return {path.name for path in package.rglob("*.nbc")}

    @contextmanager
    def lab(self):
        """Start JupyterLab the way the container starts it; yields its process and its address."""
        root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        words = ["jupyter", "lab", "--no-browser", f"--IdentityProvider.token={TOKEN}", "--ServerApp.port=0", *root]
        with (self.home / "server.txt").open("w") as said:
            process = subprocess.Popen(
                [str(self.checkout / "binder" / "start"), *words],
                cwd=self.checkout,
                env=self.variables,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process, self._address(process)
        finally:
            process.terminate()
            process.wait(timeout=30)

    def _address(self, process, seconds=90.0):
        information, end = self.home / "runtime" / f"jpserver-{process.pid}.json", time.monotonic() + seconds
        while time.monotonic() < end and process.poll() is None:
            if information.is_file() and (text := information.read_text()):
                address = json.loads(text)["url"]
                if is_up(address):
                    return address
            time.sleep(0.2)
        raise AssertionError(f"JupyterLab did not start: {(self.home / 'server.txt').read_text()[-3000:]}")

    def kernel(self, address, notebook):
        """Open a notebook as JupyterLab does, and return a client of its kernel."""
        from jupyter_client import BlockingKernelClient

        wanted = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
        session = asked(f"{address}api/sessions", wanted)
        file = self.home / "runtime" / f"kernel-{session['kernel']['id']}.json"
        client = BlockingKernelClient(connection_file=str(file))
        client.load_connection_file()
        client.start_channels()
        client.kernel_info(reply=True, timeout=90)  # wait_for_ready gives up where a busy machine misses a heartbeat
        return client


def asked(address, content=None):
    """Return what a server answers, read as JSON where it is."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(address, data, {"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        body = answer.read()
    return json.loads(body) if body[:1] in b"{[" else body.decode()


def is_up(address):
    """Return whether a server answers."""
    try:
        return bool(asked(f"{address}api/status"))
    except OSError:
        return False
