"""The one module that reads DICOM files: each as the frames that it holds.

A frame is one image of one slice at one time: a classic file holds one, an enhanced multi-frame file many.
Only what places a frame in the scanner and in the heart beat is taken from a header, beside the pixels:
names, dates and identifiers stay behind, and no message quotes a header's text.
"""

import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cmrtf.core.dicom_frames import Frame, frame_of
from cmrtf.core.files import is_file, is_folder
from cmrtf.core.issues import listed
from cmrtf.errors import CmrtfError, FileError

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

PREAMBLE_BYTES = 128
MAGIC = b"DICM"

DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Transfer syntax of files that are compressed as a whole."""

MAX_PIXELS = 2**29
"""Of a series: a cine of 512 x 512 pixels, 40 slices and 50 frames."""

MAX_META_BYTES = 2**16
"""In which a file names its transfer syntax."""

SUFFIXES = (".dcm", ".ima", ".dicom")
"""Of files that should be DICOM; those of other names, such as notes, may lie beside them."""

TAGS = (
    *("SeriesInstanceUID", "InstanceNumber", "Rows", "Columns", "NumberOfFrames"),
    *("SamplesPerPixel", "PhotometricInterpretation", "RescaleSlope", "RescaleIntercept"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SpacingBetweenSlices"),
    *("SliceThickness", "TriggerTime", "NominalCardiacTriggerDelayTime", "TemporalPositionIdentifier"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)
"""All that is read of a header. Reading all of it takes twice as long."""


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do (PS3.10 section 7.1)."""
    try:
        if not is_file(path):  # a pipe would wait for its writer
            return False
        with path.open("rb") as file:
            return file.read(PREAMBLE_BYTES + len(MAGIC))[PREAMBLE_BYTES:] == MAGIC
    except OSError:
        return False


def read_frames(path: Path) -> list[Frame]:
    """All frames of a folder's DICOM images, or of one file, in no particular order; no pixels are read.

    Args:
        path: a file, or a folder whose own files are read; what is no DICOM image in it is passed over.

    Raises:
        CmrtfError: pydicom is not installed.
        FileError: there is no image, or a file cannot be read.
    """
    _require_pydicom()
    frames = [frame for file in _image_files(path) for frame in _frames_of(file)]
    if not frames:
        names = listed(sorted(file.name for file in path.iterdir()) if is_folder(path) else [], limit=5)
        raise FileError(
            path, f"expected DICOM images. Received: {f'a folder with {names}' if names else 'none'}."
        )
    return frames


def read_pixels(file: Path) -> NDArray[Any]:
    """The stored pixels of a file, `(frames, y, x)`, neither scaled nor turned.

    Raises:
        FileError: they cannot be decoded.
    """
    import pydicom

    try:
        pixels: NDArray[Any] = pydicom.dcmread(_in_memory(file)).pixel_array
    except Exception as error:  # of pydicom's, which have no base in common, and of Python's
        raise FileError(
            file, f"expected pixels that can be decoded. Received: {type(error).__name__}, a damaged file."
        ) from error
    return pixels if pixels.ndim == 3 else pixels[None]


def _require_pydicom() -> None:
    try:
        from pydicom import config
    except ImportError as error:
        raise CmrtfError(
            "expected pydicom, which reads DICOM. Received: an environment without it. Install it with: "
            "pip install 'cmrtf[dicom]'"
        ) from error
    # Its warnings quote the values that they are about.
    config.settings.reading_validation_mode = config.IGNORE
    warnings.filterwarnings("ignore", module=r"pydicom\.")


def _image_files(path: Path) -> Iterator[Path]:
    """A file itself, or the files of a folder that are DICOM."""
    for file in _files(path):
        if not (is_file(file) or os.path.islink(file)) or file.name.startswith("."):
            continue
        if not os.access(file, os.R_OK):
            raise FileError(file, "expected to be able to read it. Received: no permission, or a dead link.")
        if is_dicom(file):
            yield file
        elif file == path or file.suffix.lower() in SUFFIXES:
            problem = f"expected a DICOM file, with the letters {MAGIC.decode()} at byte {PREAMBLE_BYTES}"
            raise FileError(file, f"{problem}. Received: a file of another kind, or one that is cut short.")


def _files(path: Path) -> list[Path]:
    """What is in a folder; a file itself."""
    try:
        return sorted(path.iterdir()) if is_folder(path) else [path]
    except OSError as error:
        raise FileError(path, f"expected to be able to read it. Received: {error.strerror}.") from error


def _in_memory(file: Path) -> io.BytesIO:
    """A file's content: of a file on disk as much room would be made as a damaged header claims.

    Raises:
        FileError: it is deflated as a whole, so that a small file could become a large one.
    """
    content = file.read_bytes()
    if DEFLATED in content[:MAX_META_BYTES]:
        raise FileError(
            file,
            "expected a file that is not deflated as a whole. Received: the transfer syntax Deflated "
            "Explicit VR Little Endian. Inflate it with gdcmconv --raw.",
        )
    return io.BytesIO(content)


def _frames_of(file: Path) -> list[Frame]:
    """The frames of one file; none of what is no image, such as a report."""
    import pydicom

    try:
        header = pydicom.dcmread(_in_memory(file), stop_before_pixels=True, specific_tags=list(TAGS))
        _require_decoder(file, header.file_meta.TransferSyntaxUID)
        if "Rows" not in header:
            return []
        count = int(header.get("NumberOfFrames") or 1)
        _require_grey(file, header, count)
        return [frame_of(file, header, number, count) for number in range(count)]
    except FileError:
        raise
    except Exception as error:
        raise FileError(
            file,
            f"expected a DICOM image whose place in the scanner is known: position, orientation and pixel "
            f"spacing. Received: {type(error).__name__}, a header that lacks some of it or is damaged.",
        ) from error


def _require_grey(file: Path, header: "Dataset", count: int) -> None:
    """Refuse colour pictures, and more pixels than a cine has."""
    if header.get("SamplesPerPixel", 1) != 1 or header.get("PhotometricInterpretation") != "MONOCHROME2":
        problem = "expected grey values that rise with the signal (MONOCHROME2)"
        raise FileError(file, f"{problem}. Received: a picture in colour, or in negative.")
    claimed = int(header.Rows) * int(header.Columns) * count
    if not 0 < claimed <= MAX_PIXELS:
        raise FileError(
            file, f"expected {MAX_PIXELS:,} pixels at most. Received: a header that claims {claimed:,}."
        )


def _require_decoder(file: Path, syntax: "UID") -> None:
    """Refuse a compression that there is no decoder for here."""
    from pydicom.pixels import get_decoder

    try:
        if get_decoder(syntax).is_available:
            return
    except NotImplementedError:
        pass
    received = syntax.name if syntax.is_transfer_syntax else "an unknown one"
    raise FileError(
        file,
        f"expected a transfer syntax that can be decoded. Received: {received}, without a decoder for it "
        f"here. Install one, such as python-gdcm, or decompress the files with dcmdjpeg or gdcmconv --raw.",
    )
