"""The quick-start notebook in a real JupyterLab, as somebody meets it: run, look, turn, cancel, save, come back."""

import shutil
from pathlib import Path

import pixels
from app import App

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NOTEBOOK = "00_quick_start.ipynb"
SURFACE_PIXELS = 2000
"""A surface covers more than this many pixels of its view."""


def cancel_a_run(app):
    """Turn switches of box, padding and mask, run, and cancel while the curve is being taken apart."""
    app.unfold("Box", "Mask")
    app.put("box size", "128")
    app.put("pad factor", "1")
    app.put("kind", "sphere")
    app.control("radius").wait_for()
    app.wait_for("into a box of 128 voxels")
    app.press("Run")
    app.picture().wait_for()
    app.press("Cancel")
    app.driver.wait_until(app.is_idle, 3, "the app is idle after Cancel")
    app.wait_for("not taken apart yet")


def run_to_the_end(app):
    """Ask for fewer grids, and run without a mask: padded once in the large box, then padded twice in the own one."""
    app.wait_idle()
    app.go("What it is made of")
    app.unfold("Options")
    app.put("dithers", "2")
    app.put("surrogates", "0")
    app.remove_runs()
    app.put("kind", "none")
    app.run()
    app.wait_for("grid-locked interpolation (0.12 on average")
    app.put("box size", "64")
    app.put("pad factor", "2")
    app.run()
    app.wait_for("signal to the end")


def turn_one_surface(app):
    """Drag one of two surfaces, and see both turn."""
    first, second = app.surfaces(2)
    before = [pixels.picture(one) for one in (first, second)]
    app.drag(first, 90, 40)
    for one, was in zip((first, second), before):
        app.driver.wait_until(
            lambda one=one, was=was: pixels.changed(pixels.picture(one), was) > 0.01, 10, "both surfaces have turned"
        )


def move_a_level(app):
    """Move the level of a surface, and see it change."""
    first, _ = app.surfaces(2)
    was = pixels.picture(first)
    for _ in range(6):
        app.level(0).press("ArrowRight")
    app.driver.wait_until(lambda: pixels.changed(pixels.picture(first), was) > 0.005, 10, "the level has changed")


def save_and_come_back(app):
    """Save the session, let go of all runs, and open it again."""
    app.press("Save session…")
    app.press("Save")
    app.wait_for("Saved as")
    app.page.keyboard.press("Escape")
    app.remove_runs()
    app.open("session.zarr")
    app.wait_for("grid-locked interpolation (0.12 on average")


def test_from_the_first_cell_to_a_session_that_was_saved_and_opened_again(notebook, root):
    folder = root / "quick start"
    folder.mkdir()
    shutil.copytree(NOTEBOOKS / "figures", folder / "figures")
    shutil.copyfile(NOTEBOOKS / NOTEBOOK, folder / NOTEBOOK)
    notebook.open(f"quick start/{NOTEBOOK}")
    notebook.run_all(150)
    app = App(notebook)
    app.wait_idle()
    app.show()
    cancel_a_run(app)
    run_to_the_end(app)
    app.go("FSC")
    assert pixels.coloured(pixels.picture(app.picture())) > 300
    notebook.shoot("quick_start_fsc")
    app.go("Surfaces")
    app.wait_for_surfaces(2, SURFACE_PIXELS)
    notebook.shoot("quick_start_surfaces")
    turn_one_surface(app)
    move_a_level(app)
    notebook.shoot("quick_start_turned")
    save_and_come_back(app)
    notebook.reload()
    app.show()
    app.go("Surfaces")
    app.wait_for_surfaces(2, SURFACE_PIXELS)
    assert not notebook.traffic.complaints
    assert not notebook.traffic.foreign(notebook.address)
