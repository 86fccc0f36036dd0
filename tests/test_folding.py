"""What is printed in a fold is shown in one that opens on a click, or printed where there is no notebook."""

import sys
from types import SimpleNamespace

import pytest

import cryonb as cn


@pytest.fixture(name="shown")
def _shown(monkeypatch):
    """Return what a notebook is given to show."""
    shown = []
    display = SimpleNamespace(display=lambda data, raw: shown.append((data, raw)))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object(), display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_a_notebook_gets_a_fold(shown, capsys):
    with cn.folded("Answer <1>"):
        print("a < b")
        print("and more")
    ((data, raw),) = shown
    assert raw and data["text/plain"] == "a < b\nand more\n"
    assert data["text/html"] == (
        "<details><summary>Answer &lt;1&gt;</summary><pre>a &lt; b\nand more\n</pre></details>"
    )
    assert capsys.readouterr().out == ""


def test_what_was_said_before_a_failure_is_shown(shown):
    with pytest.raises(ZeroDivisionError), cn.folded():
        print("so far")
        raise ZeroDivisionError
    assert shown[0][0]["text/plain"] == "so far\n"


def test_nothing_said_is_nothing_shown(shown):
    with cn.folded():
        pass
    assert not shown


def test_without_a_notebook_it_is_printed(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with cn.folded():
        print("plain")
    assert capsys.readouterr().out == "plain\n"
