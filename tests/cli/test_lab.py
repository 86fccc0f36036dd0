"""What `cryonb lab` says before JupyterLab starts, what it puts into a folder, and that JupyterLab starts."""

import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from importlib import util
from pathlib import Path

import pytest

from cryonb import cli
from cryonb.cli import command_lab
from cryonb.errors import InputError

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def started(monkeypatch):
    """Return what would have been started."""
    found = []
    monkeypatch.setattr(command_lab, "start", found.append)
    monkeypatch.setattr(util, "find_spec", lambda name: name)
    return found


def test_the_course_and_its_pictures_are_put_beside_the_users_files(started, tmp_path, capsys):
    assert cli.main(["lab", str(tmp_path), "--no-browser", "--port", "8899"]) == 0
    own = tmp_path / "cryonb-notebooks"
    course = {path.name for path in NOTEBOOKS.glob("*.ipynb")}
    assert {path.name for path in own.glob("*.ipynb")} == course
    for path in own.rglob("*.*"):
        assert path.read_bytes() == (NOTEBOOKS / path.relative_to(own)).read_bytes()
    text = "".join(path.read_text() for path in own.glob("*.ipynb"))
    assert all((own / target).is_file() for target in re.findall(r"\]\((figures/[^)]+)\)", text))
    assert f"The course is in {own}; it opens with 00_quick_start.ipynb." in capsys.readouterr().out
    opened = "--LabApp.default_url=/lab/tree/cryonb-notebooks/00_quick_start.ipynb"
    words = [f"--ServerApp.root_dir={tmp_path}", opened]
    assert started == [[sys.executable, "-m", "jupyterlab", *words, "--ServerApp.port=8899", "--no-browser"]]


def test_a_notebook_that_was_changed_is_opened_as_it_is(started, tmp_path):
    own = tmp_path / "cryonb-notebooks" / "00_quick_start.ipynb"
    own.parent.mkdir()
    own.write_text("mine")
    assert cli.main(["lab", str(tmp_path)]) == 0
    assert own.read_text() == "mine"
    assert (own.parent / "figures" / "demo.png").is_file()
    assert "--no-browser" not in started[0]


def test_what_a_newer_version_adds_comes_beside_what_was_changed(started, tmp_path):
    own = tmp_path / "cryonb-notebooks"
    assert cli.main(["lab", str(tmp_path)]) == 0
    last = sorted(own.glob("*.ipynb"))[-1]
    (own / "00_quick_start.ipynb").write_text("mine")
    last.unlink()
    assert cli.main(["lab", str(tmp_path)]) == 0
    assert last.is_file() and (own / "00_quick_start.ipynb").read_text() == "mine"


def test_root_is_allowed_where_it_is_asked_for(started, tmp_path):
    assert cli.main(["lab", str(tmp_path), "--allow-root"]) == 0
    assert started[0][-1] == "--allow-root"


def test_an_install_finds_the_course_where_wheels_put_it(tmp_path, monkeypatch):
    class File:
        def __init__(self, name):
            self.name, self.path = name, tmp_path / name

        def as_posix(self):
            return f"../../../{self.name}"

        def locate(self):
            return self.path

    names = ("00_quick_start.ipynb", "01_what_is_an_fsc.ipynb", "figures/demo.png")
    files = [File("cryonb/cli/command_lab.py"), *(File(f"share/cryonb/notebooks/{name}") for name in names)]
    for file in files:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.touch()
    monkeypatch.setattr(command_lab, "__file__", str(tmp_path / "site" / "cryonb" / "cli" / "command_lab.py"))
    monkeypatch.setattr(command_lab.metadata, "files", lambda name: files)
    assert command_lab.shipped() == {name: tmp_path / "share/cryonb/notebooks" / name for name in names}
    files[1].path.unlink()
    with pytest.raises(InputError, match="its notebooks must be installed"):
        command_lab.shipped()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["no-such-folder"], "a folder must be there to start in; got no-such-folder. Make it first, or name another."),
        (["--port", "0"], "port must be a whole number from 1 to 65535; got 0. Use 8888."),
        (["--prot", "1"], "an option of cryonb lab must have a known name; got --prot. Did you mean --port?"),
    ],
)
def test_what_cannot_work_is_one_sentence(started, tmp_path, monkeypatch, capsys, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab", *words]) == cli.BAD_INPUT
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not started
    assert not list(tmp_path.iterdir())


def test_without_jupyterlab_it_says_what_brings_it(started, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(util, "find_spec", lambda name: None if name in ("jupyterlab", "nglview") else name)
    assert cli.main(["lab", str(tmp_path)]) == cli.BAD_INPUT
    said = capsys.readouterr().err
    assert "must have its packages; got no jupyterlab, nglview. Install them: pip install 'cryonb[notebook]'." in said
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(started, tmp_path, capsys):
    (tmp_path / "cryonb-notebooks").touch()
    assert cli.main(["lab", str(tmp_path)]) == cli.BAD_INPUT
    assert f"the folder must be writable; got {tmp_path} (" in capsys.readouterr().err


def test_the_help_names_every_option(capsys):
    assert cli.main(["lab", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("FOLDER", "--port", "--no-browser", "cryonb-notebooks"))


@pytest.mark.skipif(util.find_spec("jupyterlab") is None, reason="jupyterlab is not installed: the extra notebook")
@pytest.mark.skipif(os.name != "posix", reason="ends the server by a signal")
def test_jupyterlab_starts_on_the_notebook_and_ends(tmp_path):
    places = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    settings, folder = Path(places["JUPYTER_CONFIG_DIR"]) / "jupyter_server_config.json", tmp_path / "work"
    for made in (settings.parent, folder):
        made.mkdir()
    settings.write_text('{"ServerApp": {"allow_root": true}}')
    command = [sys.executable, "-m", "cryonb", "lab", str(folder), "--no-browser", "--port", "18888"]
    environment = {**os.environ, **places}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        address = address_said(process)
        assert "/lab/tree/cryonb-notebooks/00_quick_start.ipynb?token=" in address
        assert status(address) == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        process.stderr.close()
    assert process.returncode in (0, -signal.SIGTERM)


def address_said(process, seconds=60.0):
    """Return the address that JupyterLab prints for the browser."""
    said, end = "", time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if select.select([process.stderr], [], [], 0.5)[0]:
            said += os.read(process.stderr.fileno(), 65536).decode()
            if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*\s", said):
                return found.group().strip()
    raise AssertionError(f"JupyterLab printed no address:\n{said}")


def status(address, seconds=30.0):
    """Return what a server answers, which may print its address before it listens."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                return answer.status
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
