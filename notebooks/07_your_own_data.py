# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which files of my project do I open, and what do I learn from them?
#
# Five files say nearly everything: the table of the refined particles, both unfiltered half maps, the mask, and the
# file of the Fourier shell correlation (FSC), the curve that your program drew. This page lists them job by job for
# RELION and for cryoSPARC, opens them, and shows what each one answers. It works on two small projects that it makes
# itself, with the folders and file names of real ones. Put your own paths into the first cell, and run it again.
#
# ![Two projects, two answers. Left: the curve of the particles in RELION's run_data.star is signal to its end, at 6
# angstrom, where the pixels of the particles end: it never falls to 0.143. Right: the curve of the particles in the
# table of cryoSPARC's J45 falls through 0.143 before the pixels end, and only noise
# follows.](figures/07_your_own_data.png)

# %%
import os
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import cryonb as cn
from cryonb.errors import CryonbError

FOLDER = tempfile.TemporaryDirectory()
os.chdir(FOLDER.name)  # what is made here is made in a folder that goes away again
pd.set_option("display.max_colwidth", None)

# ---- Your own data: change these lines ------------------------------------------------------------
RELION = Path("relion_project")  # the project folder: the one that holds Extract, Refine3D, ...
RELION_PARTICLES = RELION / "Refine3D/job012/run_data.star"
RELION_HALVES = [RELION / f"Refine3D/job012/run_half{half}_class001_unfil.mrc" for half in (1, 2)]
RELION_MASK = RELION / "MaskCreate/job013/mask.mrc"
RELION_CURVE = RELION / "PostProcess/job014/postprocess.star"
RELION_BOX = dict(pad_factor=2)  # 1 where the job said "Skip padding? Yes"

CRYOSPARC = Path("CS-helices")  # the project folder: the one that holds J1, J2, ...
CRYOSPARC_PARTICLES = CRYOSPARC / "J45/J45_005_particles.cs"
CRYOSPARC_PASSTHROUGH = [CRYOSPARC / "J45/J45_passthrough_particles.cs"]
CRYOSPARC_HALVES = [CRYOSPARC / f"J45/J45_005_volume_map_half_{half}.mrc" for half in "AB"]
CRYOSPARC_MASK = CRYOSPARC / "J45/J45_005_volume_mask_fsc.mrc"
CRYOSPARC_CURVE = CRYOSPARC / "J45_fsc_iteration_005_after_fsc_mask_auto_tightening.txt"  # from the event log
CRYOSPARC_BOX = dict(pad_factor=2)
# --------------------------------------------------------------------------------------------------

N_PARTICLES = 400  # in each of the projects that are made here
BINNING = 2  # recorded at 1.5 angstrom a pixel, binned to 3
RELION_SNR, CRYOSPARC_SNR = 5.0, 0.05  # signal over noise in the images: those of the second project are noisier
DITHERS = 3  # turned grids of a decomposition
SEED = 0

