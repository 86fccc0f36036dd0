"""The command as a process of its own: what Ctrl-C ends, it ends at once, whatever its threads are doing.

Python answers a signal between two of its own instructions. A long call of compiled code, in the main thread or in a
worker, would keep the process alive until it returns, so a thread of its own waits for the signal as well.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from typing import NoReturn

from . import FAILED, main, outputs

GRACE, PATIENCE = 0.6, 20.0
"""Seconds that a command has to end by itself after Ctrl-C; the second where it writes what it had finished."""


def run() -> NoReturn:
    """Run the command of this process and end the process with its exit code."""
    ended = threading.Event()
    with contextlib.suppress(ValueError, OSError):
        _watch(ended)
    code = main()
    ended.set()
    _end(code, at_once=_busy())


def _watch(ended: threading.Event) -> None:
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(reading, writing, ended), name="interrupts", daemon=True).start()


def _wait(reading: socket.socket, writing: socket.socket, ended: threading.Event) -> None:
    """End the process if it is still there some time after Ctrl-C, or at a second one; the socket is held open."""
    while reading.recv(1) != bytes([signal.SIGINT]):
        continue
    grace = PATIENCE if outputs.is_patient() else GRACE
    reading.settimeout(grace)
    with contextlib.suppress(TimeoutError):
        while not ended.is_set() and reading.recv(1) != bytes([signal.SIGINT]):
            continue
    if not ended.is_set():
        outputs.abandon()
        sys.stderr.write(f"\ncryonb: {outputs.stopped()}\n")
        _end(FAILED, at_once=True)


def _busy() -> bool:
    main_thread = threading.main_thread()
    return any(thread is not main_thread and not thread.daemon for thread in threading.enumerate())


def _end(code: int, at_once: bool) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if at_once:
        os._exit(code)
    sys.exit(code)
