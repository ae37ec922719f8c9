"""What a prepared cohort, a run or a bundle is: read from its small files, without TensorFlow."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from cmrtf.bundle.contents import BUNDLE_FILE, read_description
from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort, read_manifest
from cmrtf.cohort.record import SPLITS, TRAIN, SubjectRecord
from cmrtf.core.files import is_file
from cmrtf.core.text import counts_by_name
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.synthesis.protocols import ANATOMY_BANK, LABEL_VAE, SPADE_GAN, STYLE_BANK
from cmrtf.training.run import RUN_FILE, RunDirectory, checkpoint_steps, kind_of_run


@dataclass(frozen=True)
class Info:
    """What a folder is.

    Args:
        kind: `"prepared cohort"`, `"run of label_vae"`, `"run of spade_gan"` or `"bundle"`.
        path: the folder.
        facts: name to value, as JSON has them.
    """

    kind: str
    path: Path
    facts: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return {"kind": self.kind, "path": str(self.path), **self.facts}

    def __str__(self) -> str:
        """A line per fact."""
        return "\n".join([f"{self.path}: {self.kind}", *_lines(self.facts, "  ")])


def info(path: str | PathLike[str]) -> Info:
    """What a prepared cohort, a run or a bundle is: subjects, split, vendors, what it was trained on.

    Args:
        path: its folder.

    Raises:
        CmrtfError: the folder is none of them, or is damaged.

    Example:
        `cmrtf.info("prepared").facts["split"]["train"]["vendor"]`
    """
    folder = Path(path)
    for name, describe in ((MANIFEST_NAME, _of_cohort), (RUN_FILE, _of_run), (BUNDLE_FILE, _of_bundle)):
        if is_file(folder / name):
            return describe(folder)
    raise CmrtfError(
        f"{folder}: expected a prepared cohort, with a {MANIFEST_NAME}, a run, with a {RUN_FILE}, or a "
        f"bundle, with a {BUNDLE_FILE}. Received: a folder with none of them, or no folder. What a raw data "
        "set is `cmrtf check` says."
    )


def _of_cohort(folder: Path) -> Info:
    cohort, manifest = PreparedCohort.open(folder), read_manifest(folder)
    records = list(cohort.records)
    facts = {
        "data_hash": cohort.data_hash,
        "format_version": manifest["version"],
        "made_by": f"cmrtf {manifest.get('cmrtf_version', 'unknown')}",
        "source_format": manifest.get("source_format"),
        "stored_in": "shards" if "shards" in manifest else "files",
        "subjects": len(records),
        "split": {split: _summary(record for record in records if record.split == split) for split in SPLITS},
        "validation_fraction": manifest.get("validation_fraction"),
        "seed": manifest.get("seed"),
        "skipped": _length(manifest.get("skipped")),
        "warnings": _length(manifest.get("warnings")),
    }
    return Info("prepared cohort", folder, facts)


def _of_run(folder: Path) -> Info:
    run = RunDirectory.open(folder, kind_of_run(folder))
    steps = checkpoint_steps(run.checkpoints)
    facts = {
        "steps": {"trained": steps[-1] if steps else 0, "of": run.config.steps, "before": run.earlier_steps},
        "trained_on": {"data_hash": run.data_hash, **_training_cohort(run)},
        "last_metrics": run.last_metrics(),
        "seed": run.seed,
        "versions": run.versions,
        "settings": dataclasses.asdict(run.config),
    }
    return Info(f"run of {run.kind}", folder, facts)


def _training_cohort(run: RunDirectory) -> dict[str, Any]:
    """Who a run is trained on, as far as its cohort is where it was and as it was."""
    try:
        cohort = PreparedCohort.open(run.cohort_folder) if run.prepared else None
    except CmrtfError:
        cohort = None
    if cohort is None:
        return {"cohort": "not there any more" if run.prepared else "not recorded"}
    if cohort.data_hash != run.data_hash:
        return {"cohort": f"not there any more: {run.prepared} is another one"}
    return {"cohort": run.prepared, **_summary(cohort.record(code) for code in cohort.codes(TRAIN))}


def _of_bundle(folder: Path) -> Info:
    description = read_description(folder)
    appearances = AppearanceBank.load(folder / STYLE_BANK).subjects.values()
    anatomies = folder / ANATOMY_BANK
    pathologies = AnatomyPrior.load(anatomies).pathologies.tolist() if is_file(anatomies) else []
    trained_on = description.get("trained_on") or {  # of before bundles said so
        "subjects": len(appearances),
        "vendor": counts_by_name(appearance.vendor for appearance in appearances),
        "centre": counts_by_name(appearance.centre for appearance in appearances),
    }
    models = {model: description[model] for model in (LABEL_VAE, SPADE_GAN)}
    facts = {
        "format_version": description["format_version"],
        "trained_on": {
            "data_hash": sorted({model["data_hash"] for model in models.values()}),
            **trained_on,
        },
        "patient_codes": description.get("patient_codes", True),
        "hearts_to_draw_from": {"hearts": len(pathologies), "pathology": counts_by_name(pathologies)},
        **{
            name: {entry: model[entry] for entry in ("steps_trained", "seed", "metrics", "config")}
            for name, model in models.items()
        },
        "versions": description.get("versions"),
    }
    return Info("bundle", folder, facts)


def _summary(records: Iterable[SubjectRecord]) -> dict[str, Any]:
    """How many there are of what."""
    records = list(records)
    return {
        "subjects": len(records),
        "slices": sum(record.num_slices * len(record.phases) for record in records),
        "vendor": counts_by_name(record.vendor for record in records),
        "centre": counts_by_name(record.centre for record in records),
        "pathology": counts_by_name(record.pathology for record in records),
        "phase": counts_by_name(phase for record in records for phase in record.phases),
    }


def _length(entries: Any) -> int | None:
    """How many there are; entries that cohorts are not read from are not checked either."""
    return len(entries) if isinstance(entries, list) else None


def _lines(facts: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in facts.items():
        if isinstance(value, dict) and any(isinstance(part, dict) for part in value.values()):
            yield f"{indent}{name}"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{f'{indent}{name}':28} {_text(value)}"


def _text(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        return " ".join(map(_text, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "unknown" if value is None else str(value)
