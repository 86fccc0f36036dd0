"""RELION tables of every version become the same kind of Dataset, and go out again."""

import shlex
import shutil
import subprocess

import mrcfile
import numpy as np
import pytest
from tolerances import STAR_DECIMALS

from cryonb import io
from cryonb.errors import FormatError, InputError

OPTICS = """data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnAmplitudeContrast #3
_rlnSphericalAberration #4
_rlnVoltage #5
_rlnImagePixelSize #6
_rlnImageSize #7
{extra_labels}
7 first 0.1 2.7 300.0 1.5 8 {first}
3 second 0.07 0.01 200.0 {pixel} 8 {second}
"""
PARTICLES = """
data_particles

loop_
_rlnImageName #1
_rlnAngleRot #2
_rlnAngleTilt #3
_rlnAnglePsi #4
_rlnOriginXAngst #5
_rlnOriginYAngst #6
_rlnDefocusU #7
_rlnDefocusV #8
_rlnDefocusAngle #9
_rlnPhaseShift #10
_rlnOpticsGroup #11
_rlnRandomSubset #12
000003@a.mrcs\t10.0 20.0 30.0 1.0 -2.0 10000.0 9000.0 45.0 90.0 3 1
1@a.mrcs -10.0 120.0 -30.0 3.0 4.0 11000.0 9500.0 -45.0 0.0 7 2  # the last
"""
RELION_30 = """
data_

loop_
_rlnImageName
_rlnMicrographName
_rlnMagnification
_rlnDetectorPixelSize
_rlnVoltage
_rlnSphericalAberration
_rlnAmplitudeContrast
_rlnDefocusU
_rlnDefocusV
_rlnDefocusAngle
_rlnAngleRot
_rlnAngleTilt
_rlnAnglePsi
_rlnOriginX
_rlnOriginY
_rlnRandomSubset
000002@a.mrcs "a micrograph.mrc" 50000 7.5 300 2.7 0.1 10000 9000 45 10 20 30 1.0 -2.0 1
000001@a.mrcs 'another.mrc' 50000 7.5 200 2.7 0.1 10000 9000 45 40 50 60 3.0 4.0 2
"""


@pytest.fixture
def images(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 8, 8)).astype(np.float32)
    io.write_stack(values, tmp_path / "a.mrcs", pixel_size=1.5)
    return values


def table(folder, labels="", first="", second="", pixel="1.5", particles=PARTICLES):
    numbered = "\n".join(f"_{label} #{number}" for number, label in enumerate(labels.split(), 8))
    text = OPTICS.format(extra_labels=numbered, first=first, second=second, pixel=pixel) + particles
    (folder / "a.star").write_text(text)
    return folder / "a.star"


def test_version_31_with_tabs_comments_and_unsorted_optics(tmp_path, images):
    particles = io.open_particles(table(tmp_path))
    assert particles.particle.dtype == np.int64 and particles.particle.values.tolist() == [0, 1]
    np.testing.assert_array_equal(particles.image.values, images[[2, 0]])
    assert particles.rot.values.tolist() == [10.0, -10.0]
    assert particles.shift_x.values.tolist() == [1.0, 3.0]
    assert particles.shift_y.values.tolist() == [-2.0, 4.0]
    assert particles.phase_shift.values.tolist() == [90.0, 0.0]
    assert particles.random_subset.values.tolist() == [1, 2]
    voltage = particles.voltage.sel(optics=particles.optics_group)
    assert voltage.values.tolist() == [200.0, 300.0]
    assert particles.amplitude_contrast.sel(optics=3) == 0.07
    assert float(particles.pixel_size) == 1.5
    assert particles.y.values[4] == 0.0 and particles.y.values[0] == -6.0
    assert "unmodelled" not in particles.attrs
    assert "ctf_scale" not in particles and "ctf_b_factor" not in particles


