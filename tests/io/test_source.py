"""A path holds data, or the sentence says what it holds instead."""

import pytest

from cryonb import io
from cryonb.errors import FormatError
from cryonb.io.source import Finder, existing_file

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
ANNEX = b"/annex/objects/SHA256E-s12345--4d7a.mrc\n"


@pytest.mark.parametrize("open_it", [io.open_map, io.open_particles, io.open_curve])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "the file must exist; got missing .*. Check the name and the folder."),
        (b"", "the file must hold data; got the empty file .*. Copy or download it again."),
        (LFS, "the file must hold the data themselves; got a text pointer in .*. Fetch the data with `git lfs pull`."),
        (ANNEX, "got a text pointer in .*. Fetch the data with `git annex get`."),
    ],
)
def test_files_without_data_are_named(tmp_path, open_it, content, sentence):
    path = tmp_path / ("a.mrc" if open_it is io.open_map else "a.star")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FormatError, match=sentence):
        open_it(path)


def test_a_name_that_counts_from_somewhere_says_from_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormatError, match=f"got missing nope.star in {tmp_path}. Check the name and the folder."):
        existing_file("nope.star")


def test_folders_are_named(tmp_path):
    for open_it in (io.open_map, io.open_particles, io.open_curve):
        with pytest.raises(FormatError, match="a file must be given; got the folder"):
            open_it(tmp_path)


def test_home_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.star").write_text("data_\n")
    assert existing_file("~/a.star") == tmp_path / "a.star"


@pytest.mark.parametrize("place", ["", "run", "run/job"])
def test_images_are_found_from_the_table_upwards(tmp_path, place):
    table = tmp_path / "run" / "job" / "a.star"
    table.parent.mkdir(parents=True)
    stack = tmp_path / place / "Extract" / "a.mrcs"
    stack.parent.mkdir()
    stack.write_bytes(b"x")
    assert Finder(table).locate("Extract/a.mrcs") == stack


def test_root_comes_first_and_takes_bare_names(tmp_path):
    for folder in ("table/Extract", "root/Extract"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.mrcs").write_bytes(b"x")
    (tmp_path / "root" / "b.mrcs").write_bytes(b"x")
    finder = Finder(tmp_path / "table" / "a.star", tmp_path / "root")
    assert finder.locate("Extract/a.mrcs") == tmp_path / "root" / "Extract" / "a.mrcs"
    assert finder.locate("Extract/b.mrcs") == tmp_path / "root" / "b.mrcs"
    assert finder.locate("/elsewhere/b.mrcs") == tmp_path / "root" / "b.mrcs"
    with pytest.raises(FormatError, match="root must be a folder"):
        Finder(tmp_path / "a.star", tmp_path / "nowhere")


def test_missing_images_are_counted_and_the_first_is_named(tmp_path):
    with pytest.raises(FormatError, match="got 2 of 2 missing, the first 'x.mrcs', looked for from .* Name the folder"):
        Finder(tmp_path / "a.star").locate_all(["x.mrcs", "y.mrcs"])
