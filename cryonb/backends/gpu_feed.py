"""Images on their way to a card: read ahead on threads into pinned memory, and uploaded beside the work under way."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from types import ModuleType
from typing import Any

import numpy as np

READERS = max(2, min(8, (os.cpu_count() or 4) // 2))
"""Threads that read ahead, each on memory of its own."""


class _Slot:
    """Pinned memory of the host that grows to what is read, and when its last upload was done."""

    def __init__(self) -> None:
        self.memory: Any = None
        self.sent: Any = None

    def hold(self, xp: ModuleType, arrays: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """Return copies of some arrays in pinned memory, once what was there before has been uploaded."""
        if self.sent is not None:
            self.sent.synchronize()
        sizes = [-(-array.nbytes // 16) * 16 for array in arrays]
        if self.memory is None or self.memory.mem.size < sum(sizes):
            self.memory = None  # another slot may take it
            self.memory = xp.cuda.alloc_pinned_memory(_one_of_few_sizes(sum(sizes)))
        held, place = [], 0
        for array, size in zip(arrays, sizes):
            flat = np.frombuffer(self.memory, array.dtype, array.size, place)
            held.append(flat.reshape(array.shape))
            np.copyto(held[-1], array)
            place += size
        return tuple(held)


def _one_of_few_sizes(count: int) -> int:
    """Return a size that holds so many bytes: four of them between a power of two and the next.

    CuPy keeps pinned memory for requests of the very same size, and never gives it back: images whose number differs
    from piece to piece would take the host's memory up, step by step.
    """
    step = max(512, 1 << max(0, count.bit_length() - 3))
    return max(1, -(-count // step)) * step


class Feed:
    """One way of reading, and the stream that its uploads run on.

    Parameters
    ----------
    xp : module
        CuPy.
    read : callable
        Takes an item; returns an array of the host, or a tuple of them. Called from other threads.
    """

    def __init__(self, xp: ModuleType, read: Callable[[Any], Any]) -> None:
        self._xp, self._read = xp, read
        self._beside = xp.cuda.Stream(non_blocking=True)
        self._slots: SimpleQueue[_Slot] = SimpleQueue()
        for _ in range(READERS + 2):
            self._slots.put(_Slot())

    def of(self, items: Iterable) -> Iterator[Any]:
        """Yield what is read for one item after the other.

        Parameters
        ----------
        items : iterable
            What to read.

        Yields
        ------
        cupy.ndarray or tuple of cupy.ndarray
            On the card; valid until the next is asked for.
        """
        upcoming, waiting = iter(items), deque()
        pool = ThreadPoolExecutor(READERS)
        try:
            waiting.extend(pool.submit(self._held, item) for item in islice(upcoming, READERS))
            on_its_way = self._sent(waiting.popleft()) if waiting else None
            while on_its_way is not None:
                waiting.extend(pool.submit(self._held, item) for item in islice(upcoming, READERS - len(waiting)))
                current = on_its_way
                on_its_way = self._sent(waiting.popleft()) if waiting and _is_read(waiting[0]) else None
                yield self._arrived(current)
                del current
                if on_its_way is None and waiting:
                    on_its_way = self._sent(waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self._beside.synchronize()  # before memory that an upload still reads or fills is given back
            self._xp.get_default_pinned_memory_pool().free_all_blocks()  # what no slot took, and what volumes left

    def _held(self, item: Any) -> tuple[_Slot, tuple, bool]:
        """Return what is read for an item, in pinned memory."""
        slot = self._slots.get()
        try:
            found = self._read(item)
            several = isinstance(found, tuple)
            return slot, slot.hold(self._xp, found if several else (found,)), several
        except BaseException:
            self._slots.put(slot)
            raise

    def _sent(self, reading: Future) -> tuple[tuple, Any, bool]:
        """Return arrays of the card that an upload is filling, and when it will be done.

        Their memory may be that of arrays which the default stream has not done with: the upload waits for these.
        """
        slot, held, several = reading.result()
        arrays = tuple(self._xp.empty(array.shape, array.dtype) for array in held)
        self._beside.wait_event(self._xp.cuda.Stream.null.record())
        for array, source in zip(arrays, held):
            array.set(source, stream=self._beside)
        slot.sent = self._beside.record()
        self._slots.put(slot)
        return arrays, slot.sent, several

    def _arrived(self, sent: tuple[tuple, Any, bool]) -> Any:
        """Return uploaded arrays; the default stream waits for them."""
        arrays, done, several = sent
        self._xp.cuda.Stream.null.wait_event(done)
        return arrays if several else arrays[0]


def _is_read(reading: Future) -> bool:
    return reading.done() and reading.exception() is None
