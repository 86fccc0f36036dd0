"""Work in the background: stopped at its next word, heard in order, and alone with its warnings."""

import threading
import time
import warnings

import pytest

from cryonb.errors import RunStopped
from cryonb.widgets.job import Job


def wait(job):
    assert job.join(10.0)
    return job


def test_messages_come_in_order_and_only_the_last_report_waits():
    heard = []

    def work(job):
        for number in range(3):
            job.tell(number / 3, f"part {number}")
            job.post(lambda number=number: heard.append(number))
        return "made"

    job = wait(Job(work).start())
    for message in job.take():
        message()
    assert heard == [0, 1, 2] and job.result == "made" and job.is_done
    assert job.progress() == (2 / 3, "part 2") and job.progress() is None
    assert job.take() == []


def test_it_stops_at_its_next_report():
    started = threading.Event()

    def work(job):
        while True:
            job.tell(0.5, "on and on")
            started.set()
            time.sleep(0.01)

    job = Job(work).start()
    assert started.wait(5.0)
    job.cancel()
    wait(job)
    assert isinstance(job.problem, RunStopped) and job.is_done


def test_what_is_raised_is_kept():
    job = wait(Job(lambda job: 1 / 0).start())
    assert isinstance(job.problem, ZeroDivisionError) and job.result is None


def test_it_wakes_for_the_first_report_every_message_and_the_end():
    woken = []

    def work(job):
        for number in range(100):
            job.tell(number / 100, "part")
        job.post(int)

    wait(Job(work, lambda: woken.append(threading.current_thread().name)).start())
    assert woken == ["cryonb job"] * 3


def test_two_jobs_hear_only_their_own_warnings_and_others_go_where_they_went():
    both = threading.Barrier(3, timeout=5.0)

    def warner(words):
        def work(job):
            both.wait()
            for _ in range(3):
                warnings.warn(words, UserWarning, stacklevel=2)
            warnings.warn("not for users", DeprecationWarning, stacklevel=2)
            both.wait()

        return work

    with pytest.warns(UserWarning) as heard:
        first, second = Job(warner("first thing")).start(), Job(warner("second thing")).start()
        both.wait()
        warnings.warn("of the main thread", UserWarning, stacklevel=1)
        both.wait()
        wait(first)
        wait(second)
    assert "of the main thread" in [str(one.message) for one in heard]
    assert first.notes == ["first thing"] and second.notes == ["second thing"]


def test_the_place_for_warnings_is_given_back():
    before, filters = warnings.showwarning, list(warnings.filters)
    wait(Job(lambda job: None).start())
    assert warnings.showwarning is before and warnings.filters == filters
