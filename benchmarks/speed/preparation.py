"""How time and memory of preparing, and of reading batches, grow with the cohort: in files and in shards.

    python benchmarks/speed/preparation.py

It needs Apache Beam (`pip install '.[beam]'`) and prints the table of docs/how-to/large-cohorts.md. Subjects
are made here: small, but with all that a subject has. Every measurement is a process of its own, whose
processor time and peak memory the system tells.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from cmrtf.cohort.cohort import MANIFEST_NAME, read_manifest
from cmrtf.cohort.shard_format import SHARDS_FOLDER, SLICES_SUFFIX, SUBJECTS_SUFFIX, record_bytes
from cmrtf.core.nifti import write_nifti

SIZES = (50, 150, 450)
LARGE_SIZES = (1000, 50_000)
STEPS = 60
TEMPLATES = 4
SHAPE, SPACING_MM = (64, 64, 8), (3.0, 3.0, 10.0)

COLUMNS = (
    "subjects",
    "kind",
    "prepare, CPU s",
    "again, CPU s",
    "peak MB",
    "training slices",
    "open, s",
    "batch of 8, ms",
    "of it CPU, ms",
    "peak MB",
)

PREPARE_FILES = """
from cmrtf.cohort.build import prepare
prepare(raw, out)
"""
PREPARE_SHARDS = """
from cmrtf.cohort.build import prepare
prepare(raw, out, beam=True)
"""
BATCHES = """
import time
from cmrtf.training.augmentation import AugmentationConfig
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.training.input_pipeline import Slices, image_batches
began = time.perf_counter()
cohort = PreparedCohort.open(out)
slices = Slices.of_split(cohort, "train")
opened = time.perf_counter()
batches = iter(image_batches(slices, AugmentationConfig(), 8, range(10 + steps), 0, 64, 6))
for _ in range(10):
    next(batches)
began_reading, cpu = time.perf_counter(), time.process_time()
for _ in range(steps):
    next(batches)
print(json.dumps({
    "slices": len(slices.stack),
    "open_s": opened - began,
    "batch_ms": (time.perf_counter() - began_reading) / steps * 1e3,
    "batch_cpu_ms": (time.process_time() - cpu) / steps * 1e3,
}))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        print(f"| {' | '.join(COLUMNS)} |\n|{' ---: |' * len(COLUMNS)}")
        for size in SIZES:
            raw = Path(scratch) / f"raw{size}"
            _write_raw(raw, size)
            for kind, prepare in (("files", PREPARE_FILES), ("shards", PREPARE_SHARDS)):
                out = Path(scratch) / f"{kind}{size}"
                first, again, read = (_measure(code, raw, out) for code in (prepare, prepare, BATCHES))
                cells = (
                    f"{size:,}",
                    kind,
                    *(f"{first['cpu_s']:.1f}", f"{again['cpu_s']:.1f}", f"{first['peak_mb']:.0f}"),
                    *(f"{read['slices']:,}", f"{read['open_s']:.2f}", f"{read['batch_ms']:.1f}"),
                    *(f"{read['batch_cpu_ms']:.1f}", f"{read['peak_mb']:.0f}"),
                )
                print(f"| {' | '.join(cells)} |", flush=True)
        _print_large(Path(scratch) / f"shards{SIZES[0]}", Path(scratch))


def _print_large(model: Path, scratch: Path) -> None:
    """Reading cohorts too large to prepare here: real records under new codes, and slices without content."""
    print("\n| subjects | training slices | open, s | batch of 8, ms | peak MB |\n|" + " ---: |" * 5)
    for size in LARGE_SIZES:
        out = scratch / f"large{size}"
        _write_hollow_shards(out, model, size)
        read = _measure(BATCHES, scratch, out)
        print(
            f"| {size:,} | {read['slices']:,} | {read['open_s']:.2f} | {read['batch_ms']:.1f} "
            f"| {read['peak_mb']:.0f} |",
            flush=True,
        )


def _write_hollow_shards(out: Path, model: Path, count: int) -> None:
    manifest = read_manifest(model)
    (name,) = manifest["shards"]
    lines = (model / SHARDS_FOLDER / f"{name}{SUBJECTS_SUFFIX}").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    names = [f"{number:05d}" for number in range(count // len(records))]
    (out / SHARDS_FOLDER).mkdir(parents=True)
    for name in names:
        for record in records:
            record["record"]["subject"] = f"{name}-{record['record']['subject'][-6:]}"
        text = "".join(json.dumps(record) + "\n" for record in records)
        (out / SHARDS_FOLDER / f"{name}{SUBJECTS_SUFFIX}").write_text(text)
        with (out / SHARDS_FOLDER / f"{name}{SLICES_SUFFIX}").open("wb") as file:
            file.truncate(sum(len(record["hearts"]) for record in records) * record_bytes(manifest["size"]))
    manifest |= {"shards": names, "validation": []}
    (out / MANIFEST_NAME).write_text(json.dumps(manifest))


def _measure(code: str, raw: Path, out: Path) -> dict[str, float]:
    """Processor seconds and peak memory of a process, and what it prints."""
    head = f"import json\nfrom pathlib import Path\nsteps = {STEPS}\n"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{head}raw, out = Path({str(raw)!r}), Path({str(out)!r})\n{code}"],
        stdout=subprocess.PIPE,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    assert process.stdout
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a measurement ended with {process.returncode}")
    return {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        **json.loads(printed or "{}"),
    }


def _write_raw(raw: Path, count: int) -> None:
    """Patients in the layout of ACDC: a few ones over and over, told apart by one voxel."""
    templates = [_template(number) for number in range(TEMPLATES)]
    for number in range(count):
        patient = f"patient{number:06d}"
        folder = raw / patient
        folder.mkdir(parents=True)
        (folder / "Info.cfg").write_text(f"ED: 1\nES: 3\nGroup: {('NOR', 'DCM', 'HCM')[number % 3]}\n")
        for suffix, content in templates[number % TEMPLATES].items():
            own = content if suffix.endswith("_gt") else content[:-2] + number.to_bytes(2, "little")
            (folder / f"{patient}_{suffix}.nii.gz").write_bytes(gzip.compress(own, 1))


def _template(seed: int) -> dict[str, bytes]:
    """NIfTI files of both phases: rings and crescents that narrow to the apex, and noise."""
    rng = np.random.default_rng(seed)
    x, y, z = np.indices(SHAPE)
    files = {}
    for frame, scale in ((1, 1.0), (3, 0.8)):
        width = (9 + seed) * scale * (0.4 + 0.6 * z / SHAPE[2])
        distance = np.hypot(x - 30, y - 32) / width
        crescent = np.hypot(x - 30 - 1.3 * width, y - 32) < width
        label_ids = np.select([distance < 0.6, distance < 1, crescent], [3, 2, 1], 0).astype(np.uint8)
        image = np.array([80, 280, 100, 300])[label_ids] + rng.normal(0, 20, SHAPE)
        for suffix, data in (
            (f"frame{frame:02d}", image.astype(np.int16)),
            (f"frame{frame:02d}_gt", label_ids),
        ):
            files[suffix] = _nifti(data)
    return files


def _nifti(data: np.ndarray) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.nii"
        write_nifti(path, data, np.diag([*SPACING_MM, 1.0]))
        return path.read_bytes()


if __name__ == "__main__":
    main()
