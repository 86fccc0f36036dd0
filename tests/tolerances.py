"""Every tolerance of the tests, with its reason.

A tolerance that is not here is exact equality.
"""

# -- files
STORED_LENGTH = 2e-7  # relative: MRC headers hold cell lengths as float32
STAR_DECIMALS = 1e-6  # absolute: STAR files are written with six decimals
CS_ANGLE = 2e-3  # degree: rotation vectors are float32, and rot and psi grow uncertain near tilt 0
CS_LENGTH = 2e-3  # angstrom: shifts and defocus are float32 (a defocus of 2e4 has steps of 2e-3)
CURVE_DECIMALS = 1e-6  # absolute: FSC values are printed with six decimals

# -- shells, masks and their correlation
FLOAT32_SUM = 1e-12  # relative: sums are in float64 whatever the order of the slabs
FLOAT32_FFT = 1e-5  # relative to the largest value: float32 transforms of up to 32^3 and back
NOISE_SIGMAS = 4.0  # deviations: 3 would fail by chance on one shell in 370
HALF_SPHERE = 0.01  # absolute: RELION sums FSC over the stored half transform with weight one
RELION_MASKED = 0.02  # absolute: the same under a mask (0.003 measured)
RANDOM_PHASES = 0.05  # absolute: RELION drew other random phases, once
COUNTING_ERROR = 0.35  # relative: the formula leaves out that power and correlation scatter together
GUINIER_SLOPE = 0.1  # relative: our weights are not RELION's, and the range is short and noisy
STAR_PRINTED = 0.04  # absolute: ln of the amplitude over the full sphere against RELION's half transform

# -- exact slices, noise and simulation
NUFFT_DOUBLE = 1e-6  # relative to the largest value: the accuracy that the transform is asked for
NUFFT_SINGLE = 2e-5  # relative to the largest value: float32 sums of a transform asked for 1e-5
LEAST_SQUARES = 1e-5  # relative: the volume is returned as float32
ATOMS = 3e-6  # relative to the largest value: transform and expansion to 1e-6 each, and float32 density
RELION_IMAGE = 0.999  # correlation: RELION interpolates in a transform padded twice
RELION_SCALE = 0.01  # relative: the same
MAP_MODEL = 0.05  # absolute: form factors and frequencies of another program, shells against exact resolutions
NOISE_POWER = 0.1  # absolute: 200 images, shells of 20 coefficients and more, 4 deviations

# -- slices and reconstruction
TRILINEAR_SLICE = 0.035  # relative: on grid points the corrected map is read without the kernel that it corrects for
KAISER_BESSEL_SLICE = 0.004  # relative: at pad 2; 0.0022 measured
PHASE = 1e-7  # absolute: polynomials in float32, two units in the last place below one (0.92e-7 measured)
SIMULATED = 5e-6  # relative to the largest value: float32 with and without fused products (8e-7 measured)
LOOP_SUM = 2e-5  # absolute: float32 sums of some hundred terms of order one
GREY_SCALE = {1.0: 0.06, 1.5: 0.04, 2.0: 0.025, 3.0: 0.02}  # relative, by pad factor: what trilinear spreading leaves
RELION_MAP = 0.999  # correlation with RELION's map inside a sphere
RELION_SHELL = 0.99  # FSC with RELION's map
RELION_RAW_FSC = 0.01  # absolute: RELION sums over the half transform with weight one

# -- corner signal
FLOAT32_WEIGHTS = 1e-5  # relative: weights and gains are float32
GAIN_READ_BACK = 1e-3  # relative: the gain through a float32 transform and back, where the sphere cuts the last shell
CORNER_SHARE = 0.85  # of shells in their 95 % interval: the spectrum past Nyquist is a guess from that before it
CORNER_MEAN = 0.1  # absolute: root mean square of predicted minus measured
CORNER_MOST = 0.35  # absolute: the largest, where a spectrum bends just past Nyquist

# -- cones
CONE_SUM = 1e-5  # relative: products are float32, sums float64
CONE_INTERPOLATION = 0.05  # absolute: cos^2 between directions 6.5 degrees apart
SURFACE = 0.007  # relative: what a blur of one voxel leaves of the surface of a ball of ten voxels
CONE_NOISE = 4.5  # deviations: some thousand cells are looked at
GAP_CENTRE = 3.0  # degree: half the distance between directions

# -- filtered maps and local resolution
PLATEAU = 0.9  # correlation: what a mask after a filter leaves past it at least (0.99 measured)
NO_PLATEAU = 0.075  # absolute: noise alone on shells of 3000 independent coefficients, four deviations
ORDER_OF_FILTER_AND_MASK = 0.03  # absolute: 0.02 measured, on the shell where the filter ends

# -- forensics of half maps
CLIFF_SHELL = 2.0  # shells: kernels spread the edge of the data by one or two
LIKELY_NYQUIST = 0.1  # relative: the same, of a Nyquist frequency at shell 16
PLANTED_B_FACTOR = 0.35  # relative: the slope that RELION's noise has on its own (about -70 A^2) is in it
LEAK_DECADES = 0.6  # decades: one draw of noise, and the edge read from another
MASK_PROFILE = 0.05  # absolute: the edge is read by whole voxels of depth
FILTER_CUTOFF = 0.15  # relative: what the noise does on its own between flat and proportional to the frequency

# -- uncertainty of a correlation
COVERED = (0.93, 1.0)  # share of truths in the 95 % interval, which is widened for shells that are filled unevenly
SPILL_FREE = 1.5  # power read off the grid over that on it: so much at least must be spilled for the test to test it
LOCAL_UNIFORM = 0.03  # relative: median local resolution of a uniform map against its global one (0.003 measured)
LOCAL_SCATTER = 0.15  # relative: spread of a local correlation of noise over 300 overlapping windows
LOCAL_NOISE = 0.005  # fraction: places of pure noise that may pass 4.5 deviations by chance

