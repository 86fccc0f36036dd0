"""Results on stdout; notes, progress and errors on stderr, one line each."""

import warnings

from cryonb.cli.console import Console


def test_notes_are_one_line_each_and_said_once(capsys):
    console = Console()
    with console.listening():
        for _ in range(2):
            warnings.warn("two\nlines", UserWarning, stacklevel=1)
        warnings.warn("of no interest to the user", FutureWarning, stacklevel=1)
        console.show_notes()
        warnings.warn("two lines", UserWarning, stacklevel=1)
        console.show_notes()
    assert capsys.readouterr().err == "cryonb: note: two lines\n"


def test_a_short_command_shows_no_bar(capsys):
    console = Console()
    for step in range(10):
        console.progress(step / 9, "inserting")
    console.close()
    console.say("done")
    assert capsys.readouterr() == ("done\n", "")


def test_a_long_command_shows_its_progress_unless_quiet(capsys):
    for quiet in (False, True):
        console = Console(quiet)
        console.progress(0.25, "inserting")
        if console._bar is not None:
            console._bar.start_t -= 20
            console._bar.last_print_t -= 20
        console.progress(0.5, "inserting")
        console.close()
        shown = capsys.readouterr().err
        assert ("inserting" in shown and "50 %" in shown) != quiet


def test_a_long_command_says_once_what_it_works_on(capsys):
    console = Console()
    console.announce("on the CPU (Numba), 2 threads")
    console.progress(0.1, "inserting")
    assert "CPU" not in capsys.readouterr().err
    console._began -= 20
    for fraction in (0.2, 0.3):
        console.progress(fraction, "inserting")
    console.close()
    assert capsys.readouterr().err.count("cryonb: on the CPU (Numba), 2 threads\n") == 1
    quiet = Console(quiet=True)
    quiet.announce("on the CPU")
    quiet.progress(0.5, "inserting")
    assert capsys.readouterr().err == ""
