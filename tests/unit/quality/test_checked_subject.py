import gzip

import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from raw_patient import CODE, IMAGE


def test_a_usable_subject_can_be_prepared(patient):
    subject = patient.check()
    assert subject.is_usable
    assert (subject.subject.name, subject.subject.kind, subject.subject.vendor) == (CODE, "source", "A")
    prepared = subject.prepared()
    for phase, stack in prepared.stacks.items():
        assert stack.image.shape == (6, 128, 128)
        assert stack.geometry is subject.geometry
        raw = subject.stacks[phase]
        assert stack.volume_ml("LV") == pytest.approx(raw.volume_ml("LV"), rel=0.05)


def test_a_subject_with_errors_cannot_be_prepared_and_all_are_named(patient):
    for name in (IMAGE, f"{CODE}_frame01.nii.gz"):
        patient.change(name, np.zeros_like)
    subject = patient.check()
    assert not subject.is_usable
    with pytest.raises(CmrtfError, match=rf"frame01\.nii\.gz: .* Also: .*{IMAGE}: expected an image"):
        subject.prepared()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.astype(np.float32),
        lambda data: data + np.int16(1),
        lambda data: data * np.int16(3),
        lambda data: np.float32(data / 7 + 3),
    ],
    ids=["type", "offset", "scale", "scale and offset"],
)
def test_the_hash_of_voxels_does_not_depend_on_the_file_or_on_the_scale(patient, change):
    before = patient.check().voxels_sha256
    assert sorted(before) == ["ED image", "ED label", "ES image", "ES label"]
    assert len(set(before.values())) == 4
    path = patient.folder / f"{CODE}_frame01.nii.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1))
    patient.change(path.name, change)
    assert patient.check().voxels_sha256 == before
    patient.change(path.name, lambda data: np.roll(data, 1, axis=0))
    assert patient.check().voxels_sha256["ED image"] != before["ED image"]
    assert patient.check().voxels_sha256["ES image"] == before["ES image"]
