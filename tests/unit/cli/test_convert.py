from click.testing import CliRunner

from cmrtf.core.nifti import read_nifti
from cmrtf_cli.commands.convert import command
from dicom_files import volume, write_series


def test_a_series_becomes_a_file(tmp_path):
    out = tmp_path / "cine.nii.gz"
    result = CliRunner().invoke(command, [str(write_series(tmp_path / "series")), str(out)])
    assert result.output == f"Converted: {out}, 3 slices of 6 x 5 pixels, 2 frames.\n"
    assert (read_nifti(out).data == volume()).all()