# -- the operator and its stand-ins
CARRIED_SUM = 1e-5  # relative to the largest value: float32 sums, carried over after another number of tiles
TURNED_SIGNAL = 0.99  # correlation: what trilinear insertion at pad 2 leaves on another grid (0.993 to shell 10)
STAND_IN_IMAGE = 0.06  # relative: trilinear slices of a transform that ends at a shell, padded twice (0.05 measured)
STAND_IN_MAP = 0.99  # correlation: the same, inserted again
STAND_IN_SCALE = 0.02  # relative: the same
MEASURED_NOISE = 0.1  # relative: 150 images, rings of 20 coefficients and more, some of the pixels

# -- the decomposition
TELESCOPE = 1e-6  # absolute: terms are differences of float64 curves
LAW_OF_ROOTS = 0.05  # absolute: root of the dithered FSC against the truth (0.022 measured)
LAW_ELSEWHERE = 0.03  # absolute: where little or nothing is left of the signal (0.027 measured, at one thin corner)
EXACT_CURVE = 0.04  # absolute: least squares amplify noise where coefficients are few (0.02 measured)

# -- averages and references of a refinement
FOURIER_AMPLITUDE = 0.025  # relative, mean over shells: pad 2; single shells up to twice it (0.028 measured on one)
FOURIER_SLICE = 0.2  # relative: sums over weights keep what a crop in real space removes (0.16 measured)

# -- the pose search against the oracle
SEARCH_SCORE = 0.005  # relative: trilinear slices of a transform padded twice (0.003 measured)
SEARCH_CORRELATION = 0.005  # absolute: the same
SEARCH_POWER = 0.02  # absolute: the amplitude of a slice near one, the same
SEARCH_ANGLE = 1.0  # degree: the top of a hill some degrees wide, moved by the error of its slices (0.7 measured)
SEARCH_SHIFT = 0.05  # pixel: the same
ON_CARD_ANGLE = 0.1  # degree: climbs that stop where a step gains less than a thousandth of a unit of log-likelihood
ON_CARD_SHIFT = 0.01  # pixel: the same
ON_CARD_SCORE = 1e-3  # relative: float32 sums in another order, and the same stops
FLOAT32_RINGS = 1e-6  # relative to the largest value: two sums of some twenty terms in float32 (3e-7 measured)
ON_CARD_NOISE = 1e-4  # relative to the largest: float32 transforms of another library

# -- noise in place of images
KEPT_COEFFICIENT = 1e-6  # relative to the largest: float32 transforms there and back
FALSE_CURVE = 0.1  # correlation: what two iterations make of noise at least (0.15 to 0.45 measured)
SAME_FALSE_CURVE = 0.1  # absolute: two draws of noise, five shells (0.03 measured)
NO_FALSE_CURVE = 0.06  # absolute: mean of shells of some hundred coefficients (0.02 measured)
TRUE_OF_NOISE = 0.12  # absolute: the difference of two such means over 1 - FSC (0.00 to 0.09 measured)

# -- recipes
POSES_FROM_25 = 12.0  # degree: median of 200 images of 32 pixels at SNR 0.5 after three iterations (2.5 to 11 measured)
MADE_UP = 0.25  # absolute: mean FSC of 400 images of noise after one alignment to one reference (0.31 to 0.55 measured)
NOT_MADE_UP = 0.1  # absolute: mean FSC over several shells of noise that no alignment reached
CLASSES_RIGHT = 0.95  # fraction: 300 images of 32 pixels at SNR 0.5, two conformations, 3 iterations (0.98 measured)
HALF_NOISE = 0.35  # relative: power of one draw of noise on shells of 200 coefficients and more, both sides uncertain
PLANTED_SLOPE = 0.15  # relative: a B factor found in one draw of white noise
MATCHED_SCALE = 0.15  # relative: images' power against a map's, poses unknown; background holds some of the particle
FIRST_GUESS = 6.0  # degree, median: poses against a map at 15 A of 1000 particles (1 where it succeeds, 20 where not)
SAME_POSE = 0.05  # degree: rotations of tables are float32, and the arc cosine of nearly one is rough
WINDOWED_NOISE = 0.1  # relative, median shell: noise around particles against that in windowed images (0.03 measured)
PADDING_NOISE = 0.2  # relative: power of slices of a noise volume (0.08 measured; 1.9 to 16 with the padding's noise)

# -- maps and recipes on a card
SAME_ON_CARD = 1e-5  # relative: float32 transforms in another order
FROM_ONE_STATE = 1e-4  # relative: one iteration from the same state, kernels the same (2e-8 measured on the stand-in)
DRIFT_OF_MAP = 0.08  # relative norm: poses of 1 in 100 images end a step elsewhere (0.041 measured, 48 images a half)
DRIFT_OF_CURVE = 0.02  # absolute, and relative where a curve crosses: the same (0.006 and 0.013 measured)
DRIFT_OF_SCORE = 0.5  # log-likelihood: where a pose ends elsewhere, on another hill, it is as likely (0.21 measured)

# -- a card beside the CPU
DEVICE_MAP = 1e-4  # relative to the largest voxel: the order of float32 sums, and phases of float32 (2e-6 measured)
DEVICE_CURVE = 1e-4  # absolute: the same, in correlations
DEVICE_READ_BACK = 1e-5  # relative to the largest coefficient: a kernel eight points wide (4e-6 measured)
