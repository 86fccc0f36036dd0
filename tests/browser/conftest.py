"""One server and one browser for all tests of the browser; a page and a kernel for each."""

import os
from pathlib import Path

import chromium
import pytest
import servers
from notebook import Notebook


def pytest_collection_modifyitems(items):
    """Mark every test of this folder, and say why it is left out where it cannot run."""
    here = Path(__file__).parent
    reason = missing()
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


def missing() -> str:
    """Return what is missing for tests of the browser, or an empty text."""
    for package in ("playwright", "jupyterlab", "voila", "nglview", "anywidget"):
        try:
            __import__(package)
        except ImportError:
            return f"{package} is not installed: pip install -e '.[test]'"
    if not chromium.found():
        return "no Chromium: install Debian's chromium, or set CRYONB_CHROMIUM to the path of one"
    return ""


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory) -> Path:
    """Return the folder of pictures: CRYONB_SCREENSHOTS, or a temporary one."""
    named = os.environ.get("CRYONB_SCREENSHOTS", "")
    return Path(named) if named else tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    """Return the root folder of the JupyterLab server."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="session")
def lab(root) -> str:
    """Return the address of a JupyterLab server."""
    with servers.lab(root) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """Return a browser that runs; its driver keeps a loop of events running, which must not outlast these tests."""
    with chromium.running() as running:
        yield running


@pytest.fixture
def notebook(lab, browser, screenshots):
    """Return a driver on an empty page; its kernel ends with the test."""
    with chromium.page(browser) as (page, traffic):
        driver = Notebook(page, traffic, lab, screenshots)
        try:
            yield driver
        finally:
            driver.close()
