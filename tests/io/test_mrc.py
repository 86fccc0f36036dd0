"""Maps in and out: every mode, axis order and header that the format allows, and every one that it should not."""

import itertools

import mrcfile
import numpy as np
import pytest
import xarray as xr
from tolerances import STORED_LENGTH

from cryonb import io
from cryonb.errors import FormatError, InputError


def box(shape=(6, 5, 4), seed=0):
    return np.random.default_rng(seed).integers(1, 100, shape).astype(np.float32)


def write(path, values, voxel=1.5, **header):
    compression = {".gz": "gzip", ".bz2": "bzip2"}.get(path.suffix)
    with mrcfile.new(path, compression=compression) as stream:
        stream.set_data(values)
        stream.set_volume()
        stream.voxel_size = voxel
        for name, value in header.items():
            stream.header[name] = value
    return path


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float32, np.uint16, np.float16])
@pytest.mark.parametrize("suffix", [".mrc", ".map", ".ccp4", ".mrc.gz", ".map.bz2"])
def test_every_mode_and_compression_gives_the_same_floats(tmp_path, dtype, suffix):
    values = box()
    volume = io.open_map(write(tmp_path / f"a{suffix}", values.astype(dtype)))
    assert volume.density.dtype == np.float32
    np.testing.assert_array_equal(volume.density.values, values)
    assert float(volume.voxel_size) == 1.5
    assert volume.attrs["schema"] == "cryonb/volume"


@pytest.mark.parametrize("size", [7, 8])
def test_coordinates_are_zero_at_the_centre_voxel(tmp_path, size):
    volume = io.open_map(write(tmp_path / "a.mrc", box((size,) * 3)))
    for axis in "zyx":
        assert volume[axis].values[size // 2] == 0.0
        np.testing.assert_allclose(np.diff(volume[axis].values), 1.5)


@pytest.mark.parametrize("axes", list(itertools.permutations((1, 2, 3))))
def test_permuted_axes_are_put_back_to_z_y_x(tmp_path, axes):
    values = box()  # z, y, x
    columns, rows, sections = axes
    stored = values.transpose([3 - sections, 3 - rows, 3 - columns])
    start = {1: 10, 2: 20, 3: 30}
    path = tmp_path / "a.mrc"
    with mrcfile.new(path) as stream:
        stream.set_data(np.ascontiguousarray(stored))
        stream.set_volume()
        stream.header.mapc, stream.header.mapr, stream.header.maps = axes
        stream.header.mx, stream.header.my, stream.header.mz = 4, 5, 6
        stream.header.cella = (8.0, 10.0, 12.0)
        stream.header.nxstart, stream.header.nystart, stream.header.nzstart = (start[axis] for axis in axes)
    volume = io.open_map(path)
    np.testing.assert_array_equal(volume.density.values, values)
    assert [float(volume[f"origin_{axis}"]) for axis in "xyz"] == [20.0, 40.0, 60.0]
    assert float(volume.voxel_size) == 2.0


def test_big_endian_and_extended_headers(tmp_path):
    path = write(tmp_path / "a.mrc", box())
    header, samples = path.read_bytes()[:1024], path.read_bytes()[1024:]
    words = np.frombuffer(header, "<u4").byteswap().tobytes()
    text = header[208:212], header[220:]
    swapped = bytearray(words)
    swapped[208:212], swapped[212:216], swapped[220:] = text[0], b"\x11\x11\x00\x00", text[1]
    swapped[92:96] = (160).to_bytes(4, "big")
    swapped[104:108] = b"CCP4"
    path.write_bytes(bytes(swapped) + b"s" * 160 + np.frombuffer(samples, "<f4").byteswap().tobytes())
    volume = io.open_map(path)
    np.testing.assert_array_equal(volume.density.values, box())
    assert volume.density.values.dtype.isnative


def test_real_headers_of_one_map_give_one_origin(data):
    origins = {}
    for name in ("emd_21457_seg", "emd_21457_seg_nstart", "emd_21457_seg_orig0"):
        volume = io.open_map(data / "maps" / f"{name}.mrc")
        assert volume.density.shape == (47, 40, 48)
        assert float(volume.voxel_size) == 1.05
        origins[name] = [round(float(volume[f"origin_{axis}"]), 3) for axis in "zyx"]
    assert origins["emd_21457_seg"] == origins["emd_21457_seg_nstart"] == [204.75, 231.0, 162.75]
    assert origins["emd_21457_seg_orig0"] == [0.0, 0.0, 0.0]


def test_real_permuted_map_is_refused_for_its_voxels_and_opens_when_told_a_size(data):
    for name in ("EMD-3001.map", "emd_3001.map.gz", "EMD-3001.map.bz2"):
        with pytest.raises(FormatError, match=r"must be cubes; got 0.45875 x 0.3925 x 0.44825 .* 94.326"):
            io.open_map(data / "maps" / name)
    volume = io.open_map(data / "maps" / "EMD-3001.map", voxel_size=0.4)
    assert volume.density.shape == (73, 25, 43)
    with mrcfile.open(data / "maps" / "EMD-3001.map") as stream:
        assert float(volume.density[7, 3, 11]) == stream.data[3, 11, 7]  # stored as y, x, z


def test_real_plain_and_compressed_maps_agree(data):
    plain, packed = (io.open_map(data / "maps" / name) for name in ("EMD-3197.map", "emd_3197.map.gz"))
    assert plain.identical(packed)
    assert float(plain.voxel_size) == 11.4
    assert float(plain.origin_x) == pytest.approx(-22.8)


def test_a_mask_of_another_shape_opens_though_its_space_group_is_zero(data):
    assert io.open_map(data / "maps" / "emd_3488_contour_mask.mrc").density.shape == (100, 91, 91)


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.2), (1.0, 1.1, 1.0)])
def test_voxels_that_are_no_cubes_are_refused(tmp_path, voxel):
    path = write(tmp_path / "a.mrc", box(), voxel)
    with pytest.raises(FormatError, match="must be cubes"):
        io.open_map(path)
    assert float(io.open_map(path, voxel_size=1.1).voxel_size) == 1.1


