"""The same app under Voila: cells are hidden, foreign hosts lead nowhere, and ours asks for none."""

import cells
import chromium
import pytest
import servers
from app import App
from notebook import Notebook

SOURCE = """
import cryonb as cn
particles = cn.simulate(cn.phantom("helices", box_size=32, pixel_size=4.0), n_particles=300, snr=5.0)
app = cn.dashboard(particles)
app.session.take_apart = False
app
"""
VOILA_ASKS = "cdn.jsdelivr.net"
"""Where Voila's own page looks for a font of icons."""

VOILA_SAYS = (VOILA_ASKS, "The getter for the shared module is not a function")
"""Complaints that are not ours: that host, and extensions of JupyterLab that Voila loads without it."""


@pytest.fixture
def voila(browser, tmp_path, screenshots):
    """Return a driver on a page of Voila."""
    name = cells.write(tmp_path / "app.ipynb", SOURCE)
    with servers.voila(tmp_path / name) as address, chromium.page(browser) as (page, traffic):
        page.goto(address, wait_until="commit", timeout=60_000)
        yield Notebook(page, traffic, address, screenshots)


def test_it_runs_and_shows_surfaces_without_a_network(voila):
    app = App(voila)
    app.button("Run").wait_for(timeout=60_000)
    app.unfold("Box")
    for box_size in ("32", "48"):
        app.put("box size", box_size)
        app.run()
    app.wait_for("box 48, pad 2, circle")
    app.go("FSC")
    app.picture().wait_for()
    app.go("Surfaces")
    app.wait_for_surfaces(2, 2000)
    voila.shoot("voila")
    assert set(voila.traffic.foreign(voila.address)) <= {VOILA_ASKS}
    assert not [said for said in voila.traffic.complaints if not any(known in said for known in VOILA_SAYS)]