def test_version_30_counts_shifts_in_pixels_and_pixels_by_magnification(tmp_path, images):
    (tmp_path / "a.star").write_text(RELION_30)
    particles = io.open_particles(tmp_path / "a.star")
    np.testing.assert_array_equal(particles.image.values, images[[1, 0]])
    assert float(particles.pixel_size) == 1.5
    assert particles.shift_x.values.tolist() == [1.5, 4.5]
    assert particles.shift_y.values.tolist() == [-3.0, 6.0]
    assert particles.voltage.sel(optics=particles.optics_group).values.tolist() == [300.0, 200.0]
    assert particles.phase_shift.values.tolist() == [0.0, 0.0]


def test_order_of_blocks_does_not_matter(tmp_path, images, data):
    first = io.open_particles(table(tmp_path))
    swapped = PARTICLES + "\n" + OPTICS.format(extra_labels="", first="", second="", pixel="1.5")
    (tmp_path / "b.star").write_text(swapped)
    assert io.open_particles(tmp_path / "b.star").identical(first)


REAL = [
    ("FinalRefinement-OriginalParticles-PfCRT.star", 5, 1.035, False),
    ("relion31.6opticsgroups.star", 139, 1.25, True),
    ("relion5.star", 17, 0.89, True),
    ("relion31.star", 5, 2.806, True),
    ("relion31.v2.star", 5, 2.806, True),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("name", "count", "pixel_size", "ctf"), REAL, ids=[row[0] for row in REAL])
def test_real_tables(data, name, count, pixel_size, ctf):
    particles = io.open_particles(data / "particles" / name, images=False)
    assert particles.sizes["particle"] == count
    assert float(particles.pixel_size) == pixel_size
    assert ("defocus_u" in particles) is ctf and ("voltage" in particles) is ctf
    assert np.isfinite(particles.rot).all()
    assert set(particles.random_subset.values) == {1, 2}


def test_real_aberrations_are_listed_by_name_and_warned_about(data):
    with pytest.warns(UserWarning, match="effects that are not modelled: beam tilt"):
        particles = io.open_particles(data / "particles" / "relion31.6opticsgroups.star", images=False)
    assert particles.attrs["unmodelled"].split("; ") == [
        "beam tilt (up to 2.44662 mrad)",
        "odd Zernike aberrations (rlnOddZernike)",
        "even Zernike aberrations (rlnEvenZernike)",
        "anisotropic magnification (rlnMagMat)",
        "pixel sizes that differ between optics groups (1.24 to 1.25 angstrom)",
    ]


ABERRATIONS = [
    ("rlnBeamTiltX rlnBeamTiltY", "0 0", "0 0.2", "beam tilt (up to 0.2 mrad)"),
    ("rlnOddZernike", "[0,0,0]", "[0,0.5,0]", "odd Zernike aberrations (rlnOddZernike)"),
    ("rlnEvenZernike", "[0,0,0]", "[1e-3,0,0]", "even Zernike aberrations (rlnEvenZernike)"),
    (
        "rlnMagMat00 rlnMagMat01 rlnMagMat10 rlnMagMat11",
        "1 0 0 1",
        "1.001 0 0 1",
        "anisotropic magnification (rlnMagMat)",
    ),
    ("rlnCtfDataAreCtfPremultiplied", "0", "1", "images premultiplied by their CTF (rlnCtfDataAreCtfPremultiplied)"),
    ("rlnCtfDataArePhaseFlipped", "0", "1", "images with flipped phases (rlnCtfDataArePhaseFlipped)"),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("labels", "zero", "value", "words"), ABERRATIONS, ids=[row[3] for row in ABERRATIONS])
def test_each_effect_is_named_and_its_zero_is_silent(tmp_path, images, labels, zero, value, words):
    assert io.open_particles(table(tmp_path, labels, zero, value)).attrs["unmodelled"] == words
    assert "unmodelled" not in io.open_particles(table(tmp_path, labels, zero, zero)).attrs


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_effects_of_groups_that_no_particle_uses_do_not_count(tmp_path, images):
    only = "\n".join(PARTICLES.splitlines()[:-1]) + "\n"
    path = table(tmp_path, "rlnBeamTiltX", "0.4", "0", particles=only)
    particles = io.open_particles(path)
    assert "unmodelled" not in particles.attrs and particles.optics.values.tolist() == [3]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_ewald_columns_and_differing_pixel_sizes_are_named(tmp_path, images):
    assert "pixel sizes that differ" in io.open_particles(table(tmp_path, pixel="1.6")).attrs["unmodelled"]
    ewald = RELION_30.replace("_rlnRandomSubset", "_rlnRandomSubset\n_rlnEwaldRadius").replace("-2.0 1\n", "-2.0 1 5\n")
    (tmp_path / "a.star").write_text(ewald.replace("4.0 2\n", "4.0 2 0\n"))
    assert "Ewald sphere curvature (rlnEwaldRadius)" in io.open_particles(tmp_path / "a.star").attrs["unmodelled"]


