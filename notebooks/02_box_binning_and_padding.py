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
# # What do box size, binning and pad factor do to the curve?
#
# Every reconstruction has a handful of knobs that have nothing to do with the molecule. Here they are turned one by
# one, on particles of which everything is known. Each time you first say what the curve of the Fourier shell
# correlation (FSC) will do, with a number, and then measure it. You leave knowing which knobs can make a curve longer
# without any new information.
#
# ![Four panels of FSC curves of the same particles, each with the Nyquist frequency of the particles and that of the
# grid. Binning by two more moves the end of the data from 6 to 12 angstrom. A box twice as large leaves the data where
# they are and moves only the end of the grid, to 3 angstrom. In that box, without padding, the curve runs on past 6
# angstrom as a flat tail of 0.12; padded by two or three it does not. With the corners of the images the curve decays
# past 6 angstrom and is nothing past 4.24 angstrom, whether the images were resampled in Fourier space or
# linearly.](figures/02_box_binning_and_padding.png)

# %%
from functools import cache

import numpy as np
import pandas as pd

import cryonb as cn
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.resample import interpolate_images
from cryonb.imaging.shells import fourier_shell_correlation
from cryonb.plots import render
from cryonb.plots.marks import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, SKY, VERMILLION
from cryonb.plots.marks import Band, Curve, Line, Panel, Row, Sheet

PIXEL = 3.0  # of the particle images, as read [angstrom]
SMALL, LARGE = 64, 128  # voxels along an edge: the particles' own box, and one twice as large
LENGTH = SMALL * PIXEL  # edge of the field of view [angstrom]
PADS = (1, 2, 3)
THRESHOLD = 0.143
SEED = 0
LOOKS = {  # of the curves in the answer picture
    "own box": ("own box: 64, pad 2", BLUE, "-"),
    "binned by 2 more": ("binned by 2 more", ORANGE, "--"),
    "box 128": ("box 128, pad 2, circle", GREEN, "--"),
    "pad 1": ("pad 1", BLUE, "-"),
    "pad 3": ("pad 3", PURPLE, "-."),
    "square, Fourier": ("square", BLACK, "-"),
    "square, linear": ("square, resampled linearly", SKY, (0, (1, 1.2))),
}


# %% [markdown]
# ## The particles, and two Nyquist frequencies
#
# 800 images of 64 x 64 pixels. They were recorded at half that pixel size, and binned by two. Along its rows an image
# holds no wave shorter than two of its pixels. This is the **particles' Nyquist frequency**; as a resolution it is
#
# 2 x pixel size x binning.
#
# A map has a pixel size of its own, the voxel size, which is the length of the box over `box_size`. The **grid's Nyquist
# frequency** is that of two voxels. A curve can be drawn up to the grid's; the data end at the particles'. cryonb draws
# both.
#
# The map's corners, outside the largest sphere that fits into the box, are kept as they are in all runs (`corners`), so
# that the runs differ by one knob at a time.
#
# **Predict:** in their own box and with the usual pad factor of two, where do the data end? The images are good. Will
# the curve fall to 0.143 before?

# %%
particles = cn.demo_particles(SEED)
truth = half_transform(cn.phantom("helices")["density"].values)
runs = {}


def reconstruct(name, **box):
    """Both half maps of the particles, and what cryonb says of them."""
    runs[name] = cn.reconstruct(particles, box=dict(corners="keep", **box), compute=dict(seed=SEED))
    return cn.diagnose(runs[name], "fsc")


@cache
def as_printed(name):
    """The FSC of all shells as notebook 01 computes it by hand, whether a shell holds data or not."""
    return fourier_shell_correlation(*(half_transform(half) for half in runs[name]["half_map"].values))


@cache
def with_truth(name):
    """The FSC of half map A with the truth, which has as many voxels as the large box."""
    return fourier_shell_correlation(half_transform(runs[name]["half_map"].values[0]), truth)


own = reconstruct("own box", box_size=SMALL)
end = 2 * PIXEL
assert float(own["data_end"]) == end == 6.0
assert np.isnan(float(own["resolution"])) and own["fsc"].values[0, 1:].min() > THRESHOLD == 0.143
cn.draw(own)

# %% [markdown]
# The data end at 6 Å, above 0.143: no resolution to state. This is the situation in which people start to turn knobs.
#
# ## Knob 1: binning
#
# **Predict:** the images are binned by two once more. Where will the curve end? And what becomes of it before that
# point: will it be better, since binning averages noise away?

