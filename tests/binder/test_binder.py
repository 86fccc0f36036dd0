"""Binder opens the course: it finds the files it expects, the pins can be installed, the quick start runs there."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("Binder's scripts are for a shell", allow_module_level=True)
yaml = pytest.importorskip("yaml")

import container  # noqa: E402
from packaging.requirements import Requirement  # noqa: E402
from packaging.utils import canonicalize_name  # noqa: E402

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
ENVIRONMENT = yaml.safe_load((BINDER / "environment.yml").read_text(encoding="utf-8"))
PINS = ENVIRONMENT["dependencies"][-1]["pip"]
NOT_THERE = ("cupy", "cuda", "nvidia", "playwright", "pytest", "ruff", "sphinx", "voila", "dask", "torch")
QUICK_START = "notebooks/00_quick_start.ipynb"
PEAK_BYTES, CELL_SECONDS = 1.5e9, 150


def pinned():
    """Return the release that each package is pinned to."""
    requirements = [Requirement(pin) for pin in PINS]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in requirements}


def test_everything_is_pinned_and_nothing_is_there_that_binder_cannot_use():
    assert "python=3.11" in ENVIRONMENT["dependencies"]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in PINS)
    assert len(pinned()) == len(PINS), "a package is pinned twice"
    assert not [name for name in pinned() if name.startswith(NOT_THERE)]


def test_pins_are_what_cryonb_and_its_app_ask_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["notebook"]]
    releases = pinned()
    missing = [one.name for one in wanted if canonicalize_name(one.name) not in releases]
    assert not missing, "binder/environment.yml pins every package that cryonb and its extra notebook ask for"
    assert all(one.specifier.contains(releases[canonicalize_name(one.name)]) for one in wanted)


def test_scripts_can_be_run_and_start_hands_over():
    assert all(os.access(BINDER / name, os.X_OK) for name in ("postBuild", "start"))
    assert (BINDER / "start").read_text().rstrip().endswith('\nexec "$@"')
    assert "binder/start " in (BINDER / "postBuild").read_text(), "kernels are compiled under the settings of start"


@pytest.mark.parametrize(
    ("given", "threads"),
    [
        ({}, "1 1"),
        ({"CPU_LIMIT": "2.0"}, "2 2"),
        ({"CPU_LIMIT": "0.5"}, "1 1"),
        ({"CPU_LIMIT": "4", "NUMBA_NUM_THREADS": "2"}, "2 2"),
    ],
)
def test_start_sets_as_many_threads_as_the_container_may_run(given, threads):
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "OMP_", "CPU_"))}
    words = [BINDER / "start", "sh", "-c", "echo $NUMBA_NUM_THREADS $OMP_NUM_THREADS"]
    said = subprocess.run(words, env={**plain, **given}, capture_output=True, text=True, check=True).stdout
    assert said.strip() == threads


def test_the_readme_opens_the_quick_start_in_jupyterlab():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    badge = re.search(r"\[!\[[^\]]+\]\([^)]+\)\]\((https://mybinder\.org/v2/gh/[^)]+)\)", text)
    assert badge, "a badge leads to Binder"
    assert badge.group(1).endswith(f"?urlpath=lab/tree/{QUICK_START}")


@pytest.mark.skipif(importlib.util.find_spec("repo2docker") is None, reason="jupyter-repo2docker is not installed")
def test_binder_would_build_an_image_with_our_files():
    command = Path(sys.executable).with_name("jupyter-repo2docker")
    program = [str(command)] if command.is_file() else [shutil.which("jupyter-repo2docker")]
    done = subprocess.run(
        [*program, "--no-build", "--debug", "."], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Building conda environment for python=3.11" in done.stdout + done.stderr
    for line in (
        r'env update -p \$\{NB_PYTHON_PREFIX\} --file "binder/environment.yml"',
        r"RUN \./binder/postBuild",
        r'ENV R2D_ENTRYPOINT="\$\{REPO_DIR\}/binder/start"',
    ):
        assert re.search(line, done.stdout), line


@pytest.fixture(name="built", scope="module")
def _built(tmp_path_factory):
    """Return an environment with the pins, after postBuild, and what was installed before it."""
    if container.python_of_binder() is None:
        pytest.skip("there is no Python 3.11, which Binder is asked for")
    made = container.Container(tmp_path_factory.mktemp("binder"))
    try:
        made.install(PINS)
    except AssertionError as problem:
        if any(word in str(problem) for word in container.UNREACHABLE):
            pytest.skip("packages cannot be fetched from here")
        raise
    before = made.packages
    made.run(made.checkout / "binder" / "postBuild")
    return made, before


@pytest.mark.slow
def test_the_pins_are_all_that_is_needed_and_stay(built):
    made, before = built
    made.run("python", "-m", "pip", "check")
    assert made.packages == before
    theirs = {canonicalize_name(line.split("==")[0]) for line in before} - {"pip", "setuptools"}
    assert theirs == set(pinned()), "the pins are the whole set: nothing is left to chance"


@pytest.mark.slow
def test_kernels_are_compiled_and_survive_an_image(built):
    made, _ = built
    assert len(made.compiled) >= 6
    fractions = "import cryonb, pathlib; files = pathlib.Path(cryonb.__path__[0]).rglob('*.py')"
    assert made.python(f"{fractions}; print(sum(file.stat().st_mtime % 1 for file in files))") == "0.0"


@pytest.mark.slow
@pytest.mark.notebook
def test_the_quick_start_runs_in_jupyterlab_within_the_memory_of_binder(built, record_property):
    import nbformat
    import run_notebooks

    made, _ = built
    compiled, watch = made.compiled, run_notebooks.Watch()
    cells = [cell for cell in nbformat.read(ROOT / QUICK_START, as_version=4).cells if cell.cell_type == "code"]
    with made.lab() as (server, address):
        watch.start(server.pid)
        assert "JupyterLab" in container.asked(f"{address}lab/tree/{QUICK_START}")
        client = made.kernel(address, QUICK_START)
        for cell in cells:
            reply = client.execute_interactive(cell.source, timeout=CELL_SECONDS, output_hook=lambda message: None)
            assert reply["content"]["status"] == "ok", (cell.source, reply["content"])
        client.stop_channels()
        watch.stop()
    record_property("binder", f"00_quick_start on Binder: {watch.peak_bytes / 1e9:.2f} GB with the server")
    assert 0.3e9 < watch.peak_bytes < PEAK_BYTES
    assert made.compiled == compiled, "kernels were compiled again: postBuild has not met their kinds"
