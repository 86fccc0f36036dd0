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
# # What is your FSC curve made of?
#
# The same 800 particles, reconstructed in three ways, give three FSC curves. The particles were recorded at 1.5 Å a pixel
# and binned by two, so that their rows end at 6 Å. In a box of their own the curve ends there. In a box twice as large it
# runs on, and it depends on two switches of the reconstruction whether what it shows is a flat tail that only looks like
# signal, or a decay that is signal and thins out.
#
# ![Three FSC curves of the same particles, taken apart. Box of 64 voxels: signal up to 6 angstrom. Box of 128 without
# padding: a flat tail past 6 angstrom that the interpolation grid made. Box of 128 with padding and the corners of the
# images: a decay past 6 angstrom that is signal.](figures/demo.png)
#
# Run all cells. The app appears below with these particles in it; after it, the same is done in a few lines of Python.

# %%
import cryonb as cn

BOX = dict(box_size=128, pad_factor=1)  # twice the particles' own box, without padding: what makes the tail
PLAIN = dict(box_size=64)  # the particles' own box, padded twice
DITHERS = 4  # turned grids; more make the intervals narrower
SEED = 0

# %% [markdown]
# ## The app
#
# Set **box size** to 128 and **pad factor** to 1, and press **Run**. The first tab says what the curve is made of. Set the
# pad factor to 2 and the limit to **square**, and run again: both runs are side by side, in every tab. Sections, projections
# and surfaces move together. A setting that cannot work says why; **Cancel** answers within a second.

# %%
app = cn.dashboard("demo")
app

# %% [markdown]
# ## The same in Python
#
# Particles in, half maps out; and the curve of the half maps is taken apart by making them again on turned grids.

# %%
particles = cn.demo_particles(SEED)
particles

# %%
run = cn.reconstruct(particles, box=BOX, compute=dict(seed=SEED))
parts = cn.diagnose(run, "decomposition", particles=particles, dithers=DITHERS, surrogates=0)
parts.attrs["verdict"]

# %%
cn.draw(parts)

# %% [markdown]
# The curve of the same particles in their own box is signal, and ends where their pixels do:

# %%
own = cn.reconstruct(particles, box=PLAIN, compute=dict(seed=SEED))
own_parts = cn.diagnose(own, "decomposition", particles=particles, dithers=DITHERS, surrogates=0)
own_parts.attrs["verdict"]

# %%
cn.side_by_side(cn.compare({"box 128, pad 1": parts, "box 64, pad 2": own_parts}))

# %% [markdown]
# The tail of 0.12 past 6 Å is the mean of the curve where the particles hold nothing. When one of the two half maps is
# made on a turned grid, it is gone: what remains is below 0.02. Nothing of it belongs to the particle.

# %%
past = (parts.frequency > 1 / 5.8) & (parts.frequency <= 1 / 3.0)
tail = float(parts.fsc.sel(component="circle").where(past).mean())
turned = float(abs(parts.fsc.sel(component="dithered_circle").where(past).mean()))

assert particles.sizes["particle"] == 800 and abs(float(particles.pixel_size) - 2 * 1.5) < 1e-6
assert abs(1 / float(parts.particle_nyquist) - 6.0) < 0.01
assert abs(tail - 0.12) < 0.01, tail
assert turned < 0.02, turned
assert "grid-locked interpolation" in parts.attrs["verdict"]
assert "signal to the end" in own_parts.attrs["verdict"]
print(f"The tail is {tail:.2f}, and {turned:.3f} on turned grids.")

# %% [markdown]
# ## Where these numbers come from
#
# Every result carries its settings and its ancestors, down to the seed of the simulation. The record lists what was set
# otherwise than by default, with digests: the same digests on another machine are the same settings and the same numbers.

# %%
cn.record(parts, own_parts)
