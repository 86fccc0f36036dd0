"""The app on small particles: what it says when something cannot work, keys, themes, two at once, large maps."""

import os

import cells
import chromium
import pixels
import pytest
from app import App
from notebook import Notebook

START = """
import threading
import cryonb as cn
particles = cn.simulate(cn.phantom("helices", box_size=32, pixel_size=4.0), n_particles=300, snr=5.0)
apps = []
def new(source):
    for one in apps: one.close()
    apps[:] = [cn.dashboard(source)]
    apps[0].session.take_apart = False
    return apps[0]
"""
TWO_RUNS = """
app = new(particles)
for pad_factor in (1, 2):
    app.session.put("box.pad_factor", pad_factor)
    app.session.run()
    app.session.finish()
app.session.judge("decomposition") if {apart} else None
app.session.finish()
app
"""
FAILS = """
from cryonb.widgets import orders
def fail(*_, **__): raise ZeroDivisionError("the seventh shell is empty")
right, orders.reconstruct = orders.reconstruct, fail
"""
LARGE = """
import numpy as np
z, y, x = np.ogrid[-128:128, -128:128, -128:128]
density = np.exp(-((x / 60.0) ** 2 + (y / 40.0) ** 2 + (z / 80.0) ** 2)).astype(np.float32)
cn.write_map(density, "large.mrc", voxel_size=1.0)
new("large.mrc")
"""
MEGABYTE = 1024**2


@pytest.fixture(scope="module")
def driver(lab, browser, root, screenshots):
    """Return a notebook with small particles and a kernel that all tests of this file share."""
    with chromium.page(browser) as (page, traffic):
        driver = Notebook(page, traffic, lab, screenshots)
        driver.open(cells.write(root / "small.ipynb", START))
        driver.run_all()
        yield driver
        driver.close()


@pytest.fixture(autouse=True)
def _nothing_is_complained_of_or_asked_elsewhere(driver):
    del driver.traffic.complaints[:]
    yield
    assert not driver.traffic.complaints
    assert not driver.traffic.foreign(driver.address)


def opened(driver, source):
    """Return the app that a cell of some source shows."""
    driver.run(source)
    app = App(driver)
    app.show()
    return app


def test_what_cannot_work_says_so_and_is_mended(driver):
    app = opened(driver, "new(particles)")
    app.unfold("Box")
    app.put("box size", "3")
    app.wait_for("Cannot work:")
    assert "box_size must be" in app.words()
    assert app.button("Run").is_disabled()
    driver.shoot("wrong_value")
    app.put("box size", "32")
    driver.wait_until(lambda: app.button("Run").is_enabled(), 10, "it can run again")
    assert "Cannot work:" not in app.words()


def test_a_run_that_fails_says_why_with_a_fold_and_the_app_goes_on(driver):
    app = opened(driver, f"{FAILS}\nnew(particles)")
    app.press("Run")
    app.wait_for("the seventh shell is empty")
    app.wait_idle()
    fold = app.root.locator("details:visible")
    assert "Traceback" not in app.words()
    fold.locator("summary").click()
    app.wait_for("Traceback")
    driver.shoot("failed_run")
    driver.page.evaluate(
        "source => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({code: source}).done.then(() => {})",
        "orders.reconstruct = right",
    )
    app.run()
    app.picture().wait_for()


def test_keys_alone_start_it_run_it_and_change_tabs(driver):
    app = opened(driver, "new(particles)")
    keyboard = driver.page.keyboard
    app.button("Run").focus()
    keyboard.press("Enter")
    driver.wait_until(lambda: app.root.get_by_role("tab").count() > 0, 20, "there are tabs")
    app.wait_idle()
    chosen = app.root.locator("[role=tab][aria-selected=true]")
    chosen.focus()
    first = chosen.inner_text()
    keyboard.press("ArrowRight")
    driver.wait_until(lambda: chosen.inner_text() != first, 10, "another tab is chosen")
    assert driver.page.evaluate("() => document.activeElement.getAttribute('role')") == "tab"
    app.wait_idle()
    keyboard.press("Tab")
    assert driver.page.evaluate("() => document.activeElement.closest('.cryonb-view') !== null")
    app.go("Surfaces")
    level = app.level()
    level.focus()
    before = level.input_value()
    keyboard.press("ArrowRight")
    assert float(level.input_value()) > float(before)


def test_every_tab_in_both_themes(driver):
    app = opened(driver, TWO_RUNS.format(apart=True))
    app.wait_idle()
    names = app.root.get_by_role("tab").all_inner_texts()
    assert len(names) >= 12
    few = names if os.environ.get("CRYONB_SCREENSHOTS") else ["FSC", "Maps", "Surfaces", "Record"]
    for theme, is_light, looked_at in (("light", True, names), ("dark", False, few)):
        driver.theme(theme)
        for name in looked_at:
            app.go(name)
            app.wait_idle()
            ground = pixels.picture(app.view())[2:6, 2:6].mean()
            assert (ground > 128) == is_light, (theme, name)
            app.show()
            driver.shoot(f"{theme}_{names.index(name):02d}_{name.replace(' ', '_')}")
    driver.theme("light")


def test_two_apps_do_not_disturb_each_other_and_closing_one_frees_it(driver):
    driver.run(
        "before = threading.active_count()\nfirst, second = new(particles), cn.dashboard(particles)\n"
        "second.session.take_apart = False\ndisplay(first, second)"
    )
    first, second = App(driver, 0), App(driver, 1)
    second.show()
    second.run()
    second.picture().wait_for()
    assert "No run yet" in first.words()
    assert "No run yet" not in second.words()
    driver.run(
        "import gc, weakref\nleft = weakref.ref(second.session)\nsecond.close()\ndel second\n_ = __ = ___ = None\n"
        "Out.clear()\ngc.collect()\nassert threading.active_count() <= before + 1\n"
        "assert not first.session.runs\nfirst"
    )
    App(driver).show()


def test_a_large_map_is_binned_and_says_so(driver):
    app = opened(driver, LARGE)
    app.wait_idle()
    driver.traffic.reset()
    app.go("Surfaces")
    app.wait_for_surfaces(1, 2000)
    app.wait_for("Shown binned to 128 voxels of 2 Å; the map has 256 of 1 Å.")
    assert driver.traffic.received + driver.traffic.sent < 5 * MEGABYTE
    app.show()
    driver.shoot("large_map")
