"""Results are whole or absent."""

import errno
import os
import stat

import pytest

from cryonb.cli import outputs
from cryonb.cli.outputs import check_writable, results_folder
from cryonb.errors import InputError


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_results_appear_together(tmp_path):
    out = tmp_path / "new" / "results"
    with results_folder(out) as folder:
        (folder / "a.txt").write_text("a")
        assert not out.exists()
    assert everything(tmp_path) == ["new", "new/results", "new/results/a.txt"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o777 & ~current_umask()


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_results_join_and_replace_what_is_there(tmp_path):
    (tmp_path / "session.zarr").mkdir()
    (tmp_path / "session.zarr" / "old").touch()
    (tmp_path / "mine.txt").write_text("mine")
    with results_folder(tmp_path) as folder:
        (folder / "session.zarr").mkdir()
        (folder / "session.zarr" / "new").touch()
    assert everything(tmp_path) == ["mine.txt", "session.zarr", "session.zarr/new"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_full_disk_leaves_nothing(tmp_path, code, wrapped):
    def write(folder):
        (folder / "half.mrc").write_text("half of it")
        try:
            raise OSError(code, os.strerror(code), str(folder / "half.mrc"))
        except OSError as error:
            if wrapped:
                raise RuntimeError("the writer gave up") from error
            raise

    with (
        pytest.raises(InputError, match="the disk must have room for the results; got .* Free some space"),
        results_folder(tmp_path / "a" / "b") as folder,
    ):
        write(folder)
    assert everything(tmp_path) == []


def test_a_failure_leaves_nothing_and_is_not_hidden(tmp_path):
    for kind in (KeyError, KeyboardInterrupt):
        with pytest.raises(kind), results_folder(tmp_path / "out") as folder:
            (folder / "half.mrc").touch()
            raise kind("stop")
    assert everything(tmp_path) == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "results"):
        with pytest.raises(InputError, match="the output folder must be writable; got .* not a folder"):
            check_writable(out)


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(
        InputError, match="the output folder must be writable; got .* not writable. Choose another --out."
    ):
        check_writable(tmp_path / "results")
    assert everything(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="must be writable"):
        check_writable(tmp_path / "results")


def test_what_is_kept_is_said_where_ctrl_c_stops_it_and_only_there():
    with outputs.keeping("half of it is kept."):
        pass
    assert outputs.stopped() == outputs.STOPPED
    with pytest.raises(ValueError, match="bad"), outputs.keeping("half of it is kept."):
        raise ValueError("bad")
    assert outputs.stopped() == outputs.STOPPED
    with pytest.raises(KeyboardInterrupt), outputs.keeping("half of it is kept."):
        raise KeyboardInterrupt
    assert outputs.stopped() == "half of it is kept."
    assert outputs.stopped() == outputs.STOPPED
