import zipfile

import numpy as np
import pytest

from cmrtf.core.npz_files import Array, read_npz
from cmrtf.errors import CmrtfError

ARRAYS = {
    "codes": Array(np.float32, ("subjects", 2)),
    "names": Array(str, ("subjects",)),
}
GOOD = {"codes": np.arange(6, dtype=np.float32).reshape(3, 2), "names": np.array(["a", "bb", "ccc"])}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "file.npz"


def test_what_fits_is_returned(file):
    np.savez(file, **GOOD, another=np.zeros(3))
    arrays = read_npz(file, ARRAYS, "arrays")
    assert set(arrays) == set(GOOD)
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, GOOD[name])
        assert values.dtype == GOOD[name].dtype


@pytest.mark.parametrize(
    ("changed", "received"),
    [
        ({"codes": GOOD["codes"].astype(np.float64)}, "codes of type float64, expected float32"),
        ({"codes": GOOD["codes"][:2]}, r"names of shape \(3,\), expected \(2,\)"),
        ({"codes": GOOD["codes"][:, :1]}, r"codes of shape \(3, 1\), expected \(3, 2\)"),
        ({"codes": GOOD["codes"][0]}, r"codes of shape \(2,\)"),
        ({"codes": GOOD["codes"] * np.nan}, "codes with values that are not finite"),
        ({"names": np.array([{}, 1, 2], dtype=object)}, "names of type object"),
        ({"names": np.zeros(3)}, "names of type float64"),
    ],
)
def test_what_does_not_fit_is_named(file, changed, received):
    np.savez(file, **(GOOD | changed))
    with pytest.raises(CmrtfError, match=rf"file\.npz: expected arrays\. Received: .*{received}"):
        read_npz(file, ARRAYS, "arrays")


def test_an_array_that_is_missing_is_named(file):
    np.savez(file, names=GOOD["names"])
    with pytest.raises(CmrtfError, match=r"expected arrays\. Received: .*codes\.npy"):
        read_npz(file, ARRAYS, "arrays")


def test_a_header_that_claims_more_than_there_is_costs_nothing(file):
    header = (
        b"\x93NUMPY\x01\x00\x76\x00"
        + str({"descr": "<f4", "fortran_order": False, "shape": (10**11, 2)}).ljust(117).encode()
        + b"\n"
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("codes.npy", header + bytes(24))
    with pytest.raises(CmrtfError, match=r"codes of shape \(100000000000, 2\) in 152 bytes"):
        read_npz(file, ARRAYS, "arrays")


def test_what_is_compressed_is_not_unfolded(file):
    np.savez_compressed(file, **GOOD)
    with pytest.raises(CmrtfError, match="codes compressed, or larger than the file"):
        read_npz(file, ARRAYS, "arrays")