@pytest.mark.parametrize(("scale", "factor"), [("1 0", None), ("0.8 0", "ctf_scale"), ("1 25", "ctf_b_factor")])
def test_b_factor_and_scale_appear_only_where_they_do_something(tmp_path, images, scale, factor):
    text = RELION_30.replace("_rlnRandomSubset", "_rlnRandomSubset\n_rlnCtfScalefactor\n_rlnCtfBfactor")
    text = text.replace("-2.0 1\n", f"-2.0 1 {scale}\n").replace("4.0 2\n", f"4.0 2 {scale}\n")
    (tmp_path / "a.star").write_text(text)
    particles = io.open_particles(tmp_path / "a.star")
    assert [name for name in ("ctf_scale", "ctf_b_factor") if name in particles] == ([factor] if factor else [])


def test_tables_without_ctf_have_no_ctf_variables(tmp_path, images):
    lines = [line for line in RELION_30.splitlines() if "Defocus" not in line and "rlnVoltage" not in line]
    text = (
        "\n".join(lines)
        .replace(" 300 2.7 0.1 10000 9000 45", " 2.7 0.1")
        .replace(" 200 2.7 0.1 10000 9000 45", " 2.7 0.1")
    )
    (tmp_path / "a.star").write_text(text + "\n")
    particles = io.open_particles(tmp_path / "a.star")
    assert {"rot", "shift_x", "optics_group"} < set(particles.data_vars)
    assert not {"defocus_u", "phase_shift", "voltage", "spherical_aberration"} & set(particles.data_vars)


def test_incomplete_ctf_is_left_out_with_a_warning(data):
    with pytest.warns(UserWarning, match="lacks rlnAmplitudeContrast, so its CTF cannot be computed and is left out"):
        io.open_particles(data / "particles" / "FinalRefinement-OriginalParticles-PfCRT.star", images=False)


def test_pixel_sizes_that_disagree_take_the_tables(data, recwarn):
    particles = io.open_particles(data / "particles" / "relion31.star")
    texts = [str(warning.message) for warning in recwarn]
    assert (
        "relion31.star says the pixel size is 2.806 angstrom and relion31.mrcs says 1; using the table's 2.806" in texts
    )
    assert float(particles.pixel_size) == 2.806
    assert float(io.open_particles(data / "particles" / "relion31.star", pixel_size=3.0).pixel_size) == 3.0


def test_a_table_without_pixel_size_takes_the_headers_with_a_warning(tmp_path, images):
    text = RELION_30.replace("_rlnMagnification", "_rlnSomething")
    (tmp_path / "a.star").write_text(text)
    with pytest.warns(UserWarning, match="a.star has no pixel size; using 1.5 angstrom from a.mrcs"):
        assert float(io.open_particles(tmp_path / "a.star").pixel_size) == 1.5
    with pytest.warns(UserWarning, match="using 1.5 angstrom from a.mrcs"):
        assert io.open_particles(tmp_path / "a.star", images=False).sizes["x"] == 8
    (tmp_path / "a.mrcs").unlink()
    with pytest.raises(FormatError, match=r"a pixel size above 0 \[angstrom\] must be known"):
        io.open_particles(tmp_path / "a.star", images=False)


def test_stated_and_real_image_sizes_that_differ_are_warned_about(tmp_path, images):
    path = table(tmp_path)
    path.write_text(path.read_text().replace("1.5 8", "1.5 16"))
    with pytest.warns(UserWarning, match="says its images are 16 pixels wide and the stacks are 8"):
        io.open_particles(path)


