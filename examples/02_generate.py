"""Make new hearts to order, and give another heart to a subject that there is.

Command:
    python examples/02_generate.py demo

Time: about half a minute on two cores, for the `demo/` that `make demo` leaves.

Expected: four generated subjects with a dilated, weak heart, all of whose ejection fractions lie below 45 %;
`demo/examples/Dataset501_Weak/`, which nnU-Net v2 can plan and train on; a held-out subject whose measures
move step by step towards those of dilated hearts, and `demo/examples/remodelled/report.html`.
"""

import sys
from pathlib import Path

import cmrtf

demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
bundle = cmrtf.load_bundle(demo / "bundle")
cohort = cmrtf.open_cohort(demo / "prepared")


def summary(subject: cmrtf.Subject) -> str:
    """Name, and what its left ventricle measures."""
    measures = subject.measures()
    return f"{subject.name:10} EDV {measures['LV_EDV_ml']:.0f} ml, EF {measures['LV_EF_percent']:.0f} %"


# New subjects: the same seed gives the same four, in a cohort of any size.
weak = bundle.generate(4, pathology="DCM", where="EF<45 %", seed=0)
for subject in weak:
    print(summary(subject))
weak.save(demo / "examples" / "Dataset501_Weak", layout="nnunet")

# The same patient with another heart: place and appearance stay.
source = cohort[cohort.codes("validation")[0]]
remodelled = bundle.remodel(source, towards="DCM", num_steps=2)
for subject in (source, *remodelled):
    print(summary(subject))
remodelled.save(demo / "examples" / "remodelled")
