"""The picture of the app, taken in JupyterLab by a Chromium that nobody sees: two runs of the demonstration.

It is driven by the same drivers as the tests of the app, which find controls as a screen reader does.
"""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from . import staging

SOURCE = """
import cryonb as cn
app = cn.dashboard("demo")
app.session.finish(300.0)
app.session.put("decomposition.dithers", 2)
app.session.put("decomposition.surrogates", 0)
for pad_factor, limit in ((1, "circle"), (2, "square")):
    app.session.put("box.box_size", 128)
    app.session.put("box.pad_factor", pad_factor)
    app.session.put("box.limit", limit)
    app.session.run()
    app.session.finish(300.0)
app
"""
TAB = "What it is made of"
FOUND = "grid-locked interpolation (0.12 on average"
"""What the verdict on the first run says; a picture of an app that failed is none."""
WINDOW = {"width": 1280, "height": 1640}
PATIENCE = 300.0
"""Seconds that both runs may take on a machine that is busy."""


def missing() -> str:
    """Return what is missing for taking a picture, or an empty text."""
    drivers = staging.ROOT / "tests" / "browser"
    if not (drivers / "chromium.py").is_file():
        return "the drivers of tests/browser are not there"
    sys.path[:0] = [] if str(drivers) in sys.path else [str(drivers)]
    try:
        import jupyterlab  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as problem:
        return f"{problem.name} is not installed"
    import chromium

    return "" if chromium.found() else "there is no Chromium"


def take(folder: Path) -> None:
    """Write app.png and app_dark.png into a folder."""
    import cells
    import chromium
    import servers
    from app import App
    from notebook import Notebook

    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(servers.lab(root))
        browser = stack.enter_context(chromium.running())
        page, traffic = stack.enter_context(chromium.page(browser))
        page.set_viewport_size(WINDOW)
        driver = Notebook(page, traffic, address, root)
        driver.open(cells.write(root / "app.ipynb", SOURCE))
        stack.callback(driver.close)
        driver.run_all(PATIENCE)
        app = App(driver)
        app.unfold("Box")
        app.go(TAB)
        app.wait_for(FOUND)
        app.wait_idle()
        for theme, name in (("light", "app.png"), ("dark", "app_dark.png")):
            driver.theme(theme)
            app.wait_idle()
            app.show()
            shoot(app, folder / name)


def shoot(app, path: Path) -> None:
    """Write a picture of the app, as much of it as the window holds."""
    box = app.root.bounding_box()
    height = min(box["height"], WINDOW["height"] - box["y"])
    app.page.screenshot(path=path, clip={**box, "height": height})