@pytest.mark.parametrize("subsets", [None, "1 1", "0 1"])
def test_half_sets_are_split_by_seed_where_the_table_has_none(tmp_path, images, subsets):
    text = RELION_30 * 1
    first, second = (subsets or "1 2").split()
    text = text.replace("-2.0 1\n", f"-2.0 {first}\n").replace("4.0 2\n", f"4.0 {second}\n")
    if subsets is None:
        text = text.replace("_rlnRandomSubset", "_rlnSomething")
    rows = text.splitlines()
    (tmp_path / "a.star").write_text("\n".join(rows[:-2] + rows[-2:] * 50) + "\n")
    with pytest.warns(UserWarning, match="splitting its particles at random with seed 4"):
        halves = io.open_particles(tmp_path / "a.star", seed=4).random_subset.values
    with pytest.warns(UserWarning, match="seed 4"):
        np.testing.assert_array_equal(io.open_particles(tmp_path / "a.star", seed=4).random_subset.values, halves)
    with pytest.warns(UserWarning, match="seed 5"):
        assert np.any(io.open_particles(tmp_path / "a.star", seed=5).random_subset.values != halves)
    assert np.count_nonzero(halves == 1) == np.count_nonzero(halves == 2) == 50


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tables_without_poses_need_a_word(tmp_path, images, data):
    (tmp_path / "a.star").write_text(RELION_30.replace("_rlnAngleTilt", "_rlnSomething"))
    with pytest.raises(FormatError, match="must hold 3D poses; got no rlnAngleTilt. Refine the particles first, in"):
        io.open_particles(tmp_path / "a.star")
    assert "rot" not in io.open_particles(tmp_path / "a.star", require_poses=False)
    flat = data / "particles" / "ap_s_c2d_red.star"
    with pytest.raises(FormatError, match="got 2D poses only: rlnAngleRot and rlnAngleTilt are 0 in every row"):
        io.open_particles(flat)
    assert io.open_particles(flat, require_poses=False, images=False).sizes["particle"] == 9


DAMAGE = [
    ("000003@a.mrcs", "000003@b.mrcs", "got 1 of 2 missing, the first 'b.mrcs'"),
    (
        "000003@a.mrcs",
        "000005@a.mrcs",
        "must hold every image that the table names; got 4 images where image 5 is named",
    ),
    ("000003@a.mrcs", "000000@a.mrcs", "images must be numbered from 1; got 0"),
    ("000003@a.mrcs", "x@a.mrcs", "rlnImageName in .* must read number@file; got 'x@a.mrcs' in row 1"),
    ("3 1\n", "9 1\n", "must describe every optics group that particles use; got no row for \\[9\\]"),
    ("10000.0", "nan", "rlnDefocusU in .* must hold finite numbers; got a missing or infinite value in row 1"),
    ("10000.0", "much", "rlnDefocusU in .* must hold numbers; got text"),
    ("7 2  # the last", "", "must hold finite numbers; got a missing or infinite value in row 2"),
    ("_rlnImageName", "_rlnImage", "must have a particle block with rlnImageName"),
    ("1.5 8", "0.0 8", r"the pixel size in .* must be above 0 \[angstrom\]"),
]