# %% [markdown]
# ## How to read the tables
#
# The second column says what the file is, and with that how it is opened:
#
# | as | how |
# |---|---|
# | particles | `cn.open_particles(file)`; with `passthrough=[...]` for cryoSPARC, `require_poses=False` without poses |
# | half maps | `cn.open_half_maps(first, second)` |
# | map | `cn.open_map(file)` |
# | mask | `mask=file` of any diagnostic |
# | curve | `cn.open_curve(file)` |
#
# Open the files where they are. Both programs name the images in a table by paths that start at the **project
# folder**. cryonb looks for them from the folder of the table upwards, so that a table in its place needs nothing
# more. One that was copied elsewhere needs `root="the project folder"`.
#
# ## RELION
#
# `jobNNN` stands for the number of the job.
#
# | file | as | what you learn |
# |---|---|---|
# | `Extract/jobNNN/particles.star` | particles | pixel size after rescaling, box; no poses yet, so no curve |
# | **`Refine3D/jobNNN/run_data.star`** | particles | poses, shifts, half sets: **the curve taken apart** |
# | `Refine3D/jobNNN/run_half1_class001_unfil.mrc` and `run_half2_...` | half maps | FSC, what was done to them |
# | `Refine3D/jobNNN/run_class001.mrc` | map | something to look at, or to start from: one map has no FSC |
# | `Refine3D/jobNNN/run_model.star` | curve | RELION's curve without a mask, in the box of the run |
# | `Class3D/jobNNN/run_it025_data.star` | particles | poses and classes; no half sets of its own |
# | `MaskCreate/jobNNN/mask.mrc` | mask | what the mask does to the curve |
# | `PostProcess/jobNNN/postprocess.star` | curve | RELION's four curves, and the resolution that it reports |
# | `PostProcess/jobNNN/postprocess_fsc.xml` | curve | the corrected curve alone, as it is deposited |
# | `PostProcess/jobNNN/postprocess.mrc` | map | something to look at: filtered, and sharpened |
#
# `unfil` stands for unfiltered. Take these, not the half maps of one iteration (`run_it012_half1_class001.mrc`),
# which RELION has filtered by its own estimate of the signal.
#
# ## cryoSPARC
#
# `J45` stands for the number of the job and `005` for its last iteration. In older versions the names begin with
# `cryosparc_P3_`, where `P3` is the project.
#
# | file | as | what you learn |
# |---|---|---|
# | **`J45/J45_005_particles.cs`**, `J45/J45_passthrough_particles.cs` | particles | **the curve taken apart** |
# | `J45/J45_005_volume_map_half_A.mrc` and `..._half_B.mrc` | half maps | FSC, what was done to them |
# | `J45/J45_005_volume_mask_fsc.mrc`, or `..._mask_fsc_auto.mrc` | mask | the mask of the curve that you were shown |
# | `J45/J45_005_volume_mask_refine.mrc` | mask | the mask of the alignment: another mask, another curve |
# | `J45/J45_005_volume_map_sharp.mrc` | map | something to look at: filtered, and sharpened |
# | `J45_fsc_iteration_005...xml`: an FSC plot of the event log, as XML | curve | one of cryoSPARC's curves |
# | `J45_fsc_iteration_005...txt`: the same, as text | curve | three of them; see below |
# | a heterogeneous refinement or 3D classification: the tables of one class | particles | the curve of that class |
# | an extraction: its table | particles | pixel size and box; no poses yet, so no curve |
# | `exports/groups/.../..._exported.cs` | particles | the same after *Export*, in one table |
#
# What a cryoSPARC job has computed stands in its own table, and what it only hands on stands in the *passthrough*
# table. cryonb joins the two by `uid`, the number that cryoSPARC gives every particle.
#
# ## Two small projects
#
# The next cell makes them (its code is folded: click the three dots). In both, 400 particles were recorded at 1.5 Å a
# pixel and binned by two. Those of the cryoSPARC project are much noisier. The curves of "the program" are computed
# in plain NumPy, so that cryonb has something to be compared with. What you have replaced by your own paths is not
# made.


