"""A bell from the worker's thread to the kernel's loop, where widgets may be changed."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable

PAUSE = 0.05
"""Seconds between two answers at least, so that a run with much to tell does not flood the page."""


class Bell:
    """Has something done on the event loop on which it was made, soon after any thread has rung.

    However often it is rung before it is answered, it is answered once. Without a running loop, as in a plain script,
    nobody answers.

    Parameters
    ----------
    answer : callable
        What is done on the loop.
    """

    def __init__(self, answer: Callable[[], None]) -> None:
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._answer: Callable[[], None] | None = answer
        self._context = contextvars.copy_context()  # what is said belongs to the cell that made the bell
        self._lock, self._rung, self._last = threading.Lock(), False, 0.0

    def ring(self) -> None:
        """Ask for an answer, from any thread."""
        with self._lock:
            loop, waiting = self._loop, self._rung
            self._rung = True
        if loop is None or waiting:
            return
        try:
            loop.call_soon_threadsafe(self._arrange, context=self._context)
        except RuntimeError:  # the loop has ended, and the kernel with it
            self._loop = None

    def close(self) -> None:
        """Answer no more."""
        self._loop, self._answer = None, None

    def _arrange(self) -> None:
        wait = self._last + PAUSE - time.monotonic()
        if wait <= 0.0 or self._loop is None:
            self._reply()
        else:
            self._loop.call_later(wait, self._reply, context=self._context)

    def _reply(self) -> None:
        with self._lock:
            self._rung = False
        if self._answer is not None:
            self._answer()
        self._last = time.monotonic()
