"""A synthetic cohort, written the way M&Ms is published."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.arguments import MAX_FRAMES, MAX_SEED, MAX_SUBJECTS, MAX_WORKERS, require_flags, require_whole
from cmrtf.core.files import new_folder
from cmrtf.core.progress import progress_bar
from cmrtf.core.stopping import end_with_parent, starting_processes
from cmrtf.datasets import mnms
from cmrtf.errors import CmrtfError
from cmrtf.phantom.heart import Heart
from cmrtf.phantom.physiology import PATHOLOGIES, Physiology, contraction_curve, draw_physiology
from cmrtf.phantom.protocol import VENDORS, Protocol, Vendor, plan_protocol
from cmrtf.phantom.scanner import Scanner


@dataclass(frozen=True)
class PhantomSubject:
    """One synthetic examination, in the axis order of its files.

    Args:
        image: `(x, y, z, t)` int16, stored intensities.
        label_ids: `(x, y, z, t)` uint8 in the project's order; empty but at ED and ES.
        ed_frame: 0-based frame of end diastole.
        es_frame: 0-based frame of end systole.
        frame_s: time from frame to frame in seconds.
        physiology: the person, with true volumes and mass.
        protocol: the examination; its `affine` belongs to both arrays.
    """

    image: NDArray[np.int16]
    label_ids: NDArray[np.uint8]
    ed_frame: int
    es_frame: int
    frame_s: float
    physiology: Physiology
    protocol: Protocol


def make_subject(seed: np.random.SeedSequence, vendor: Vendor, pathology: str, frames: int) -> PhantomSubject:
    """Draw and scan one subject.

    Most cines start at end diastole; in one of four it is the last frame, as in stacks triggered late.

    Args:
        seed: all randomness comes from it.
        vendor: vendor of the scanner.
        pathology: "NOR", "DCM" or "HCM".
        frames: frames per beat, at least 2.
    """
    rng = np.random.default_rng(seed)
    physiology = draw_physiology(rng, pathology)
    heart = Heart(physiology, rng)
    protocol = plan_protocol(rng, vendor, heart)
    beat_s = rng.uniform(0.75, 1.05)
    shift = -1 if rng.random() < 0.25 else 0

    curve, es_frame = contraction_curve(frames)
    states = [heart.state(float(contraction)) for contraction in np.roll(curve, shift)]
    ed_frame, es_frame = shift % frames, (es_frame + shift) % frames
    scanner = Scanner(protocol, heart, rng)
    image = scanner.cine(states)
    label_ids = np.zeros(image.shape, dtype=np.uint8)
    for frame in (ed_frame, es_frame):
        label_ids[frame] = scanner.label(states[frame])
    stored = slice(None, None, -1 if protocol.base_first else 1)
    return PhantomSubject(
        image=image.transpose(3, 2, 1, 0)[:, :, stored],
        label_ids=label_ids.transpose(3, 2, 1, 0)[:, :, stored],
        ed_frame=ed_frame,
        es_frame=es_frame,
        frame_s=beat_s / frames,
        physiology=physiology,
        protocol=protocol,
    )


def write_phantom_cohort(
    out: Path | str,
    subjects: int = 24,
    frames: int = 10,
    seed: int = 1,
    workers: int | None = None,
    progress: bool = False,
) -> None:
    """Write a synthetic cohort in M&Ms layout.

    `out/<CODE>/<CODE>_sa.nii.gz` and `_sa_gt.nii.gz`, and the table of subjects. Vendors alternate between
    A and B, and pathologies turn through NOR, DCM and HCM, so that all six combinations are equally
    frequent. The same seed gives the same cohort whatever the number of workers. With more than one worker,
    processes are spawned: a script that calls this needs the usual `if __name__ == "__main__"`.

    Args:
        out: new folder; may exist if it is empty.
        subjects: number of subjects.
        frames: frames per beat, at least 2.
        seed: of the whole cohort.
        workers: number of processes; that of processors if None.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: a number is out of range, `out` has something in it or cannot be written.
    """
    require_flags(progress=progress)
    require_whole("subjects", subjects, 1, MAX_SUBJECTS)
    require_whole("frames", frames, 2, MAX_FRAMES)
    require_whole("seed", seed, 0, MAX_SEED)
    require_whole("workers", 1 if workers is None else workers, 1, MAX_WORKERS)
    with new_folder(Path(out)) as folder:
        tasks = _plan_cohort(folder, subjects, frames, seed)
        rows = list(_run(tasks, min(workers or os.cpu_count() or 1, subjects), progress))
        mnms.write_table(folder, sorted(rows, key=lambda row: str(row["External code"])))


@dataclass(frozen=True)
class _Task:
    """One subject to be written by a worker."""

    folder: Path
    code: str
    seed: np.random.SeedSequence
    vendor: Vendor
    pathology: str
    frames: int


def _plan_cohort(folder: Path, subjects: int, frames: int, seed: int) -> list[_Task]:
    root = np.random.SeedSequence(seed)
    codes = _draw_codes(np.random.default_rng(root), subjects)
    pathologies = tuple(PATHOLOGIES)
    return [
        _Task(
            folder=folder,
            code=code,
            seed=child,
            vendor=VENDORS[i % len(VENDORS)],
            pathology=pathologies[i // len(VENDORS) % len(pathologies)],
            frames=frames,
        )
        for i, (code, child) in enumerate(zip(codes, root.spawn(subjects), strict=True))
    ]


def _draw_codes(rng: np.random.Generator, count: int) -> list[str]:
    """Distinct codes of the form A1B2C3, as M&Ms has them."""
    codes: dict[str, None] = {}
    while len(codes) < count:
        letters, digits = rng.integers(26, size=3), rng.integers(10, size=3)
        codes["".join(f"{chr(65 + a)}{b}" for a, b in zip(letters, digits, strict=True))] = None
    return list(codes)


def _run(tasks: list[_Task], workers: int, progress: bool) -> Iterator[dict[str, object]]:
    """Write all subjects; rows of the table in the order of completion."""
    with progress_bar(total=len(tasks), desc="Phantom", unit="subject", disable=not progress) as bar:
        if workers == 1:
            for task in tasks:
                yield _write_subject(task)
                bar.update()
            return
        # Spawned, not forked: the caller may have started TensorFlow's threads.
        context = multiprocessing.get_context("spawn")
        others = set(multiprocessing.active_children())
        with ProcessPoolExecutor(workers, context, initializer=end_with_parent) as pool:
            try:
                with starting_processes():
                    futures = [pool.submit(_write_subject, task) for task in tasks]
                for future in as_completed(futures):
                    yield future.result()
                    bar.update()
            except BrokenProcessPool as error:
                raise CmrtfError(
                    f"expected {workers} processes that make subjects. Received: one that was ended from "
                    f"outside, perhaps for want of memory. Ask for fewer workers."
                ) from error
            except BaseException:
                for process in set(multiprocessing.active_children()) - others:
                    process.terminate()  # what they write is not wanted any more
                raise


def _write_subject(task: _Task) -> dict[str, object]:
    """Write one subject's two files and return its row of the table."""
    subject = make_subject(task.seed, task.vendor, task.pathology, task.frames)
    mnms.write_cine(
        task.folder,
        task.code,
        subject.image,
        subject.label_ids,
        subject.protocol.affine,
        subject.frame_s,
    )
    person = subject.physiology
    return {
        "External code": task.code,
        "VendorName": task.vendor.name,
        "Vendor": task.vendor.letter,
        "Centre": subject.protocol.centre,
        "ED": subject.ed_frame,
        "ES": subject.es_frame,
        "Age": person.age,
        "Pathology": person.pathology,
        "Sex": person.sex,
        "Height": round(person.height_cm),
        "Weight": round(person.weight_kg),
    }
