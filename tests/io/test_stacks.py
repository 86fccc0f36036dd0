"""Images stay on disk until they are asked for, and come whole, in order and from any thread."""

import concurrent.futures
import multiprocessing.reduction
import time

import mrcfile
import numpy as np
import psutil
import pytest

from cryonb import io
from cryonb.errors import FormatError
from cryonb.io.headers import read_header
from cryonb.io.stacks import ImageStacks, image_names, lazy


def stack(path, count=9, size=6, dtype=np.float32, seed=0):
    images = np.random.default_rng(seed).integers(1, 100, (count, size, size)).astype(dtype)
    compression = {".gz": "gzip", ".bz2": "bzip2"}.get(path.suffix)
    with mrcfile.new(path, compression=compression) as stream:
        stream.set_data(images)
        stream.set_image_stack()
        stream.voxel_size = 1.5
    return images.astype(np.float32)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float32, np.uint16, np.float16])
@pytest.mark.parametrize("suffix", [".mrcs", ".mrcs.gz", ".mrcs.bz2"])
@pytest.mark.parametrize("size", [5, 6])
def test_every_mode_reads_as_float32(tmp_path, dtype, suffix, size):
    images = stack(tmp_path / f"a{suffix}", size=size, dtype=dtype)
    particles = io.open_particles(tmp_path / f"a{suffix}")
    assert particles.image.dtype == np.float32
    np.testing.assert_array_equal(particles.image.values, images)
    np.testing.assert_array_equal(particles.image[np.array([4, 1, 7])].values, images[[4, 1, 7]])


SELECTIONS = [
    (slice(None),),
    (slice(2, 8, 3),),
    (slice(None, None, -1),),
    (3,),
    (-1,),
    (np.array([8, 0, 3, 4, 5]),),
    (np.array([], dtype=int),),
    (np.array([2, 2]), slice(1, 4), slice(0, 6, 2)),
    (5, 2, 3),
    (slice(None), 1, np.array([0, 4])),
]


@pytest.mark.parametrize("key", SELECTIONS, ids=str)
def test_any_selection_is_what_numpy_gives(tmp_path, key):
    images = stack(tmp_path / "a.mrcs")
    lazily = io.open_particles(tmp_path / "a.mrcs").image
    np.testing.assert_array_equal(lazily[key].values, images[key])


def test_selections_of_selections_stay_lazy(tmp_path):
    images = stack(tmp_path / "a.mrcs")
    part = io.open_particles(tmp_path / "a.mrcs").isel(particle=slice(1, None)).isel(particle=[5, 2])
    assert not part.image._in_memory
    np.testing.assert_array_equal(part.image.values, images[[6, 3]])
    assert image_names(part.image) == [(7, tmp_path / "a.mrcs"), (4, tmp_path / "a.mrcs")]
    assert image_names(part.image[:, :3]) is None
    assert image_names(part.image.load()) is None


def test_images_of_several_stacks_keep_their_order(tmp_path):
    first, second = stack(tmp_path / "a.mrcs", seed=1), stack(tmp_path / "b.mrcs", seed=2)
    headers = [read_header(tmp_path / name) for name in ("a.mrcs", "b.mrcs")]
    images = lazy(ImageStacks(headers, [0, 1, 1, 0, 0], [3, 0, 1, 4, 8]))
    np.testing.assert_array_equal(images.values, [first[3], second[0], second[1], first[4], first[8]])


def test_more_stacks_than_may_be_open_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("cryonb.io.stacks.OPEN_FILES", 2)
    images = [stack(tmp_path / f"{number}.mrcs", count=2, seed=number) for number in range(5)]
    headers = [read_header(tmp_path / f"{number}.mrcs") for number in range(5)]
    order = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
    lazily = lazy(ImageStacks(headers, order, [0] * 5 + [1] * 5))
    np.testing.assert_array_equal(lazily.values, [images[n][k] for n, k in zip(order, [0] * 5 + [1] * 5)])