def test_voxels_that_differ_by_rounding_only_are_cubes(tmp_path):
    volume = io.open_map(write(tmp_path / "a.mrc", box(), (1.0, 1.0002, 1.0)))
    assert 1.0 < float(volume.voxel_size) < 1.0002


def test_unknown_voxel_size_is_refused_until_it_is_given(tmp_path):
    path = write(tmp_path / "a.mrc", box(), 0.0)
    with pytest.raises(FormatError, match=r"above 0 \[angstrom\]; got 0, 0, 0 .* Give voxel_size="):
        io.open_map(path)
    assert float(io.open_map(path, voxel_size=2.0).x[0]) == -4.0
    with pytest.raises(InputError, match="voxel_size must be above 0"):
        io.open_map(path, voxel_size=-1.0)


def test_an_image_stack_in_a_file_called_volume_is_refused(data):
    with pytest.raises(FormatError, match="a map must be one volume; got an image stack: 128 images of 32 x 32"):
        io.open_map(data / "maps" / "50S-vol.mrc")
    assert io.open_particles(data / "maps" / "50S-vol.mrc").sizes["particle"] == 128


def test_stacks_of_images_and_of_volumes_are_no_maps(tmp_path):
    io.write_stack(box((3, 6, 6)), tmp_path / "a.mrcs", pixel_size=1.0)
    with pytest.raises(FormatError, match="a map must be one volume"):
        io.open_map(tmp_path / "a.mrcs")
    with mrcfile.new(tmp_path / "b.mrc") as stream:
        stream.set_data(np.ones((2, 4, 4, 4), np.float32))
        stream.voxel_size = 1.0
    with pytest.raises(FormatError, match="a stack of volumes"):
        io.open_map(tmp_path / "b.mrc")


