"""The app on a page, moved by what it says of itself: labels, roles and words, as a screen reader finds them."""

import re
import time
from pathlib import Path

import pixels

STOPWATCH = (Path(__file__).parent / "stopwatch.js").read_text(encoding="utf-8")
MEASURED = "() => window.cryonbStopwatch.seen && [window.cryonbStopwatch.asked, window.cryonbStopwatch.seen]"
RUN_PATIENCE = 90.0
"""Seconds that a run of a test may take on a machine that is busy."""

QUIET = 4
"""Looks, a tenth of a second apart, at all of which an app that is idle does nothing."""


class App:
    """One dashboard of a page.

    Parameters
    ----------
    driver : Notebook
        Of its page.
    place : int
        Which of the dashboards on the page.
    """

    def __init__(self, driver, place: int = 0) -> None:
        self.driver, self.page = driver, driver.page
        self.root = self.page.locator(".cryonb-app").nth(place)

    def button(self, words: str):
        """Return a button by what stands on it."""
        return self.root.get_by_role("button", name=words, exact=True)

    def press(self, words: str) -> None:
        """Press a button."""
        self.button(words).click()

    def unfold(self, *heads: str) -> None:
        """Open groups of settings."""
        for head in heads:
            button = self.root.locator("button.cryonb-fold-head:visible", has_text=re.compile(f"^{head}$"))
            if "mod-active" not in button.get_attribute("class"):
                button.click()

    def control(self, label: str):
        """Return the input of a setting by its name, which its unit may follow."""
        return self.root.get_by_label(re.compile(f"^{re.escape(label)}( |$)")).locator("visible=true").first

    def put(self, label: str, value: str) -> None:
        """Type into a control, or choose from it, by its label."""
        control = self.control(label)
        if control.evaluate("element => element.tagName") == "SELECT":
            control.select_option(label=value)
        else:
            control.fill(value)
            control.press("Tab")

    def go(self, tab: str) -> None:
        """Bring a tab into view."""
        tabs = self.root.get_by_role("tab")
        tabs.first.wait_for()
        place = tabs.all_inner_texts().index(tab)
        tabs.nth(place).click()
        self.root.locator(".cryonb-view").nth(place).wait_for()

    def is_idle(self) -> bool:
        """Return whether nothing goes on in the background: Cancel cannot be pressed."""
        return self.button("Cancel").is_disabled()

    def wait_idle(self, seconds: float = RUN_PATIENCE) -> None:
        """Return once nothing goes on in the background, nor begins right after: a tab in view may ask for its own."""
        end, quiet = time.monotonic() + seconds, 0
        while quiet < QUIET:
            if time.monotonic() > end:
                self.driver.shoot("gave_up")
                raise AssertionError(f"within {seconds:g} s the app has not become idle")
            self.page.wait_for_timeout(100)
            quiet = quiet + 1 if self.is_idle() else 0

    def run(self, seconds: float = RUN_PATIENCE) -> None:
        """Press Run, and wait for the end."""
        self.press("Run")
        self.driver.wait_until(lambda: not self.is_idle(), 10, "the run has begun")
        self.wait_idle(seconds)

    def words(self) -> str:
        """Return all that can be read of it."""
        return self.root.inner_text()

    def wait_for(self, words: str, seconds: float = 20.0) -> None:
        """Return once it can be read somewhere."""
        self.driver.wait_until(lambda: words in self.words(), seconds, f"it says {words!r}")

    def show(self) -> None:
        """Scroll it to the top of the window, once it is there."""
        self.root.locator(".cryonb-header").wait_for()
        self.root.evaluate("element => element.scrollIntoView({block: 'start'})")

    def picture(self):
        """Return the figure of the tab in view."""
        return self.view().locator("img.cryonb-pixels").first

    def view(self):
        """Return the tab in view."""
        return self.root.locator(".cryonb-view:visible").first

    def surfaces(self, count: int) -> list:
        """Return the canvases of surfaces that are in view, as many as there must be."""
        found = self.view().locator(".cryonb-surface-canvas canvas")
        self.driver.wait_until(lambda: found.count() == count, 20, f"there are {count} surfaces")
        return found.all()

    def wait_for_surfaces(self, count: int, most: int) -> None:
        """Return once so many surfaces have more than some coloured pixels each."""
        for canvas in self.surfaces(count):
            canvas.scroll_into_view_if_needed()
            self.driver.wait_until(lambda one=canvas: pixels.coloured(pixels.picture(one)) > most, 30, "it has colour")

    def drag(self, place, across: float, down: float) -> None:
        """Drag the mouse from the middle of a place."""
        box = place.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + across, y + down, steps=8)
        self.page.mouse.up()

    def level(self, place: int = 0):
        """Return the slider of a surface's level."""
        return self.view().locator(".cryonb-surface-slider").nth(place)

    def remove_runs(self) -> None:
        """Let go of all runs."""
        rows = self.root.locator(".cryonb-run:visible")
        while count := rows.count():
            rows.first.get_by_text("Remove", exact=True).click()
            self.driver.wait_until(lambda count=count: rows.count() < count, 10, "a run was let go of")

    def open(self, name: str) -> None:
        """Open a file of the root folder by the dialog."""
        self.press("Open\u2026")
        self.root.get_by_label("Files and folders").wait_for()
        entry = self.root.locator(".cryonb-entries option", has_text=name).first
        self.root.get_by_label("Files and folders").select_option(value=entry.get_attribute("value"))
        self.press("Open")
        self.wait_idle()

    def time(self, where: str, act, seconds: float = 10.0) -> float:
        """Return how long it takes until the pictures of a place change after something is done [millisecond]."""
        self.page.evaluate(STOPWATCH, where)
        act()
        self.page.wait_for_function(MEASURED, timeout=1000 * seconds)
        asked, seen = self.page.evaluate(MEASURED)
        return seen - asked
