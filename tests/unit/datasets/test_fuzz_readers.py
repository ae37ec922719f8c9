"""Raw data that nobody meant: every reader answers with issues or with a `CmrtfError`, and soon.

Some cases in the normal run; `make fuzz` runs `CMRTF_FUZZ_CASES` of each property.
"""

import contextlib
import gzip
import os
import shutil
import time
import tracemalloc

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmrtf.core.dicom_series import read_volume
from cmrtf.errors import CmrtfError
from cmrtf.quality.inspection import check
from dicom_files import write_multi_frame

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("CMRTF_FUZZ_CASES", "40"))
SECONDS = 3.0
"""Of processor time. A case takes some milliseconds."""

MEGABYTES = 100
"""A case needs one; headers may claim any number."""

fuzz = settings(max_examples=CASES, suppress_health_check=list(HealthCheck))

FIELDS = {
    "sizeof_hdr": (0, "<i4"), "dim": (40, "<i2"), "datatype": (70, "<i2"), "bitpix": (72, "<i2"),
    "pixdim": (76, "<f4"), "vox_offset": (108, "<f4"), "scl": (112, "<f4"), "xyzt_units": (123, "u1"),
    "codes": (252, "<i2"), "quatern": (256, "<f4"), "srow": (280, "<f4"), "magic": (344, "u1"),
}  # fmt: skip
"""Field of a NIfTI-1 header to its first byte and type; of some, several numbers follow one another."""

LENGTHS = {"dim": 8, "pixdim": 8, "scl": 2, "codes": 2, "quatern": 6, "srow": 12, "magic": 4}


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """The smallest patient of ACDC that can be used."""
    folder = tmp_path_factory.mktemp("fuzz") / "raw" / "patient001"
    folder.mkdir(parents=True)
    (folder / "Info.cfg").write_text("ED: 1\nES: 2\nGroup: NOR\nNbFrame: 2\n")
    for frame, radius in ((1, 6), (2, 5)):
        label_ids = _label(radius)
        _save(folder / f"patient001_frame0{frame}_gt.nii.gz", label_ids)
        texture = np.indices(label_ids.shape).sum(axis=0) % 7 + frame
        _save(folder / f"patient001_frame0{frame}.nii.gz", (label_ids * 50 + texture).astype(np.int16))
    assert check(folder).summary()["usable"] == 1
    return folder


def _label(radius):
    x, y, z = np.indices((16, 16, 4))
    distance = np.hypot(x - 8, y - 8) / (radius - z)
    return np.select([distance < 0.6, distance < 1, (distance < 1.4) & (x < 8)], [3, 2, 1], 0).astype(
        np.uint8
    )


def _save(path, data):
    nib.save(nib.Nifti1Image(data, np.diag([3.0, 3.0, 10.0, 1.0])), path)


def _inspect(root):
    """Findings, or a `CmrtfError`, and soon."""
    begin = time.process_time()
    try:
        check(root, workers=1)
    except CmrtfError as error:
        assert len(str(error)) < 5000  # noqa: PT017 - whether it raises is not the question
    assert time.process_time() - begin < SECONDS


@contextlib.contextmanager
def _little_memory():
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 1e6
    finally:
        tracemalloc.stop()


@st.composite
def header_changes(draw):
    """Some numbers of a header: `(first byte, bytes)`."""
    changes = []
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(FIELDS)))
        start, dtype = FIELDS[name]
        size = np.dtype(dtype).itemsize
        at = start + size * draw(st.integers(0, LENGTHS.get(name, 1) - 1))
        plausible = st.sampled_from([0, 1, 2, 3, 4, 8, 16, 64, 256, 512, 768, 30000, 32767, -1, -32768])
        number = draw(plausible) if draw(st.booleans()) else None
        if number is None:
            content = draw(st.binary(min_size=size, max_size=size))
        else:
            content = np.array(number).astype(dtype).tobytes()
        changes.append((at, content))
    return changes


@fuzz
@given(
    name=st.sampled_from(["patient001_frame01.nii.gz", "patient001_frame02_gt.nii.gz"]),
    changes=header_changes(),
    compress=st.booleans(),
)
def test_headers(patient, name, changes, compress):
    path = patient / name
    original = path.read_bytes()
    content = bytearray(gzip.decompress(original))
    for at, new in changes:
        content[at : at + len(new)] = new
    try:
        path.write_bytes(gzip.compress(bytes(content), 1) if compress else bytes(content))
        with _little_memory():
            _inspect(patient)
    finally:
        path.write_bytes(original)


@fuzz
@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=3))
def test_damaged_files(patient, cut, flips):
    path = patient / "patient001_frame01.nii.gz"
    original = path.read_bytes()
    content = bytearray(original[: int(cut * len(original))] if cut < 0.5 else original)
    for at, byte in flips if content else ():
        content[int(at * len(content))] ^= byte
    try:
        path.write_bytes(content)
        with _little_memory():
            _inspect(patient)
    finally:
        path.write_bytes(original)


