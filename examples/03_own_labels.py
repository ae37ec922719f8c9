"""Change a label map by hand, and synthesize two images that show it.

Command:
    python examples/03_own_labels.py demo

Time: under half a minute on two cores, for the `demo/` that `make demo` leaves.

Expected: a line that says how much heavier the wall became; in `demo/examples/thick_wall/` the changed
labels, `ED_label.nii.gz`, and two images of that heart in two appearances, `look_0.nii.gz` and
`look_1.nii.gz`. All three open on top of each other in a viewer such as ITK-SNAP or 3D Slicer.
"""

import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

import cmrtf

BACKGROUND, MYOCARDIUM = 0, 2

demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
bundle = cmrtf.load_bundle(demo / "bundle")
cohort = cmrtf.open_cohort(demo / "prepared")
subject = cohort[cohort.codes("validation")[0]]

# The wall grows outwards by two pixels in each slice, where there was nothing.
within_slices = ndimage.generate_binary_structure(rank=3, connectivity=1)
within_slices[[0, 2]] = False
wall = ndimage.binary_dilation(subject.ed.label_ids == MYOCARDIUM, within_slices, iterations=2)
label_ids = np.where(wall & (subject.ed.label_ids == BACKGROUND), MYOCARDIUM, subject.ed.label_ids)
thick = subject.ed.with_labels(label_ids.astype(np.uint8))
print(f"Wall of {subject.name}: {subject.ed.volume_ml('MYO'):.0f} ml, now {thick.volume_ml('MYO'):.0f} ml")

# Any 3D label file will do; this one has the place of the subject.
out = demo / "examples" / "thick_wall"
subject.with_stacks({"ED": thick}).save(out)
for seed in range(2):
    stack = bundle.synthesize(out / "ED_label.nii.gz", style="sample", seed=seed)
    stack.save(out / f"look_{seed}.nii.gz")
