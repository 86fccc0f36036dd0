"""Memory of refinements: what the plan says against what a fresh process was seen to take, on three sizes.

Run: python tests/benchmarks/refinement_memory.py
"""

import subprocess
import sys

CASES = (
    (96, 2.0, 1, "homogeneous"),
    (128, 2.0, 2, "class3d"),
    (128, 2.0, 1, "homogeneous"),
    (160, 1.5, 1, "homogeneous"),
)
"""Runs that reach the end of their data, for which the plan is made: pixels, pixel size [angstrom], classes, recipe."""

PARTICLES, ITERATIONS = 200, 3

MEASURE = """
import sys
from cryonb import phantom, simulate
from cryonb.refine.iterate import refine
from cryonb.refine.search_plan import plan_refinement
size, pixel, classes, recipe = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
def settings(shells, length):
    return dict(recipe=recipe, n_iterations={iterations}, n_classes=classes, initial_lowpass=length / shells)
def status(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) / 1024
def particles(count, size, pixel):
    return simulate("helices", n_particles=count, box_size=size, pixel_size=pixel, snr=20.0, seed=1)
small = particles(64, 32, 4.5)
refine(small, phantom("helices", box_size=32, pixel_size=4.5), refine=settings(6, 144.0))
images, start = particles({count}, size, pixel), phantom("helices", box_size=size, pixel_size=pixel)
config = dict(refine=settings(8, size * pixel))
planned = plan_refinement(images, 1, config).memory_bytes / 2**20
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
last = refine(images, start, config)
print(planned, status("VmHWM") - before, float(last["alignment_limit"]) / pixel)
"""


def measured(case: tuple) -> tuple[float, float, float]:
    """Return what the plan says and what was seen [MiB], and the last limit of the alignment [pixel]."""
    code = MEASURE.format(iterations=ITERATIONS, count=PARTICLES)
    command = [sys.executable, "-c", code, *map(str, case)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(map(float, out.split()))


def main() -> None:
    """Print one line a size."""
    print("| box | classes | recipe | last limit [pixel] | planned [MiB] | measured [MiB] | planned / measured |")
    print("|---|---|---|---|---|---|---|")
    for case in CASES:
        planned, seen, reached = measured(case)
        size, _, classes, recipe = case
        print(
            f"| {size} | {classes} | {recipe} | {reached:.1f} | {planned:.0f} | {seen:.0f} | {planned / seen:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