@pytest.mark.parametrize(("old", "new", "sentence"), DAMAGE, ids=[row[2][:40] for row in DAMAGE])
def test_damaged_tables_are_refused(tmp_path, images, old, new, sentence):
    path = table(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(FormatError, match=sentence):
        io.open_particles(path)


@pytest.mark.parametrize(
    "content", [b"hello world\n", b"\x93NUMPY\x00\xff", b"data_particles\n\nloop_\n_rlnImageName #1\n"]
)
def test_files_that_are_no_tables_are_refused(tmp_path, content):
    (tmp_path / "a.star").write_bytes(content)
    with pytest.raises(FormatError, match="must"):
        io.open_particles(tmp_path / "a.star")


def test_a_refused_table_is_read_afresh_when_mended(tmp_path, images):
    (tmp_path / "a.star").write_text("data_particles\n\nloop_\n_rlnImageName #1\nx\na b c d\n")
    with pytest.raises(FormatError, match="must be a STAR file; got one that starfile refuses"):
        io.open_particles(tmp_path / "a.star")
    assert io.open_particles(table(tmp_path)).sizes["particle"] == 2


def test_other_blocks_and_passthrough_files_are_refused(data):
    with pytest.raises(
        FormatError, match="must have a particle block with rlnImageName; got the blocks 'general', 'fsc'"
    ):
        io.open_particles(data / "relion" / "postprocess.star")
    with pytest.raises(InputError, match="passthrough files belong to .cs files"):
        io.open_particles(data / "relion" / "noisy.star", passthrough=["x.cs"])


def assert_same(first, second):
    assert set(first.variables) == set(second.variables)
    for name in first.variables:
        np.testing.assert_allclose(first[name].values, second[name].values, atol=STAR_DECIMALS, err_msg=name)


def test_a_written_table_names_images_where_they_are(tmp_path, data):
    particles = io.open_particles(data / "relion" / "noisy.star").isel(particle=[5, 2, 399])
    io.write_star(particles, tmp_path / "b.star")
    assert [path.name for path in tmp_path.iterdir()] == ["b.star"]
    assert f"000006@{data.resolve() / 'relion' / 'noisy.mrcs'}" in (tmp_path / "b.star").read_text()
    assert_same(io.open_particles(tmp_path / "b.star"), particles.assign_coords(particle=[0, 1, 2]))


def test_images_in_memory_are_written_beside_the_table(tmp_path, data):
    particles = io.open_particles(data / "relion" / "noisy.star").isel(particle=slice(0, 5))
    changed = particles.assign(image=-particles.image)
    changed.image.attrs.update(particles.image.attrs)
    io.write_star(changed, tmp_path / "b.star")
    assert "000001@b.mrcs" in (tmp_path / "b.star").read_text()
    assert_same(io.open_particles(tmp_path / "b.star"), changed)


def test_a_stack_is_written_where_it_is_asked_for(tmp_path, data):
    particles = io.open_particles(data / "relion" / "clean_40.star").isel(particle=slice(0, 5))
    (tmp_path / "sub").mkdir()
    io.write_star(particles, tmp_path / "b.star", stack=tmp_path / "sub" / "c.mrcs")
    assert "000001@sub/c.mrcs" in (tmp_path / "b.star").read_text()
    assert_same(io.open_particles(tmp_path / "b.star"), particles)


def test_writing_needs_images_and_leaves_nothing_on_failure(tmp_path, data, monkeypatch):
    particles = io.open_particles(data / "relion" / "clean_40.star", images=False)
    with pytest.raises(InputError, match="particles to write must have images"):
        io.write_star(particles, tmp_path / "b.star")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cryonb.io.mrc._stream_images", full_disk)
    particles = io.open_particles(data / "relion" / "clean_40.star")
    with pytest.raises(InputError, match="No space left"):
        io.write_star(particles, tmp_path / "b.star", stack=tmp_path / "b.mrcs")
    assert not list(tmp_path.iterdir())


def test_a_path_with_spaces_is_refused(tmp_path, data):
    particles = io.open_particles(data / "relion" / "clean_40.star").isel(particle=slice(0, 2))
    with pytest.raises(InputError, match="a path in a STAR file must have no spaces; got 'two words.mrcs'. Move"):
        io.write_star(particles, tmp_path / "b.star", stack=tmp_path / "two words.mrcs")


@pytest.mark.skipif(shutil.which("relion_reconstruct") is None, reason="RELION is not installed")
def test_relion_reconstructs_from_a_written_table(tmp_path, data):
    """RELION reads poses, shifts, CTF, optics, classes and half sets of a table that names the images it has."""
    particles = io.open_particles(data / "relion" / "noisy.star")
    found = particles.assign(class_number=("particle", 1 + np.arange(400) % 2, {"units": "1"}))
    io.write_star(found, tmp_path / "run.star", stack=tmp_path / "run.mrcs")
    words = shlex.split(
        "relion_reconstruct --i run.star --o half.mrc --ctf --subset 1 --pad 2 --skip_gridding --angpix 2.1"
    )
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    ours, theirs = (mrcfile.read(path) for path in (tmp_path / "half.mrc", data / "relion" / "rec31_half1_pad2.mrc"))
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.9999
