"""How long the app takes to show what was asked of it, in JupyterLab and Chromium, from the event to the pixels.

Run by hand: ``python tests/benchmarks/latency.py [--moves 10]``. WebGL is drawn in software. The clock starts with the
event in the page and ends at the first frame in which the pictures of the place come out otherwise, so that it counts
whole frames; Cancel ends when the page says that nothing runs. Maps are of 128 voxels along an edge.
"""

import argparse
import functools
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "browser")]

import cells  # noqa: E402
import chromium  # noqa: E402
import servers  # noqa: E402
from app import App  # noqa: E402
from notebook import Notebook  # noqa: E402

START = """
import cryonb as cn
from cryonb.simulate import demo_particles
particles = demo_particles(0)
small = cn.simulate(cn.phantom("helices", box_size=32, pixel_size=4.0), n_particles=200, snr=5.0)
start = cn.phantom("helices", box_size=32, pixel_size=4.0)
"""
MAPS = """
app = cn.dashboard(particles, box=dict(box_size=128, pad_factor=1))
app.session.take_apart = False
app.session.run(); app.session.finish()
app
"""
CURVES = """
app.close()
app = cn.dashboard(small, start, refine=dict(recipe="homogeneous", n_iterations=12))
app.session.verb, app.session.take_apart = "refine", False
app.session.run(); app.session.finish(300)
app
"""
SEARCH = """
app.close()
app = cn.dashboard(particles, refine=dict(recipe="homogeneous"))
app.session.verb, app.session.take_apart = "refine", False
app
"""


def slices(app: App, count: int) -> list[float]:
    """Return how long each move of the slice takes [millisecond]."""
    app.go("Maps")
    app.wait_idle()
    return moved(app, app.view().locator(".cryonb-trait-place .noUi-handle").first, ".cryonb-tile-stage", count)


def levels(app: App, count: int) -> list[float]:
    """Return how long each move of a surface's level takes [millisecond]."""
    app.go("Surfaces")
    app.wait_for_surfaces(1, 2000)
    time.sleep(1.0)
    return moved(app, app.level(0), ".cryonb-surface-canvas", count)


def curves(app: App, count: int) -> list[float]:
    """Return how long it takes until the curve of another iteration is drawn [millisecond]."""
    app.go("FSC")
    app.wait_idle()
    handle = app.view().locator(".cryonb-trait-iteration .noUi-handle").first
    return moved(app, handle, ".cryonb-stage", count, ("ArrowLeft", "ArrowRight"))


def moved(app: App, handle, where: str, count: int, keys: tuple[str, ...] = ("ArrowRight",)) -> list[float]:
    """Return how long it takes until the pictures of a place change after each press of a key [millisecond]."""
    handle.focus()
    found = []
    for _, key in zip(range(count), itertools.cycle(keys)):
        press = functools.partial(app.page.keyboard.press, key)
        found.append(app.time(f".cryonb-view:not([style*=none]) {where}", press))
        app.page.wait_for_timeout(250)
    return found


def cancels(app: App, count: int) -> list[float]:
    """Return how long it takes until nothing runs after Cancel, at different moments of a search [millisecond]."""
    found = []
    for number in range(count):
        app.press("Run")
        app.driver.wait_until(lambda: not app.is_idle(), 20, "the search has begun")
        app.page.wait_for_timeout(1500 + 250 * number)
        begun = time.perf_counter()
        app.press("Cancel")
        app.root.locator("button:disabled", has_text="Cancel").wait_for()
        app.root.locator("button:enabled", has_text="Run").wait_for()
        found.append(1000 * (time.perf_counter() - begun))
        app.wait_idle()
    return found


MEASUREMENTS: list[tuple[str, str, Callable[[App, int], list[float]], float]] = [
    ("slice at 128 voxels", MAPS, slices, 80),
    ("surface level at 128 voxels", "", levels, 200),
    ("FSC curve of another iteration", CURVES, curves, 100),
    ("Cancel of a search", SEARCH, cancels, 1000),
]


def main() -> None:
    """Measure everything, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=10)
    moves, rows = parser.parse_args().moves, []
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        with servers.lab(root) as address, chromium.running() as browser, chromium.page(browser) as (page, traffic):
            driver = Notebook(page, traffic, address, root)
            driver.open(cells.write(root / "latency.ipynb", START))
            driver.run_all(300)
            for name, source, measure, goal in MEASUREMENTS:
                if source:
                    driver.run(source, 300)
                app = App(driver)
                app.show()
                found = measure(app, moves)
                rows.append((name, statistics.median(found), min(found), max(found), goal))
                print("| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |".format(*rows[-1]), flush=True)
            driver.close()
            if traffic.complaints:
                print("complaints:", *traffic.complaints, sep="\n  ")


if __name__ == "__main__":
    print("| from the event to the pixels | median [ms] | least | most | goal |\n|---|---|---|---|---|", flush=True)
    main()