# %%
coarse = reconstruct("binned by 2 more", binning=2)
coarse_end = 2 * PIXEL * 2
assert abs(float(coarse["data_end"]) - coarse_end) < 1e-6
shared = slice(1, SMALL // 4)  # shells that both have, without the last
change_by_binning = np.abs(as_printed("binned by 2 more")[shared] - as_printed("own box")[shared]).max()
assert change_by_binning < 0.02, change_by_binning
cn.overlay(cn.compare({"as read": own, "binned by 2 more": coarse}))

# %% [markdown]
# It ends at 2 x 3 x 2 = 12 Å, and before that it is the same, within 0.02. Binning cuts the fine shells off and does
# nothing to the others: the noise that it "averages away" is the noise of the shells that are gone, and their signal
# goes with them. What was binned away does not come back.
#
# ## Knob 2: box size
#
# Here `box_size` means voxels over the *same field of view*: this is what a program does when it puts your particles
# into its own fixed box. (Extracting more of the micrograph around each particle is another thing. That adds real
# pixels, though mostly of solvent.)
#
# **Predict:** with 128 voxels in place of 64, the voxel size is halved. Where does the grid end now, and where do the
# data?

# %%
large = reconstruct("box 128", box_size=LARGE)
voxel = LENGTH / LARGE
assert voxel == 1.5 and abs(1 / float(large["grid_nyquist"]) - 2 * voxel) < 1e-9
assert float(large["data_end"]) == end
in_band = slice(1, SMALL // 2 - 1)  # up to the particles' Nyquist frequency, without the last two shells
change_by_box = np.abs(as_printed("box 128")[in_band] - as_printed("own box")[in_band]).max()
assert change_by_box < 0.03, change_by_box
cn.overlay(cn.compare({"box 64": own, "box 128": large}))

# %% [markdown]
# The grid runs on to 3 Å; the data end at 6 Å as before, and the curve up to there is the same within 0.03 (but for its
# last two shells, which the edge of the data cuts in the one box and the edge of the grid in the other). There is room
# for a longer curve now, and nothing to fill it with. cryonb draws no number where no image reaches. A program that
# does not keep track of where its images end prints one all the same. So the next steps look at what would be
# **printed** on every shell, by the formula of notebook 01.
#
# ## Knob 3: pad factor
#
# Slices of the images fall between the points of the map's Fourier grid, and are spread over their neighbours: linear
# interpolation. Padding (zeros around the map in real space) makes that grid finer. It adds no data; it lowers the
# error of interpolation, which goes with the square of the spacing: a quarter at pad 2, a ninth at pad 3. Both half
# maps use the same grid, and where an error depends on the grid alone, both make the same.
#
# **Predict:** 1) what will be printed past 6 Å, where no image reaches, at pad 1, 2 and 3? 2) How much more memory does
# pad 3 take than pad 1? 3) Is more padding always better up to 6 Å?

# %%
past = slice(round(LENGTH / 5.6), None)  # shells that no image reaches, clear of the edge
near = round(LENGTH / 6.4)  # a shell shortly before the end of the data
padded = {}
for pad in PADS:
    if pad == 2:
        runs["pad 2"] = runs["box 128"]  # 2 is the default
    else:
        reconstruct(f"pad {pad}", box_size=LARGE, pad_factor=pad)
    padded[f"pad {pad}"] = {
        "grid points along an edge": LARGE * pad,
        "memory, relative": pad**3,
        "images a grid point": particles.sizes["particle"] / 2 / (SMALL * pad),
        "FSC at 6.4 Å": as_printed(f"pad {pad}")[near],
        "printed past 5.6 Å": as_printed(f"pad {pad}")[past].mean(),
        "half A with the truth past 5.6 Å": with_truth(f"pad {pad}")[past].mean(),
    }
padding = pd.DataFrame(padded).T
tail = padding["printed past 5.6 Å"]
assert abs(tail["pad 1"] - 0.12) < 0.01 and tail[["pad 2", "pad 3"]].abs().max() < 0.02
assert padding["half A with the truth past 5.6 Å"].abs().max() < 0.02 and abs(LENGTH / near - 6.4) < 0.01
assert padding.loc["pad 3", "FSC at 6.4 Å"] < padding.loc["pad 2", "FSC at 6.4 Å"] - 0.2
memory = [cn.plan(particles, box=dict(box_size=LARGE, pad_factor=pad)).memory_bytes for pad in PADS]
assert memory[2] > 2 * memory[0]
padding.round(2) + 0.0  # no minus before a zero

# %% [markdown]
# 1. At pad 1 a flat tail of 0.12 runs on to the end of the grid. At pad 2 and 3 it is gone (below 0.02). In notebook 01
#    the FSC was the square of a half map's correlation with the truth: were the tail signal, half map A would correlate
#    with the truth by the square root of 0.12. It does not at all. Both halves share an error of the same grid.
# 2. The padded grid has 27 times as many points. What a whole refinement holds more than doubles (`cn.plan` says it
#    beforehand).
# 3. No. At pad 3 the curve *falls* by more than 0.2 before it ends. 800 particles give only two images a point of so
#    fine a grid; where they are few, noise is divided by small weights. With many more particles this loss goes away.
#    So pad 2 is a good rule, and pad 1 and pad 3 both need a reason.
#
# ## Knob 4: the limit in the image plane, and how images are resampled
#
# A square image holds more than a circle: along its diagonals its transform reaches further, by the square root of two.
# `limit="circle"` leaves these corners out, `limit="square"` takes them in.
#
# To reach the finer grid, images can be resampled in two ways. In Fourier space nothing is made up: there is nothing
# past the last coefficient. Linear interpolation between pixels is another matter. It leaves weak *copies* of the
# spectrum past the old Nyquist frequency, so that images then seem to hold something up to the end of the grid.
#
# **Predict:** 1) where does the curve end with the square? 2) Is what it shows past 6 Å signal? 3) With linear
# resampling, do the copies make a longer curve?

# %%
square = reconstruct("square, Fourier", box_size=LARGE, limit="square")
linear = reconstruct("square, linear", box_size=LARGE, limit="square", resample="linear")
corner_end = end / np.sqrt(2)
assert abs(corner_end - 4.24) < 0.01 and corner_end <= float(square["data_end"]) < 4.5
corner, beyond = slice(33, 38), slice(int(LENGTH / corner_end) + 2, None)

images = particles["image"].values[:64]
power = np.abs(half_transform(interpolate_images(images, LARGE, "linear"), 2)) ** 2
column, row = np.arange(LARGE // 2 + 1), np.abs(np.fft.fftfreq(LARGE, 1 / LARGE))
copies = power[:, (row[:, None] > SMALL // 2) | (column > SMALL // 2)].sum() / power.sum()
told = {
    name: {
        "printed, 5.8 to 5.2 Å": as_printed(name)[corner].mean(),
        "its square root": np.sqrt(as_printed(name)[corner]).mean(),
        "half A with the truth": with_truth(name)[corner].mean(),
        "printed past 4.24 Å": as_printed(name)[beyond].mean(),
    }
    for name in ("square, Fourier", "square, linear")
}
corners = pd.DataFrame(told).T
assert (corners["its square root"] - corners["half A with the truth"]).abs().max() < 0.05
assert corners["printed past 4.24 Å"].abs().max() < 0.02 and 0.02 < copies < 0.2
assert corners["printed, 5.8 to 5.2 Å"].min() > 0.15
print(f"Of the power of linearly resampled images {100 * copies:.0f} % lies past their old Nyquist frequency.")
corners.round(2) + 0.0

# %% [markdown]
# 1. At 6 Å over the square root of two, 4.24 Å. Past it nothing is left (below 0.02). The last shell that counts as
#    data lies a little before: so few images reach the very corner that shells there have gaps.
# 2. Yes: half map A correlates with the truth by the square root of the FSC, as signal must. This part of the curve is
#    real, though it thins out, because fewer and fewer images reach it.
# 3. No. The copies are tied to the pixels of each image, and the images lie at different angles: they do not agree
#    between the halves. They are noise more than signal.
#
# ## All knobs in one picture

# %% tags=["answer"]
def nyquist(at, words, colour=VERMILLION, style="-"):
    return Line(1 / at, words, f"{words} {at:g} Å", "x", colour, style)


def panel(title, names, ends, data_end, stop=0.34):
    empty = Band(1 / data_end, stop, "no data", "no image reaches", PALE, "////")
    marks = [empty] if stop > 1 / data_end + 0.01 else []
    marks += [Line(THRESHOLD, "0.143", "0.143", "y", GREY, (0, (4, 2.5))), *ends]
    for name in names:
        values = as_printed(name)
        marks.append(Curve(np.arange(values.size) / LENGTH, values, name, *LOOKS[name]))
    return Panel(tuple(marks), title, "", "spatial frequency [1/Å]", "FSC", (0.0, stop), (-0.1, 1.05), "frequency")


both, split = "particles = grid", (nyquist(6, "particles"), nyquist(3, "grid", GREY, "--"))
corners_end = Line(1 / corner_end, "corners", "", "x", VERMILLION, (0, (1, 2)), f"corners end: {corner_end:.3g} Å")
binning = panel("1. binning", ("own box", "binned by 2 more"), (nyquist(12, both), nyquist(6, both)), end, 0.172)
sizes = panel("2. box size", ("own box", "box 128"), split, end)
pads = panel("3. pad factor, in box 128", ("pad 1", "box 128", "pad 3"), split, end)
ways = ("box 128", "square, Fourier", "square, linear")
taken = panel("4. limit and resampling, in box 128", ways, (*split, corners_end), corner_end)
words = "Only pad 1 prints a tail where no image reaches; the corners are signal and end at 4.24 Å."
rows = tuple(Row(pair, 2.4, "below") for pair in ((binning, sizes), (pads, taken)))
render(Sheet(rows, "The same particles, one knob at a time", words, description=words, aligned=True))

# %% [markdown]
# ## Predicted and measured

# %%
near_pads = padding["FSC at 6.4 Å"]
fall = f"{tail['pad 1']:.2f} to {abs(tail['pad 2']):.2f}"
worse = f"{near_pads['pad 2']:.2f} to {near_pads['pad 3']:.2f}: wrong"
lines = [
    ("binning by 2 more", "ends at 12 Å", f"{float(coarse['data_end']):.3g} Å", "shorter"),
    ("", "same before", f"within {change_by_binning:.3f}", ""),
    ("box 64 to 128", "grid ends at 3 Å", f"{1 / float(large['grid_nyquist']):.3g} Å", "room, no data"),
    ("", "data end at 6 Å", f"{float(large['data_end']):.3g} Å", ""),
    ("pad 1 to 2", "tail falls to a quarter or less", fall, "pad 1: longer, made up"),
    ("pad 2 to 3", "no worse up to 6 Å", worse, "lower: too few images"),
    ("circle to square", "ends at 4.24 Å", f"last shell {float(square['data_end']):.3g} Å", "longer, real"),
    ("Fourier to linear", "no gain past 4.24 Å", f"{corners['printed past 4.24 Å'].abs().max():.2f}", "none"),
]
assert abs(tail["pad 2"]) <= tail["pad 1"] / 4
pd.DataFrame(lines, columns=["knob", "predicted", "measured", "what it does to the curve"]).set_index("knob")

# %% [markdown]
# **The answer.** One pair of knobs makes a curve longer without any new information: a *large box* makes the room, and
# *too little padding* fills it with an error that both halves share. The corners make it longer too, but with signal
# that the images hold. Of these knobs only *less binning*, when the particles are extracted, brings new information.
#
# A curve that runs on flat, far past 2 x pixel size x binning, should therefore make you look at box size and padding
# first. How to tell the tail from signal *without* knowing the truth is the subject of the next notebook.
#
# ## Exercises
#
# Predict first, in writing. Then open the solution: click the three dots below the question (on a page of the
# documentation, its arrow).
#
# ### Exercise 1
#
# A program uses a fixed box of 96 voxels for these particles, at pad 1. Where does its curve end, and how high is the
# tail?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
# Voxels of 192 / 96 = 2 angstrom: the grid ends at 4 angstrom. The spacing of the Fourier grid is one over the length
# of the padded box, and that is the same as with 128 voxels: so is the tail.
middle = reconstruct("box 96", box_size=96, pad_factor=1)
height = as_printed("box 96")[past].mean()
assert abs(1 / float(middle["grid_nyquist"]) - 4) < 1e-9 and abs(height - tail["pad 1"]) < 0.02
grid_end = 1 / float(middle["grid_nyquist"])
with cn.folded():
    print(f"The grid ends at {grid_end:.3g} Å; the tail is {height:.2f} high, as in the box of 128.")

# %% [markdown]
# ### Exercise 2
#
# Half of the particles are thrown away. In their own box, would you still pad by 2? Look at the number of images a grid
# point in the table of knob 3, and say what happens to the curve at 6.4 Å with pad 1 and with pad 2.

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
# 400 particles at pad 2 give 1.6 images a point, still fewer than 800 at pad 3: the finer grid loses, pad 1 is better.
few = particles.isel(particle=slice(0, 400))
for pad in (1, 2):
    runs[f"400, pad {pad}"] = cn.reconstruct(few, box=dict(corners="keep", pad_factor=pad))
one, two = (as_printed(f"400, pad {pad}")[near] for pad in (1, 2))
assert two < one - 0.05
with cn.folded():
    print(f"400 particles, FSC at 6.4 Å: {one:.2f} with pad 1, {two:.2f} with pad 2.")

# %% [markdown]
# ### Exercise 3
#
# The particles are binned by two more and put into the box of 128 voxels with the square limit. Where is the last shell
# that holds data?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
# Binning decides, not the box: 12 angstrom, and with the corners 12 / 1.414 = 8.5; the grid runs on to 3 angstrom.
last = reconstruct("binned, square", box_size=LARGE, binning=2, limit="square")
farthest = 12 / np.sqrt(2)
assert farthest <= float(last["data_end"]) < 9.2
with cn.folded():
    print(f"The last shell with data is at {float(last['data_end']):.1f} Å, and none can hold any past {farthest:.1f} Å.")

# %% [markdown]
# ## Where these numbers come from

# %%
cn.record(own, coarse, large, square, linear)