@pytest.mark.parametrize("suffix", [".mrcs", ".mrcs.gz"])
def test_threads_read_at_once(tmp_path, suffix):
    images = stack(tmp_path / f"a{suffix}", count=64, size=16)
    lazily = io.open_particles(tmp_path / f"a{suffix}").image
    wanted = [np.random.default_rng(n).integers(0, 64, 20) for n in range(40)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for ids, found in zip(wanted, pool.map(lambda ids: lazily[ids].values, wanted)):
            np.testing.assert_array_equal(found, images[ids])


def test_lazy_images_travel_to_other_processes(tmp_path):
    images = stack(tmp_path / "a.mrcs.gz")
    lazily = io.open_particles(tmp_path / "a.mrcs.gz")
    lazily.image[0].load()
    parcel = multiprocessing.reduction.ForkingPickler.dumps(lazily)
    assert len(parcel) < 20_000
    copy = multiprocessing.reduction.ForkingPickler.loads(parcel)
    np.testing.assert_array_equal(copy.image.values, images)


def test_opening_a_gigabyte_costs_milliseconds_and_megabytes(tmp_path):
    stack(tmp_path / "a.mrcs", count=1, size=512)
    with (tmp_path / "a.mrcs").open("r+b") as stream:
        stream.seek(8)
        stream.write((1024).to_bytes(4, "little"))
        stream.truncate(1024 + 1024 * 512 * 512 * 4)
    io.open_particles(tmp_path / "a.mrcs")
    process = psutil.Process()
    memory, start = process.memory_info().rss, time.perf_counter()
    particles = io.open_particles(tmp_path / "a.mrcs")
    assert time.perf_counter() - start < 0.25
    particles.image[0].load()
    assert process.memory_info().rss - memory < 20e6
    assert particles.image.nbytes == 2**30


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (np.nan, "every image must hold finite pixels; got NaN or infinity in image 4 of "),
        (-np.inf, "every image must hold finite pixels; got NaN or infinity in image 4 of "),
        (0.0, "every image must hold a signal; got zeros only in image 4 of "),
    ],
)
def test_images_without_a_signal_are_named_when_read(tmp_path, value, sentence):
    images = np.ones((6, 8, 8), np.float32)
    images[3] = value
    io.write_stack(images, tmp_path / "a.mrcs", pixel_size=1.0)
    particles = io.open_particles(tmp_path / "a.mrcs")
    particles.image[:3].load()
    with pytest.raises(FormatError, match=sentence):
        particles.image.load()


def test_huge_and_tiny_pixels_are_no_errors(tmp_path):
    images = np.stack([np.full((4, 4), 1e30, np.float32), np.full((4, 4), 1e-30, np.float32)])
    io.write_stack(images, tmp_path / "a.mrcs", pixel_size=1.0)
    np.testing.assert_array_equal(io.open_particles(tmp_path / "a.mrcs").image.values, images)


def test_truncated_stacks_are_refused_at_opening_and_at_reading(tmp_path):
    stack(tmp_path / "a.mrcs")
    particles = io.open_particles(tmp_path / "a.mrcs")
    content = (tmp_path / "a.mrcs").read_bytes()
    (tmp_path / "a.mrcs").write_bytes(content[:-100])
    with pytest.raises(FormatError, match="bytes that its header promises; got 2220 bytes, so it is truncated"):
        io.open_particles(tmp_path / "a.mrcs")
    with pytest.raises(FormatError, match="must hold image 9; got the end of the file before it"):
        particles.image.load()
    (tmp_path / "a.mrcs").unlink()
    with pytest.raises(FormatError, match="must stay readable"):
        particles.image.load()


def test_images_of_other_shapes_are_refused(tmp_path):
    stack(tmp_path / "a.mrcs", size=6)
    stack(tmp_path / "b.mrcs", size=7)
    headers = [read_header(tmp_path / name) for name in ("a.mrcs", "b.mrcs")]
    with pytest.raises(FormatError, match="all have the same size"):
        ImageStacks(headers, [0, 1], [0, 0])
    io.write_stack(np.ones((2, 4, 6)), tmp_path / "c.mrcs", pixel_size=1.0)
    with pytest.raises(FormatError, match=r"must be square \[pixel\]; got 4 x 6"):
        io.open_particles(tmp_path / "c.mrcs")
