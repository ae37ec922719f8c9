"""Prepared cohorts made of arrays: what training, evaluation and synthesis are tested on."""

import json
from dataclasses import replace

import numpy as np

from cmrtf.cohort.cohort import FORMAT_NAME, FORMAT_VERSION, MANIFEST_NAME
from cmrtf.cohort.npz_store import subject_file, to_npz
from cmrtf.cohort.record import SubjectRecord
from cmrtf.core.files import sha256
from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack


def write_cohort(
    folder,
    size=16,
    num_slices=3,
    vendors=("A", "B", "A", "B"),
    num_validation=1,
    phases=None,
    unknown=None,
):
    """A prepared cohort made of arrays: a ring and a crescent that differ from subject to subject.

    One subject per vendor, S1, S2, ...; the last `num_validation` are for validation.

    `phases` maps subjects to the phases that they have, where these are not ED and ES; `unknown` to what
    their records say is unknown.
    """
    (folder / "subjects").mkdir(parents=True)
    records = []
    for number, vendor in enumerate(vendors):
        code = f"S{number + 1}"
        split = "train" if number < len(vendors) - num_validation else "validation"
        record = _write_subject(folder, code, vendor, split, size, num_slices, (phases or {}).get(code))
        records.append(replace(record, unknown=(unknown or {}).get(code, {})))
    manifest = {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "label_schema": SCHEMA.to_dict(),
        "subjects": [record.to_dict() for record in records],
    }
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))
    return folder


def _write_subject(folder, code, vendor, split, size, num_slices, phases):
    phases = phases or ("ED", "ES")
    number = int(code[1:])
    stacks = {}
    geometry = Geometry.of(
        np.array([[-1.5, 0, 0, 30], [0, -1.2, -6, 40], [0, 0.9, -8, 50 + number], [0, 0, 0, 1.0]]),
        (size, size, num_slices),
    )
    window = (10.0 * number, 100.0 * number)
    for phase in phases:
        radius = size * (0.2 + 0.02 * number) * (1.0 if phase == "ED" else 0.8)
        label_ids = _ring_and_crescent(size, num_slices, radius)
        noise = np.random.default_rng(number).normal(0, 0.05, label_ids.shape)
        image = np.array([-0.8, 0.7, -0.2, 0.5])[label_ids] + 0.05 * number + noise
        stacks[phase] = Stack(np.clip(image, -1, 1), label_ids, geometry, window)
    content = to_npz(stacks)
    record = SubjectRecord(
        subject=code,
        vendor=vendor,
        pathology="NOR",
        split=split,
        phases=tuple(phases),
        frames=dict.fromkeys(phases, 0),
        num_slices=num_slices,
        stack_flipped=False,
        geometry=geometry,
        intensity_window=dict.fromkeys(phases, window),
        source_sha256={},
        file_sha256=sha256(content),
        centre=str(number),
    )
    subject_file(folder, record).write_bytes(content)
    return record


def _ring_and_crescent(size, num_slices, radius):
    """LV cavity in its myocardium, RV beside it, growing from apex to base: `(slices, size, size)`."""
    y, x = np.indices((size, size)) - (size - 1) / 2
    stack = []
    for scale in np.linspace(0.6, 1.0, num_slices):
        distance = np.hypot(x, y) / (radius * scale)
        crescent = np.hypot(x + 1.3 * radius, y) < radius * scale
        stack.append(np.select([distance < 0.6, distance < 1.0, crescent], [1, 2, 3], 0))
    return np.stack(stack).astype(np.uint8)
