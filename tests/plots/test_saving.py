import os

import pytest

from cryonb import plots
from cryonb.errors import InputError


@pytest.fixture(name="figure", scope="module")
def _figure(make_fsc):
    return plots.draw(make_fsc(kinds=("raw",)))


@pytest.mark.parametrize("suffix, magic", [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_figure_is_written_with_its_words(figure, tmp_path, suffix, magic):
    path = plots.save_figure(figure, tmp_path / f"fsc{suffix}")
    assert path.read_bytes().startswith(magic)
    assert os.listdir(tmp_path) == [f"fsc{suffix}"]
    if suffix == ".svg":
        assert "falls to 0.143" in path.read_text(encoding="utf-8")


def test_the_same_figure_gives_the_same_file(figure, tmp_path):
    one = plots.save_figure(figure, tmp_path / "one.svg").read_bytes()
    assert plots.save_figure(figure, tmp_path / "two.svg").read_bytes() == one


@pytest.mark.parametrize(
    "name, sentence", [("fsc.pgn", "Did you mean '.png'"), ("fsc", "must end in .png, .svg or .pdf")]
)
def test_an_unknown_format_is_refused(figure, tmp_path, name, sentence):
    with pytest.raises(InputError, match=sentence):
        plots.save_figure(figure, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_refused(figure, tmp_path):
    with pytest.raises(InputError, match="folder of a figure must exist"):
        plots.save_figure(figure, tmp_path / "absent" / "fsc.png")


def test_a_full_disk_leaves_the_old_figure_and_nothing_else(figure, tmp_path, monkeypatch):
    path = plots.save_figure(figure, tmp_path / "fsc.png")
    before = path.read_bytes()

    def full(self, name, **options):
        name.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(figure), "savefig", full)
    with pytest.raises(InputError, match="no space left on device"):
        plots.save_figure(figure, path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["fsc.png"]
