"""Pieces of a run on the threads of this process."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


class Local:
    """Threads of this process: one an item, the rest shared among them."""

    name = "local"

    def map(self, function: Callable, items: Sequence, threads: int) -> list:
        """Return `function(item, threads_for_it)` for every item, in order.

        Parameters
        ----------
        function : callable
            What to compute; its result must not depend on its threads.
        items : sequence
            The pieces.
        threads : int
            Threads in all.

        Returns
        -------
        list
            The results.

        Raises
        ------
        Exception
            What the first failing item raised. Items under way are not waited for: they are to notice by themselves.
        """
        workers = min(threads, len(items))
        if workers <= 1:
            return [function(item, threads) for item in items]
        share = max(1, threads // len(items))
        pool = ThreadPoolExecutor(workers)
        try:
            return [future.result() for future in [pool.submit(function, item, share) for item in items]]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


ENGINE = Local()
