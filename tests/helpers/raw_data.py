"""Tiny raw data sets: a tapering heart of 6 slices, written as ACDC or M&Ms."""

import nibabel as nib
import numpy as np

SHAPE = (40, 44, 6)
SPACING_MM = (3.0, 3.0, 10.0)


def heart(shape=SHAPE, spacing_mm=SPACING_MM, apex_first=True, scale=1.0):
    """Label ids in M&Ms order: concentric LV and myocardium, RV beside them, all narrowing to the apex."""
    x, y = ((np.arange(n) - n / 2) * mm for n, mm in zip(shape[:2], spacing_mm[:2], strict=True))
    distance = np.hypot(x[:, None] + 6, y[None, :])
    rv_distance = np.hypot(x[:, None] - 16 * scale, y[None, :])
    label_ids = np.zeros(shape, np.uint8)
    for z in range(1, shape[2]):
        width = scale * (0.3 + 0.7 * z / (shape[2] - 1))
        label_ids[rv_distance < 22 * width, z] = 3
        label_ids[distance < 28 * width, z] = 2
        label_ids[distance < 18 * width, z] = 1
    return label_ids if apex_first else label_ids[:, :, ::-1]


def of_patient(label_ids, code):
    """The same heart without one pixel of its RV, another from code to code: no two hearts are one."""
    inside = np.argwhere(label_ids == 3)
    x, y, z = inside[list(code.encode()) @ np.arange(1, len(code.encode()) + 1) % len(inside)]
    changed = label_ids.copy()
    changed[x, y, z] = 0
    return changed


def image_of(label_ids, code=""):
    """Bright blood, dark muscle, and noise that differs from code to code."""
    noise = np.random.default_rng(list(code.encode())).normal(0, 5, label_ids.shape)
    return (np.array([80, 300, 100, 280])[label_ids] + noise).astype(np.int16)


def save(path, data, affine=None):
    """A volume, with voxels of `SPACING_MM` unless an affine says otherwise."""
    affine = np.diag([*SPACING_MM, 1.0]) if affine is None else affine
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, affine), path)


def write_acdc(root, patient, group="DCM", apex_first=False):
    """A patient of ACDC: base first, labels reversed, ED = 1 and ES = 3 of frames counted from 1."""
    folder = root / patient
    for frame, scale in ((1, 1.0), (3, 0.8)):
        label_ids = of_patient(heart(apex_first=apex_first, scale=scale), patient)
        save(folder / f"{patient}_frame{frame:02d}.nii.gz", image_of(label_ids, patient))
        save(folder / f"{patient}_frame{frame:02d}_gt.nii.gz", np.array([0, 3, 2, 1], np.uint8)[label_ids])
    (folder / "Info.cfg").write_text(f"ED: 1\nES: 3\nGroup: {group}\nNbFrame: 4\n")
    return folder


def write_mnms(folder, code, apex_first=True):
    """A subject of M&Ms: a cine of 4 frames, labelled in frames 0 and 2."""
    ed, es = (of_patient(heart(apex_first=apex_first, scale=scale), code) for scale in (1.0, 0.8))
    none = np.zeros_like(ed)
    cine = np.stack([image_of(label_ids, code) for label_ids in (ed, ed, es, es)], axis=-1)
    save(folder / f"{code}_sa.nii.gz", cine)
    save(folder / f"{code}_sa_gt.nii.gz", np.stack([ed, none, es, none], axis=-1))
    return folder


def write_mnms_csv(path, rows):
    """The CSV of 2021: an unnamed index first. `rows` are (code, vendor, pathology)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight"]
    lines += [
        f"{i},{code},Name,{vendor},1,0,2,,{pathology},F,," for i, (code, vendor, pathology) in enumerate(rows)
    ]
    path.write_text("\n".join(lines) + "\n")
