"""A bell that any thread rings and the loop answers: once for many rings, never after it is closed."""

import asyncio
import threading
import time

from cryonb.widgets.bell import PAUSE, Bell


def rung_from_a_thread(bell, times=1, pause=0.0):
    def ring():
        for _ in range(times):
            bell.ring()
            time.sleep(pause)

    thread = threading.Thread(target=ring)
    thread.start()
    return thread


def test_it_is_answered_in_the_thread_of_the_loop():
    async def main():
        threads = []
        bell = Bell(lambda: threads.append(threading.current_thread()))
        rung_from_a_thread(bell).join()
        await asyncio.sleep(4 * PAUSE)
        return threads

    assert asyncio.run(main()) == [threading.current_thread()]


def test_many_rings_are_answered_seldom_and_the_last_one_always():
    async def main():
        state, seen = {"last": 0}, []
        bell = Bell(lambda: seen.append(state["last"]))

        def work():
            for number in range(1, 201):
                state["last"] = number
                bell.ring()
                time.sleep(0.001)

        began = time.monotonic()
        thread = threading.Thread(target=work)
        thread.start()
        while thread.is_alive():
            await asyncio.sleep(0.005)
        taken = time.monotonic() - began
        await asyncio.sleep(4 * PAUSE)
        return seen, taken

    seen, taken = asyncio.run(main())
    assert seen[-1] == 200 and 1 <= len(seen) <= taken / PAUSE + 3


def test_nobody_answers_after_it_is_closed_or_without_a_loop():
    async def main():
        answers = []
        bell = Bell(lambda: answers.append(1))
        bell.ring()
        bell.close()
        bell.ring()
        await asyncio.sleep(2 * PAUSE)
        return bell, answers

    bell, answers = asyncio.run(main())
    bell.ring()
    assert not answers
    Bell(lambda: answers.append(2)).ring()
    assert not answers


def test_a_loop_that_has_ended_is_no_trouble():
    async def main():
        return Bell(lambda: None)

    bell = asyncio.run(main())
    bell.ring()
    bell.ring()
