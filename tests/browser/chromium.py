"""Chromium without a screen, and what it asked of whom: every host, every byte of a websocket, every complaint.

Names of hosts are not looked up, so that a page that needs the network fails here as it would without one; what it
asked for is kept in `Traffic` all the same.
"""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

CANDIDATES = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1280, "height": 800}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
"""WebGL is drawn in software; nothing is fetched in the background; no name of a host leads anywhere."""


def found() -> str:
    """Return the path of a browser that is installed, or an empty text."""
    named = os.environ.get("CRYONB_CHROMIUM", "")
    if named:
        return named if Path(named).is_file() else ""
    places = [shutil.which(name) or f"/usr/bin/{name}" for name in CANDIDATES]
    return next((place for place in places if Path(place).is_file()), "")


@dataclasses.dataclass
class Traffic:
    """What a page asked for and said.

    Attributes
    ----------
    hosts : dict of str to list of str
        Addresses asked for, by host.
    sent, received : int
        Bytes of websockets since `reset`.
    complaints : list of str
        Errors of the console and of the page, with where they came from.
    """

    hosts: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    sent: int = 0
    received: int = 0
    complaints: list[str] = dataclasses.field(default_factory=list)

    def listen(self, page) -> None:
        """Hear everything that a page does from now on."""
        page.on("request", lambda request: self._ask(request.url))
        page.on("websocket", self._open)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"page: {error}"))

    def foreign(self, server: str) -> dict[str, list[str]]:
        """Return the addresses asked for of any host but a server, by host."""
        return {host: urls for host, urls in self.hosts.items() if host != urlsplit(server).netloc}

    def reset(self) -> None:
        """Count bytes from zero."""
        self.sent = self.received = 0

    def _ask(self, url: str) -> None:
        if urlsplit(url).scheme in ("http", "https", "ws", "wss"):
            self.hosts.setdefault(urlsplit(url).netloc, []).append(url)

    def _open(self, socket) -> None:
        self._ask(socket.url)
        socket.on("framesent", lambda payload: self._count("sent", payload))
        socket.on("framereceived", lambda payload: self._count("received", payload))

    def _count(self, way: str, payload: str | bytes) -> None:
        setattr(self, way, getattr(self, way) + len(payload))

    def _hear(self, message) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} [{message.location.get('url', '')}]")


@contextlib.contextmanager
def running() -> Iterator:
    """Run a browser; yields it. The caller opens pages with `page`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page(browser, **settings) -> Iterator[tuple]:
    """Open an empty page of 1280 x 800; yields it with its traffic."""
    context = browser.new_context(viewport=SIZE, **settings)
    context.set_default_timeout(15_000)
    try:
        opened, traffic = context.new_page(), Traffic()
        traffic.listen(opened)
        yield opened, traffic
    finally:
        context.close()
