"""Interpolate between two subjects, look at what lies between them, and save it.

Command:
    python examples/01_interpolate.py demo

Time: about 20 seconds on two cores, for the `demo/` that `make demo` leaves.

Expected: a line per synthetic subject, whose left-ventricular volumes go from those of the first subject to
those of the second; `demo/examples/interpolated/` with NIfTI files, `measures.csv` and `report.html`, to be
opened in a browser; and `demo/examples/halfway.png`, all slices of a heart half-way.
"""

import sys
from pathlib import Path

import cmrtf

demo = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
bundle = cmrtf.load_bundle(demo / "bundle")
cohort = cmrtf.open_cohort(demo / "prepared")

# Two subjects that no training saw.
first, second = (cohort[code] for code in cohort.codes("validation")[:2])
print(f"From {first.name} ({first.description}) to {second.name} ({second.description})")

outcome = bundle.interpolate(first, second, num_subjects=8, num_slices=32)
for subject in sorted(outcome, key=lambda subject: subject.weight):
    ed_ml, es_ml = subject.ed.volume_ml("LV"), subject.es.volume_ml("LV")
    print(f"{subject.id:14} {subject.kind:12} LV {ed_ml:6.1f} ml at ED, {es_ml:6.1f} ml at ES")

outcome.save(demo / "examples" / "interpolated")
outcome[len(outcome) // 2].plot().savefig(demo / "examples" / "halfway.png")