def _spoil(draw, text):
    """A text with pieces left out, repeated, exchanged for foreign ones, or all of it foreign."""
    foreign = st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            [
                "\x00",
                '"',
                ",",
                ";",
                "\t",
                ":",
                "1e308",
                "nan",
                "-1",
                "9" * 5000,
                "²",
                "1_0",
                "\ufeff",
                "\u0661",
                "\r",
                "{",
                "[",
            ]
        ),
    )
    for _ in range(draw(st.integers(1, 5))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 20)))
        text = text[:begin] + draw(foreign) + text[end:]
    return text


spoilt = st.composite(_spoil)


def _write(path, text):
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


@fuzz
@given(text=spoilt("ED: 1\nES: 2\nGroup: NOR\nHeight: 184.0\nNbFrame: 2\nWeight: 95.0\n"))
def test_info(patient, text):
    original = (patient / "Info.cfg").read_text()
    try:
        _write(patient / "Info.cfg", text)
        _inspect(patient)
    finally:
        (patient / "Info.cfg").write_text(original)


MNMS_CSV = """\
,External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight
0,A1B2C3,Siemens,A,1,0,1,40,NOR,F,170,70
1,G7H8I9,GE,C,4,0,1,40,,M,170,70
"""
MNMS2_CSV = (
    "SUBJECT_CODE,DISEASE,VENDOR,SCANNER,FIELD\n001,HCM,SIEMENS,Avanto,1.5\n2,NOR,GE MEDICAL,Signa,3\n"
)
NNUNET_DESCRIPTION = """\
{"channel_names": {"0": "cineMRI"}, "labels": {"background": 0, "RV": 1, "MLV": 2, "LVC": 3},
 "numTraining": 2, "file_ending": ".nii.gz"}
"""
DESCRIPTION = """\
images: "{vendor}/{subject}_{phase}.nii.gz"
labels: "{vendor}/{subject}_{phase}_gt.nii.gz"
label_values: {LV: 3, MYO: 2, RV: 1}
phase: {ED: '1', ES: "2"}
"""


@pytest.fixture(scope="module")
def others(patient, tmp_path_factory):
    """The same patient as M&Ms, M&Ms-2, a folder and nnU-Net's."""
    root = tmp_path_factory.mktemp("others")
    image, label = ("patient001_frame0{}.nii.gz", "patient001_frame0{}_gt.nii.gz")
    for name in ("mnms", "mnms2", "folder/A", "nnunet/imagesTr", "nnunet/labelsTr"):
        (root / name).mkdir(parents=True)
    for kind, source in (("", image), ("_gt", label)):
        frames = [nib.load(patient / source.format(frame)) for frame in (1, 2)]
        cine = np.stack([np.asanyarray(frame.dataobj) for frame in frames], axis=-1)
        for code in ("A1B2C3", "G7H8I9"):
            _save(root / "mnms" / f"{code}_sa{kind}.nii.gz", cine)
        for number, phase in ((1, "ED"), (2, "ES")):
            shutil.copy(patient / source.format(number), root / "mnms2" / f"001_SA_{phase}{kind}.nii.gz")
            shutil.copy(patient / source.format(number), root / "folder" / "A" / f"p_{number}{kind}.nii.gz")
            case = f"labelsTr/p_{phase}" if kind else f"imagesTr/p_{phase}_0000"
            shutil.copy(patient / source.format(number), root / "nnunet" / f"{case}.nii.gz")
    return root


@fuzz
@given(text=spoilt(MNMS_CSV))
def test_table_of_mnms(others, text):
    _write(others / "mnms" / "information.csv", text)
    _inspect(others / "mnms")


@fuzz
@given(text=spoilt(MNMS2_CSV))
def test_table_of_mnms2(others, text):
    _write(others / "mnms2" / "dataset_information.csv", text)
    _inspect(others / "mnms2")


@fuzz
@given(text=spoilt(DESCRIPTION))
def test_description(others, text):
    _write(others / "folder" / "cmrtf.yaml", text)
    _inspect(others / "folder")


@fuzz
@given(text=spoilt(NNUNET_DESCRIPTION))
def test_description_of_nnunet(others, text):
    _write(others / "nnunet" / "dataset.json", text)
    _inspect(others / "nnunet")


DOUBLING = "".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 9000,
        "- " * 4000,
        f"k0: &k0 [x, x]\n{DOUBLING}",
        "images: 2001-99-99\n",
        "? [a, b]\n: 1\n",
        f"0x{'f' * 5000}: 1\n",
        "images: !!python/object:os.system x\n",
        "images: &x [*x]\n",
    ],
)
def test_descriptions_that_are_traps(others, text):
    _write(others / "folder" / "cmrtf.yaml", text)
    _inspect(others / "folder")


@pytest.fixture(scope="module")
def multi_frame(tmp_path_factory):
    return write_multi_frame(tmp_path_factory.mktemp("dicom") / "cine.dcm", [(0, 0), (0, 1), (1, 0), (1, 1)])


@fuzz
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 0.999), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4
    ),
    cut=st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5]),
)
def test_damaged_dicom(multi_frame, changes, cut):
    content = bytearray(multi_frame.read_bytes())
    for at, removed, inserted in changes:
        start = 132 + int(at * (len(content) - 132))
        content[start : start + removed] = inserted
    spoilt = multi_frame.with_name("spoilt.dcm")
    spoilt.write_bytes(content[: int(cut * len(content))])
    with _little_memory(), contextlib.suppress(CmrtfError):
        read_volume(spoilt)
