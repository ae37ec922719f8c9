"""Relaxation times and proton density of the tissues of a chest, at 1.5 T.

Where the numbers come from, per row of `TISSUES`:

- myocardium 1030/40 ms, skeletal muscle 1008/44, liver 576/46, spinal cord 745/74: Stanisz et al., MRM
  2005;54:507 (1.5 T). Checked against the table in the public Fetal-XCMR code, which cites the same paper.
- arterial blood 1585/254 and venous blood 1582/181 ms: same table, which gives Portnoy et al., MRM 2017
  among its sources. The lower T2 of venous blood comes from deoxyhaemoglobin (Li et al., MRM 1998;39:685
  measured T2* of 199 against 108 ms); it is why the right ventricle is a little darker than the left.
- marrow 549/49 and spleen 1057/79 ms: de Bazelaire et al., Radiology 2004;230:652 (1.5 T), checked likewise.
- fat 343/58 ms: same paper, recalled (its 3 T value, 382/68, was checked).
- lung, fluid, cortical bone, fibrous tissue: recalled orders of magnitude. Lung is mostly air (proton density
  about 0.25 at end expiration); a T2* of 1 to 2 ms takes more of its signal, so the T2 is an effective one.
- proton densities relative to fluid: recalled (muscle 0.8, blood 0.9, fat 0.9, liver 0.8).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tissue:
    """The properties of a tissue in the signal equation.

    Args:
        t1_ms: longitudinal relaxation time.
        t2_ms: transverse relaxation time.
        proton_density: relative to water, 0 to 1.
        is_fat: protons precess at the fat frequency instead of the water frequency.
    """

    t1_ms: float
    t2_ms: float
    proton_density: float
    is_fat: bool = False


TISSUES = {
    "air": Tissue(1000.0, 1.0, 0.0),
    "arterial_blood": Tissue(1585.0, 254.0, 0.92),
    "venous_blood": Tissue(1582.0, 181.0, 0.92),
    "myocardium": Tissue(1030.0, 40.0, 0.80),
    "muscle": Tissue(1008.0, 44.0, 0.80),
    "fat": Tissue(343.0, 58.0, 0.90, is_fat=True),
    "liver": Tissue(576.0, 46.0, 0.80),
    "spleen": Tissue(1057.0, 79.0, 0.80),
    "spinal_cord": Tissue(745.0, 74.0, 0.80),
    "marrow": Tissue(549.0, 49.0, 0.60, is_fat=True),
    "fibrous": Tissue(1000.0, 20.0, 0.30),
    "bone": Tissue(200.0, 1.0, 0.15),
    "lung": Tissue(1200.0, 30.0, 0.25),
    "fluid": Tissue(3000.0, 600.0, 1.00),
}
"""Tissue name to its properties at 1.5 T."""
