"""A small DICOM series: an oblique cine of 3 slices and 2 frames, in classic files or a multi-frame one."""

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

SECRET = "Doe^Jane"
ROWS, COLUMNS, SLICES, FRAMES = 5, 6, 3, 2
ORIENTATION = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)
NORMAL = np.cross(ORIENTATION[:3], ORIENTATION[3:])
SPACING = (1.5, 1.25)
"""Of rows, then of columns."""
POSITION = np.array([10.0, -20.0, 30.0])
SLICE_MM = 8.0


def pixels(z, t):
    """Of one frame, `(rows, columns)`: no two pixels of a series are equal."""
    numbers = np.arange(ROWS * COLUMNS, dtype=np.int16).reshape(ROWS, COLUMNS)
    return numbers + np.int16(100 * z + 1000 * t)


def volume():
    """Of the series, `(x, y, z, t)`, slices along the normal, frames by trigger time."""
    cine = [[pixels(z, t).T for t in range(FRAMES)] for z in range(SLICES)]
    return np.array(cine).transpose(2, 3, 0, 1)


def affine():
    """Of the series, RAS."""
    columns = (
        np.array(ORIENTATION[:3]) * SPACING[1],
        np.array(ORIENTATION[3:]) * SPACING[0],
        NORMAL * SLICE_MM,
        POSITION,
    )
    lps = np.eye(4)
    lps[:3] = np.stack(columns, axis=1)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def write_series(folder, change=lambda dataset, z, t: None, series="1"):
    """Classic files whose names and instance numbers run against places and times.

    `change(dataset, z, t)` alters a file before it is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for z in range(SLICES):
        for t in range(FRAMES):
            dataset = _dataset(MRImageStorage, series)
            dataset.InstanceNumber = 100 - FRAMES * z - t
            dataset.ImagePositionPatient = list(POSITION + z * SLICE_MM * NORMAL)
            dataset.ImageOrientationPatient = list(ORIENTATION)
            dataset.PixelSpacing = list(SPACING)
            dataset.TriggerTime = 20.0 + 30.0 * t
            dataset.PixelData = pixels(z, t).tobytes()
            change(dataset, z, t)
            dataset.save_as(folder / f"{9 - FRAMES * z - t}-{series}.dcm", enforce_file_format=True)
    return folder


def write_multi_frame(path, order, timed=True):
    """One enhanced file with the frames `(z, t)` in the given order."""
    dataset = _dataset(EnhancedMRImageStorage, "1")
    dataset.NumberOfFrames = len(order)
    measures = Dataset()
    measures.PixelSpacing, measures.SpacingBetweenSlices = list(SPACING), SLICE_MM
    orientation = Dataset()
    orientation.ImageOrientationPatient = list(ORIENTATION)
    dataset.SharedFunctionalGroupsSequence = Sequence(
        [_groups(PixelMeasuresSequence=measures, PlaneOrientationSequence=orientation)]
    )
    per_frame = []
    for z, t in order:
        position, heart, values = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = list(POSITION + z * SLICE_MM * NORMAL)
        if timed:
            heart.NominalCardiacTriggerDelayTime = 20.0 + 30.0 * t
        values.RescaleSlope, values.RescaleIntercept = 0.5 + z, -3.0
        per_frame.append(
            _groups(
                PlanePositionSequence=position,
                CardiacSynchronizationSequence=heart,
                PixelValueTransformationSequence=values,
            )
        )
    dataset.PerFrameFunctionalGroupsSequence = Sequence(per_frame)
    dataset.PixelData = np.stack([pixels(z, t) for z, t in order]).tobytes()
    dataset.save_as(path, enforce_file_format=True)
    return path


def _groups(**items):
    groups = Dataset()
    for name, item in items.items():
        setattr(groups, name, Sequence([item]))
    return groups


def _dataset(kind, series):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = kind
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = f"1.2.{series}"
    dataset.Modality = "MR"
    dataset.PatientName = dataset.PatientID = dataset.SeriesDescription = SECRET
    dataset.StudyDate = "19990131"
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    return dataset