@pytest.mark.filterwarnings("ignore::RuntimeWarning:mrcfile", "ignore::RuntimeWarning:numpy")
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([np.nan, 1.0], "must hold finite voxels; got 1 voxels that are NaN or infinite"),
        ([np.inf, 1.0], "must hold finite voxels; got 1 voxels"),
        ([0.0, 0.0], "must hold a signal; got zeros only"),
    ],
)
def test_maps_without_usable_numbers_are_refused(tmp_path, values, sentence):
    density = np.full((4, 4, 4), values[1], np.float32)
    density[1, 2, 3] = values[0]
    with pytest.raises(FormatError, match=sentence):
        io.open_map(write(tmp_path / "a.mrc", density))


def test_complex_maps_are_refused(tmp_path):
    path = write(tmp_path / "a.mrc", np.ones((4, 4, 4), np.complex64))
    with pytest.raises(FormatError, match="must hold real numbers; got MRC mode 4"):
        io.open_map(path)


@pytest.mark.parametrize("suffix", [".mrc", ".mrc.gz", ".mrc.bz2"])
def test_truncated_maps_are_refused(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", box((20, 20, 20)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError, match="truncated|refuses"):
        io.open_map(path)


def test_other_files_under_an_mrc_name_are_refused(tmp_path):
    path = tmp_path / "a.mrc"
    path.write_bytes(b"this is a text about maps\n" * 100)
    with pytest.raises(FormatError, match="must be an MRC file; got something else"):
        io.open_map(path)
    path.write_bytes(b"short")
    with pytest.raises(FormatError, match="must be an MRC file"):
        io.open_map(path)
    path.write_bytes(b"\x1f\x8bgzip?")
    with pytest.raises(FormatError, match="must be a whole MRC file; got one that mrcfile refuses"):
        io.open_map(path)


def test_files_without_the_mrc_mark_still_open(data):
    assert io.open_particles(data / "particles" / "relion31.mrcs").sizes == {"particle": 5, "y": 256, "x": 256}


@pytest.mark.parametrize("suffix", [".mrc", ".map", ".mrc.gz", ".mrc.bz2"])
@pytest.mark.parametrize("voxel", [1.05, 2.1, 0.8233])
def test_written_maps_come_back(tmp_path, suffix, voxel):
    values = box((5, 6, 7)) - 30
    path = tmp_path / f"a{suffix}"
    io.write_map(values, path, voxel_size=voxel)
    volume = io.open_map(path)
    np.testing.assert_array_equal(volume.density.values, values)
    assert float(volume.voxel_size) == pytest.approx(voxel, rel=STORED_LENGTH)
    with mrcfile.open(path) as stream:
        assert stream.header.ispg == 1 and stream.header.mz == 5
        assert stream.header.dmin == values.min() and stream.header.dmax == values.max()
        assert stream.header.dmean == pytest.approx(values.mean(), rel=1e-6)
        assert stream.header.rms == pytest.approx(values.std(), rel=1e-6)
    assert mrcfile.validate(path) is True


def test_written_maps_keep_their_origin(tmp_path, data):
    volume = io.open_map(data / "maps" / "emd_21457_seg_nstart.mrc")
    io.write_map(volume, tmp_path / "a.mrc")
    assert io.open_map(tmp_path / "a.mrc").identical(volume)


def test_halves_are_written_one_at_a_time(tmp_path, data):
    halves = io.open_half_maps(*(data / "relion" / f"rec31_half{half}_pad1.mrc" for half in (1, 2)))
    with pytest.raises(InputError, match="must hold density, volume or mask; got half_map"):
        io.write_map(halves, tmp_path / "a.mrc")
    io.write_map(halves.half_map.sel(half="B"), tmp_path / "b.mrc")
    np.testing.assert_array_equal(io.open_map(tmp_path / "b.mrc").density.values, halves.half_map[1].values)


def test_arrays_need_a_voxel_size_and_three_axes(tmp_path):
    with pytest.raises(InputError, match=r"voxel_size must be above 0 \[angstrom\]; got 0. Give voxel_size="):
        io.write_map(box(), tmp_path / "a.mrc")
    with pytest.raises(InputError, match="must have the axes z, y, x"):
        io.write_map(np.ones((3, 3)), tmp_path / "a.mrc", voxel_size=1.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mrc", ".mrc.gz"])
def test_voxels_without_a_value_are_written_as_zero_and_the_header_says_so(tmp_path, suffix):
    values = box((5, 6, 7)) + 3.0
    values[1, 2:4] = np.nan
    io.write_map(values, tmp_path / f"a{suffix}", voxel_size=1.5)
    with mrcfile.open(tmp_path / f"a{suffix}") as stream:
        np.testing.assert_array_equal(stream.data, np.nan_to_num(values, nan=0.0))
        assert "cryonb: 0 = no value, in 14 of 210 voxels" in stream.get_labels()
        assert stream.header.dmin == 0 and np.isfinite(stream.header.rms)
    assert np.isnan(values).sum() == 14
    io.write_map(np.nan_to_num(values, nan=1.0), tmp_path / "b.mrc", voxel_size=1.5)
    with mrcfile.open(tmp_path / "b.mrc") as stream:
        assert not any("no value" in label for label in stream.get_labels())


def test_the_note_of_a_variable_is_a_label_of_the_header(tmp_path):
    noted = xr.DataArray(box((5, 5, 5)), dims=("z", "y", "x"), attrs={"note": "4.20 Å means or finer " + 80 * "."})
    io.write_map(noted, tmp_path / "a.mrc", voxel_size=1.5)
    with mrcfile.open(tmp_path / "a.mrc") as stream:
        assert any(label.startswith("cryonb: 4.20 ? means or finer ...") for label in stream.get_labels())


@pytest.mark.parametrize(
    ("places", "said"), [({0: np.inf}, "no infinite voxel"), ({0: np.nan, 1: 0.0}, "got 1 voxels")]
)
def test_maps_that_a_file_would_misstate_are_refused(tmp_path, places, said):
    values = box((3, 3, 3)) + 3.0
    for place, value in places.items():
        values[0, 0, place] = value
    with pytest.raises(InputError, match=said):
        io.write_map(values, tmp_path / "a.mrc", voxel_size=1.5)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [7, 8])
def test_written_stacks_come_back(tmp_path, size):
    images = np.random.default_rng(1).normal(3.0, 2.0, (600, size, size)).astype(np.float32)
    io.write_stack(images, tmp_path / "a.mrcs", pixel_size=1.35)
    with mrcfile.open(tmp_path / "a.mrcs") as stream:
        assert stream.is_image_stack() and stream.header.ispg == 0 and stream.header.mz == 1
        np.testing.assert_array_equal(stream.data, images)
        assert stream.voxel_size.x == pytest.approx(1.35, rel=STORED_LENGTH)
        assert stream.header.dmean == pytest.approx(images.mean(dtype=float), rel=1e-5)
        assert stream.header.rms == pytest.approx(images.std(dtype=float), rel=1e-5)
    assert mrcfile.validate(tmp_path / "a.mrcs") is True
    particles = io.open_particles(tmp_path / "a.mrcs")
    assert list(particles.data_vars) == ["image"]
    assert float(particles.pixel_size) == 1.35


def test_a_bare_stack_without_pixel_size_needs_one(tmp_path):
    with mrcfile.new(tmp_path / "a.mrcs") as stream:
        stream.set_data(box((3, 6, 6)))
        stream.set_image_stack()
        stream.voxel_size = 0.0
    with pytest.raises(FormatError, match="Give pixel_size="):
        io.open_particles(tmp_path / "a.mrcs")
    assert float(io.open_particles(tmp_path / "a.mrcs", pixel_size=2.0).x[0]) == -6.0


def test_a_map_is_no_particle_stack(data):
    with pytest.raises(FormatError, match="must be an image stack; got a map .* Open it with open_map"):
        io.open_particles(data / "relion" / "ref.mrc")
