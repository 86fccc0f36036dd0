"""What all tests share: the folder of real files, the CPU, unless a test asks for a card, and the course, run once."""

import os
import sys
from pathlib import Path

import pytest

from cryonb import backends, schema
from cryonb.contracts import plugging


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


@pytest.fixture
def plugs_go_again(monkeypatch):
    """Take what a test has plugged in out again: files, kinds that they declared, and modules."""
    monkeypatch.setattr(plugging, "_brought", {})
    monkeypatch.setattr(plugging, "_looked_into", set())
    plugging.forget()
    for sort, folder in plugging.FOLDERS.items():
        plugging.discover(folder, sort)  # so that the kinds of the package are all declared
    plugging.forget()
    kinds, modules = set(schema.KINDS), set(sys.modules)
    yield
    plugging.forget()
    for kind in set(schema.KINDS) - kinds:
        del schema.KINDS[kind]
    for name in set(sys.modules) - modules:
        if name.startswith(plugging.PREFIX):
            del sys.modules[name]


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory) -> Path:
    """Return a folder that all workers of this run of the tests share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def executed_course(session_folder) -> Path:
    """Return the folder of all notebooks of the course with their outputs, each run once in this run of the tests."""
    import first_runs
    import run_notebooks

    for book in run_notebooks.course():
        first_runs.first_run(book, session_folder / first_runs.FOLDER)
    return session_folder / first_runs.FOLDER


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Have `--dist loadfile` deal out runs of notebooks one by one, not all to the worker that gets their file.

    Files are dealt out in their order: sorted by how many tests they hold, the few that take minutes would come last.
    """
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class OneByOne(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return nodeid if "test_executions.py" in nodeid else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return OneByOne(config, log)


def pytest_terminal_summary(terminalreporter):
    """Show what notebooks took, whichever workers ran them."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    noted = [pair for report in reports for pair in report.user_properties]
    taken = [value for name, value in noted if name == "notebook"]
    if taken:
        import run_notebooks

        results = sorted((run_notebooks.Executed(None, **value) for value in taken), key=lambda result: result.name)
        terminalreporter.section("time and memory of notebooks")
        terminalreporter.write_line(run_notebooks.table(results))
    for name, value in noted:
        if name == "binder":
            terminalreporter.write_line(value)
