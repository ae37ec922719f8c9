"""Shared by all tests: a quiet TensorFlow, tiny cohorts, runs and a bundle."""

import csv
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Numbers are compared to 1e-5 and closer, which the reduced precision of a GPU's convolutions misses.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import hypothesis
import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from cmrtf.cohort.build_subject import sha256, to_npz
from cmrtf.cohort.cohort import FORMAT_NAME, FORMAT_VERSION, MANIFEST_NAME
from cmrtf.cohort.npz_store import subject_file
from cmrtf.cohort.record import SubjectRecord
from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import SCHEMA

pytest_plugins = ["bundle_fixtures", "training_fixtures"]

# The first example of a property pays for TensorFlow's start-up.
hypothesis.settings.register_profile("cmrtf", deadline=None)
hypothesis.settings.load_profile("cmrtf")

TINY_PRESET = """\
vae:
  {latent_dim: 4, widths: [4, 4, 4, 4], depth: 1, batch_size: 2, steps: 2, interval_steps: 2,
   learning_rate: 1.0e-3, kl_weight: 1.0, kl_warmup_steps: 1}
gan:
  {style_dim: 4, base_width: 1, hidden_channels: 4, style_base_width: 8, discriminator_base_width: 4,
   discriminator_layers: 2, batch_size: 2, steps: 2, interval_steps: 2}
"""


@pytest.fixture(autouse=True)
def _default_dtype_policy():
    """Building a model sets Keras' global policy; the next test starts from the default."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def write_cohort():
    """A prepared cohort made of arrays: a ring and a crescent that differ from subject to subject."""

    def write(folder, size=16, num_slices=3, vendors=("A", "B", "A", "B"), num_validation=1, phases=None):
        """One subject per vendor, S1, S2, ...; the last `num_validation` are for validation.

        `phases` maps subjects to the phases that they have, where these are not ED and ES.
        """
        (folder / "subjects").mkdir(parents=True)
        records = []
        for number, vendor in enumerate(vendors):
            code = f"S{number + 1}"
            split = "train" if number < len(vendors) - num_validation else "validation"
            records.append(
                _write_subject(folder, code, vendor, split, size, num_slices, (phases or {}).get(code))
            )
        manifest = {
            "format": FORMAT_NAME,
            "version": FORMAT_VERSION,
            "label_schema": SCHEMA.to_dict(),
            "subjects": [record.to_dict() for record in records],
        }
        (folder / MANIFEST_NAME).write_text(json.dumps(manifest))
        return folder

    return write


def _write_subject(folder, code, vendor, split, size, num_slices, phases):
    phases = phases or ("ED", "ES")
    number = int(code[1:])
    arrays = {}
    for phase in phases:
        radius = size * (0.2 + 0.02 * number) * (1.0 if phase == "ED" else 0.8)
        label_ids = _ring_and_crescent(size, num_slices, radius)
        noise = np.random.default_rng(number).normal(0, 0.05, label_ids.shape)
        arrays[f"{phase}_label"] = label_ids
        arrays[f"{phase}_image"] = np.clip(
            np.array([-0.8, 0.7, -0.2, 0.5])[label_ids] + 0.05 * number + noise, -1, 1
        ).astype(np.float16)
    affine = np.array([[-1.5, 0, 0, 30], [0, -1.2, -6, 40], [0, 0.9, -8, 50 + number], [0, 0, 0, 1.0]])
    content = to_npz(arrays)
    record = SubjectRecord(
        subject=code,
        vendor=vendor,
        pathology="NOR",
        split=split,
        phases=tuple(phases),
        frames=dict.fromkeys(phases, 0),
        num_slices=num_slices,
        stack_flipped=False,
        geometry=Geometry((size, size, num_slices), affine, (size, size, num_slices), np.eye(4)),
        intensity_window=dict.fromkeys(phases, (10.0 * number, 100.0 * number)),
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


@pytest.fixture(scope="session")
def tiny_cohort(write_cohort, tmp_path_factory):
    """Three subjects to train on and one to validate, 3 slices of 16 x 16: to read only."""
    return write_cohort(tmp_path_factory.mktemp("tiny") / "cohort")


STORY = (
    "cmrtf phantom phantom --subjects 4 --frames 2",
    "cmrtf check phantom",
    "cmrtf prepare phantom prepared --validation-fraction 0.5",
    "cmrtf train-vae prepared --run runs/vae --preset tiny.yaml",
    "cmrtf train-gan prepared --run runs/gan --preset tiny.yaml",
    "cmrtf export --vae runs/vae --gan runs/gan bundle",
)
"""How the tutorial begins, with less of everything."""


@dataclass(frozen=True)
class Story:
    """What the commands left behind, and what they said."""

    raw: Path
    prepared: Path
    vae_run: Path
    gan_run: Path
    bundle: Path
    preset: Path
    said: dict[str, str]
    commands: tuple[str, ...]
    """As they stand in the tutorial, but for sizes."""
    patient_name: str
    """Stands in every text field of the raw files' headers, in the table, and is the raw folder's name."""


@pytest.fixture(scope="session")
def story(tmp_path_factory) -> Story:
    """The whole way through the command line once, with tiny networks: to read only."""
    from cmrtf_cli.main import cli

    folder = tmp_path_factory.mktemp("story")
    names = (PATIENT_NAME, "prepared", "vae", "gan", "bundle")
    raw, prepared, vae, gan, bundle = (folder / name for name in names)
    preset = folder / "tiny.yaml"
    preset.write_text(TINY_PRESET)
    names_in_tutorial = ("phantom", "prepared", "runs/vae", "runs/gan", "bundle", "tiny.yaml")
    paths = dict(zip(names_in_tutorial, (raw, prepared, vae, gan, bundle, preset), strict=True))
    said = {}
    for line in STORY:
        _, command, *arguments = line.split()
        arguments = [str(paths.get(argument, argument)) for argument in arguments]
        result = CliRunner().invoke(cli, [command, *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        said[command] = result.output
        if command == "phantom":
            _write_into_headers(raw, PATIENT_NAME)
            _write_into_table(raw, PATIENT_NAME)
    return Story(raw, prepared, vae, gan, bundle, preset, said, STORY, PATIENT_NAME)


PATIENT_NAME = "DOE^JOHN"


def _write_into_headers(raw, text):
    """As scanners and converters do with names of patients."""
    for path in raw.rglob("*.nii.gz"):
        volume = nib.load(path)
        volume = nib.Nifti1Image(np.asanyarray(volume.dataobj), volume.affine, volume.header)
        for field in ("descrip", "aux_file", "intent_name", "db_name"):
            volume.header[field] = text
        volume.header.extensions.append(nib.nifti1.Nifti1Extension("comment", text.encode()))
        volume.to_filename(path)


def _write_into_table(raw, text):
    """Into every column that is not needed, and one more."""
    (table,) = raw.glob("*.csv")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    needed = ("External code", "Vendor", "ED", "ES", "Pathology")
    for row in rows:
        row |= dict.fromkeys((*set(row).difference(needed), "Name"), text)
        row["Pathology"] += f" of {text}" if row is rows[0] else ""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