# %% jupyter={"source_hidden": true} tags=["hide-input"]
def spectrum_sums(first, second):
    size = len(first)
    axis = np.fft.fftfreq(size, 1 / size)
    shell = np.rint(np.sqrt(sum(grid**2 for grid in np.meshgrid(axis, axis, axis)))).astype(int).ravel()
    return np.bincount(shell, (first * second.conj()).real.ravel())[: size // 2 + 1]


def correlation(first, second):
    power = spectrum_sums(first, first) * spectrum_sums(second, second)
    return spectrum_sums(first, second) / np.sqrt(power)


def program_curves(first, second, mask):
    """Unmasked, masked, phase-randomised and corrected FSC, and from which shell on phases are random."""
    raw = correlation(np.fft.fftn(first), np.fft.fftn(second))
    masked = correlation(np.fft.fftn(first * mask), np.fft.fftn(second * mask))
    start, generator = int(np.argmax(raw < 0.8)), np.random.default_rng(SEED)
    axis = np.fft.fftfreq(len(first), 1 / len(first))
    beyond = np.rint(np.sqrt(sum(grid**2 for grid in np.meshgrid(axis, axis, axis)))) >= start
    scrambled = []
    for volume in (first, second):
        phases = np.exp(1j * np.angle(np.fft.fftn(generator.normal(size=volume.shape))))
        values = np.fft.fftn(volume)
        scrambled.append(np.fft.fftn(np.fft.ifftn(np.where(beyond, abs(values) * phases, values)).real * mask))
    random = correlation(*scrambled)
    corrected = masked.copy()
    past = slice(start + 2, None)
    corrected[past] = (masked[past] - random[past]) / (1 - random[past])
    return dict(raw=raw, masked=masked, random=random, corrected=corrected), start


def write_postprocess(path, curves, start, length):
    """What RELION's PostProcess job leaves: the resolution it reports is its last whole shell above 0.143."""
    below = np.flatnonzero(curves["corrected"] < 0.143)
    last = (below[0] if below.size else curves["corrected"].size) - 1
    names = ["Corrected", "UnmaskedMaps", "MaskedMaps"]
    names = [f"FourierShellCorrelation{name}" for name in names]
    names += ["CorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps"]
    lines = ["data_general", "", f"_rlnFinalResolution {length / last:.6f}", f"_rlnRandomiseFrom {length / start:.6f}"]
    lines += ["", "data_fsc", "", "loop_", "_rlnSpectralIndex", "_rlnResolution", "_rlnAngstromResolution"]
    lines += [f"_rln{name}" for name in names]
    for shell, values in enumerate(zip(*(curves[name] for name in ("corrected", "raw", "masked", "random")))):
        place = (shell / length, length / shell) if shell else (0.001001, 999.0)
        lines.append(" ".join([str(shell), *(f"{value:.6f}" for value in (*place, *values))]))
    path.write_text("\n".join(lines) + "\n")


def write_maps(run, names, mask_name):
    for half, name in zip("AB", names):
        name.parent.mkdir(parents=True, exist_ok=True)
        cn.write_map(run["half_map"].sel(half=half), name, float(run["voxel_size"]))
    mask_name.parent.mkdir(parents=True, exist_ok=True)
    cn.write_map(run["mask"], mask_name, float(run["voxel_size"]))
    first, second = (cn.open_map(name)["density"].values for name in names)
    return program_curves(first, second, run["mask"].values)


def make_relion(particles):
    stack = RELION / "Extract/job007/Micrographs/helices.mrcs"
    stack.parent.mkdir(parents=True)
    poses, halves = ["rot", "tilt", "psi", "shift_x", "shift_y"], ["random_subset"]
    tables = {"Extract/job007/particles.star": poses + halves, "Class3D/job010/run_it025_data.star": halves}
    for name, left_out in {**tables, "Refine3D/job012/run_data.star": []}.items():
        (RELION / name).parent.mkdir(parents=True, exist_ok=True)
        cn.write_star(particles.drop_vars(left_out), RELION / "table.star", stack)  # paths start at the project folder
        shutil.move(RELION / "table.star", RELION / name)
    run = cn.reconstruct(particles, box=RELION_BOX, mask=dict(kind="dynamic", start_resolution=12.0))
    curves, start = write_maps(run, RELION_HALVES, RELION_MASK)
    RELION_CURVE.parent.mkdir(parents=True)
    write_postprocess(RELION_CURVE, curves, start, 64 * 3.0)


def make_cryosparc(particles):
    (CRYOSPARC / "J12/extract").mkdir(parents=True)
    cn.write_cs(particles, CRYOSPARC / "table.cs", CRYOSPARC / "J12/extract/helices_particles.mrcs")
    table = np.load(CRYOSPARC / "table.cs")
    (CRYOSPARC / "table.cs").unlink()
    (CRYOSPARC / "J45").mkdir()
    for path, wanted in ((CRYOSPARC_PARTICLES, ("alignments3D", "ctf")), (CRYOSPARC_PASSTHROUGH[0], ("blob",))):
        fields = [name for name in table.dtype.names if name == "uid" or name.split("/")[0] in wanted]
        kept = np.empty(table.size, [(name, table.dtype[name]) for name in fields])
        for name in fields:
            kept[name] = table[name]
        with path.open("wb") as stream:
            np.save(stream, kept)
    run = cn.reconstruct(particles, box=CRYOSPARC_BOX, mask=dict(kind="dynamic", start_resolution=12.0))
    curves, _ = write_maps(run, CRYOSPARC_HALVES, CRYOSPARC_MASK)
    names = {"fsc_nomask": "raw", "fsc_tightmask": "masked", "fsc_noisesub": "corrected"}
    middle = np.arange(32) + 0.5  # of every shell
    read_off = {name: np.interp(middle, np.arange(33), curves[kind]) for name, kind in names.items()}
    pd.DataFrame({"wave_number": middle, **read_off}).to_csv(CRYOSPARC_CURVE, sep="\t", index=False, float_format="%.6f")


def images(snr):
    return cn.simulate("helices", n_particles=N_PARTICLES, binning=BINNING, snr=snr, seed=SEED)


made_relion, made_cryosparc = str(RELION) == "relion_project", str(CRYOSPARC) == "CS-helices"
if made_relion:
    make_relion(images(RELION_SNR))
if made_cryosparc:
    make_cryosparc(images(CRYOSPARC_SNR))
print("\n".join(sorted(str(path) for path in Path().rglob("*") if path.is_file())))

# %% [markdown]
# ## First a checklist
#
# *Predict*: where must every curve of these particles end? A wave needs two pixels, and no detail finer than that can
# be in a row of an image: that is the **Nyquist frequency** of the particles. Along the diagonals of square images it
# lies further out by the square root of two. The table answers before anything is computed.


# %%
def checklist(path, **how):
    """Open a table of particles and say what it holds; what cryonb warns of stands under `notes`."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        particles = cn.open_particles(path, **how)
    pixel, halves = float(particles["pixel_size"]), particles["random_subset"].values
    found = {
        "particles": f"{particles.sizes['particle']}",
        "box": f"{particles.sizes['x']} pixels of {pixel:g} Å",
        "rows end at": f"{2 * pixel:.2f} Å",
        "diagonals end at": f"{2 * pixel / np.sqrt(2):.2f} Å",
        "poses": "yes" if "rot" in particles else "no",
        "half sets": f"{(halves == 1).sum()} and {(halves == 2).sum()}",
        "contrast transfer": "defocus and microscope" if "voltage" in particles else "not complete",
        "classes": f"{len(np.unique(particles['class_number']))}" if "class_number" in particles else "not told",
        "not modelled": particles.attrs.get("unmodelled", "nothing"),
        "notes": "; ".join(str(note.message) for note in notes) or "none",
    }
    return particles, pd.Series(found, name=Path(path).name)


relion, relion_list = checklist(RELION_PARTICLES, root=RELION)
cryosparc, cryosparc_list = checklist(CRYOSPARC_PARTICLES, root=CRYOSPARC, passthrough=CRYOSPARC_PASSTHROUGH)
pd.concat([relion_list, cryosparc_list], axis=1)

# %% [markdown]
# Read it from the top. *Is the pixel size that of these images*, rather than that of the micrographs? *Are there half
# sets?* A table of Class3D has none of its own: cryonb then splits the particles itself and says so under `notes`,
# and a curve of halves that were aligned to the same map is too good. *Is something not modelled?* Then a
# reconstruction of these particles is refused, rather than made wrong.
#
# In both projects the rows of the images end at 6.00 Å and the diagonals at 4.24 Å, whatever happens later.
#
# ## The particles: what is the curve made of?
#
# *Predict*: one set of images is clean and one is noisy. Which of the two curves falls to 0.143, the usual threshold,
# and what ends the other one? cryonb reconstructs both halves with the poses of the table, in the box and with the
# padding that the program used; then again with one switch changed; and subtracts.

# %% tags=["answer"]
how = dict(dithers=DITHERS, surrogates=0)
relion_parts = cn.diagnose(relion, "decomposition", config=dict(box=RELION_BOX), mask=RELION_MASK, **how)
cryosparc_parts = cn.diagnose(cryosparc, "decomposition", config=dict(box=CRYOSPARC_BOX), mask=CRYOSPARC_MASK, **how)
cn.side_by_side(cn.compare({"RELION: run_data.star": relion_parts, "cryoSPARC: J45": cryosparc_parts}))

# %% [markdown]
# In the RELION project the pixels end the curve: 0.3 of it is left there, and all of it is signal. Finer pixels will
# bring more, so extract the particles again with less binning. In the cryoSPARC project noise ends the curve, at 9.6
# Å, and the pixels end later. Finer pixels would bring nothing; more particles, or better ones, would. What is taken
# apart is the unmasked curve: a mask takes noise away and moves its end to finer detail, as the next steps show.
#
# ## The half maps: what was done to them?
#
# Half maps cannot be taken apart, but they need no particles, and they carry traces of whatever was done to them.

# %%
relion_halves, cryosparc_halves = cn.open_half_maps(*RELION_HALVES), cn.open_half_maps(*CRYOSPARC_HALVES)
relion_fsc = cn.diagnose(relion_halves, "fsc", mask=RELION_MASK)
cryosparc_fsc = cn.diagnose(cryosparc_halves, "fsc", mask=CRYOSPARC_MASK)
forensics = cn.diagnose(cryosparc_halves, "map_forensics")
print("RELION:", relion_fsc.attrs["verdict"])
print("cryoSPARC:", cryosparc_fsc.attrs["verdict"])
cn.draw(forensics)

# %% [markdown]
# "No trace" is what you want to read here. A filter, a mask that was multiplied in, an upsampled box or sharpening
# would be named in the headline, and then the FSC of these files is not the FSC of your data.
#
# ## My program's curve beside cryonb's
#
# *Predict*: do they agree? RELION's file is read as it is, and so is the XML of cryoSPARC. Its text counts shells
# (`wave_number`); to be frequencies, they need the length of the box.

# %%
length = cryosparc_halves.sizes["x"] * float(cryosparc_halves["voxel_size"])
relion_curve, cryosparc_curve = cn.open_curve(RELION_CURVE), cn.open_curve(CRYOSPARC_CURVE, length=length)

curves = {"RELION": relion_curve, "RELION, by cryonb": relion_fsc}
curves |= {"cryoSPARC": cryosparc_curve, "cryoSPARC, by cryonb": cryosparc_fsc}
cn.overlay(cn.compare({label: curve.sel(fsc_kind=["corrected"]) for label, curve in curves.items()}))

# %% [markdown]
# They lie on each other, but for the random phases that are drawn for the correction. Where curves of yours do not,
# look at the mask first: is it the one that the program used? And compare what is stated. RELION's file reports its
# last whole shell above 0.143, here the last one that there is: 6.00 Å. cryonb states no resolution where a curve
# does not fall to its threshold: the data end there, not the resolution. In the cryoSPARC project both curves fall to
# 0.143, near 7.7 Å.
#
# ## When something is not as it should be
#
# Everybody makes these mistakes once. cryonb answers in one sentence: what is needed, what it got, what to do. (`...`
# stands for the folder.)


# %%
def answer(what, attempt):
    try:
        attempt()
    except CryonbError as problem:
        return f"{what}\n    {str(problem).replace(str(Path.cwd()), '...')}\n"


if made_relion and made_cryosparc:
    Path("copied").mkdir()
    shutil.copy(RELION_PARTICLES, "copied/run_data.star")
    small = cn.reconstruct(relion, box=dict(binning=2))
    cn.write_map(small["half_map"].sel(half="B"), "other_half2.mrc", float(small["voxel_size"]))
    extracted, wrong = RELION / "Extract/job007/particles.star", RELION / "Refine3D/run_half1_class001_unfil.mrc"
    mended = cn.open_particles("copied/run_data.star", root=RELION)
    _, classes = checklist(RELION / "Class3D/job010/run_it025_data.star")
    answers = [
        answer("The table of Extract, which has no poses:", lambda: cn.open_particles(extracted)),
        answer("A table that was copied out of its project:", lambda: cn.open_particles("copied/run_data.star")),
        f"The same with root= the project folder:\n    {mended.sizes['particle']} particles\n",
        answer("A cryoSPARC table without its passthrough table:", lambda: cn.open_particles(CRYOSPARC_PARTICLES)),
        answer("Half maps of two jobs:", lambda: cn.open_half_maps(RELION_HALVES[0], "other_half2.mrc")),
        answer("One map only:", lambda: cn.diagnose(cn.open_map(RELION_HALVES[0]), "fsc")),
        answer("cryoSPARC's text without the length of its box:", lambda: cn.open_curve(CRYOSPARC_CURVE)),
        answer("A slip in a name:", lambda: cn.open_half_maps(wrong, RELION_HALVES[1])),
        f"The table of Class3D opens, with a note:\n    {classes['notes']}",
    ]
    print("\n".join(answers))

# %% [markdown]
# ## Your turn
#
# Put the paths of one refinement of yours into the first cell, and set the padding that the job used. Then run all
# cells again. What you leave as it is goes on being made. Three questions to take along: what ends your curve, its
# pixels or its noise? Is part of it made by the grid? Do the half maps carry a trace that you did not expect?
#
# The numbers that are quoted above hold for the projects that are made here:

# %%
if made_relion:
    last = float(relion_parts.fsc.sel(component="circle").values[-1])
    assert abs(last - 0.3) < 0.05, last
    assert "signal to the end" in relion_parts.attrs["verdict"]
    assert abs(float(relion_curve.resolution) - 6.00) < 0.01
    assert np.isnan(relion_fsc.fsc_resolution.sel(fsc_kind="corrected", threshold="0.143"))
    assert abs(float(relion.pixel_size) / BINNING - 1.5) < 0.01
    assert abs(2 * float(relion.pixel_size) / np.sqrt(2) - 4.24) < 0.01
    for kind in ("raw", "masked"):
        assert np.allclose(relion_curve.fsc.sel(fsc_kind=kind), relion_fsc.fsc.sel(fsc_kind=kind), atol=0.001)
if made_cryosparc:
    assert "noise beyond" in cryosparc_parts.attrs["verdict"]
    assert abs(float(cryosparc_parts.signal_end) - 9.6) < 0.3
    for curve in (cryosparc_curve, cryosparc_fsc):
        assert abs(float(curve.fsc_resolution.sel(fsc_kind="corrected", threshold="0.143")) - 7.7) < 0.15
    assert "no trace" in forensics.attrs["verdict"]

# %% [markdown]
# ## Where these numbers come from
#
# Every result carries the settings that made it, with the versions of the packages. A digest is a short number that
# tells whether two results are the same: write it into your notes.

# %%
cn.record(relion_parts)
