"""A raw patient that tests may spoil, and what the checks say of it then."""

import nibabel as nib
import numpy as np

from cmrtf.datasets.layouts import read_raw
from cmrtf.quality.checks import check_subject
from raw_data import SPACING_MM, write_acdc

CODE = "patient007"
IMAGE, LABEL = f"{CODE}_frame03.nii.gz", f"{CODE}_frame03_gt.nii.gz"
"""Of ES."""

AFFINE = np.diag([*SPACING_MM, 1.0])
TURNED_ROUND = "the stack runs from base to apex; it is turned round"


class RawPatient:
    """A patient of ACDC, base first.

    Args:
        root: the data set's folder.
    """

    def __init__(self, root):
        self.folder = write_acdc(root, CODE)

    def change(self, name, voxels=lambda data: data, affine=AFFINE):
        """Replace the voxels or the affine of one file."""
        data = np.asanyarray(nib.load(self.folder / name).dataobj)
        nib.save(nib.Nifti1Image(voxels(data), affine), self.folder / name)

    def change_all(self, voxels=lambda data: data, affine=AFFINE):
        """Replace those of all files."""
        for path in self.folder.glob("*.nii.gz"):
            self.change(path.name, voxels, affine)

    def check(self):
        """The subject after all checks."""
        (raw,) = read_raw(self.folder.parent).subjects
        return check_subject(raw)

    def errors(self):
        """File name to problem, of the errors."""
        return {issue.file.name: issue.problem for issue in self.check().issues if issue.level == "error"}

    def warnings(self):
        """Problems of all warnings, once the subject is usable, but for the direction of the stack."""
        subject = self.check()
        assert subject.is_usable
        return [problem for problem in subject.warnings if problem != TURNED_ROUND]
