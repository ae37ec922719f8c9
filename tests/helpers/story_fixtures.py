"""The tutorial's commands, run once with tiny networks."""

import contextlib
import csv
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from cmrtf.bundle.models import LoadedModels
from graphs import without_graphs
from shared import built_once

if TYPE_CHECKING:
    from cmrtf_export.session_model import SessionModel

TINY_PRESET = """\
vae:
  {latent_dim: 4, widths: [4, 4, 4, 4], depth: 1, batch_size: 2, steps: 2, interval_steps: 2,
   learning_rate: 1.0e-3, kl_weight: 1.0, kl_warmup_steps: 1}
gan:
  {style_dim: 4, context_dim: 2, base_width: 1, hidden_channels: 4, style_base_width: 8,
   discriminator_base_width: 4, discriminator_layers: 2, batch_size: 2, steps: 2, interval_steps: 2}
"""


STORY = (
    "cmrtf phantom phantom --subjects 4 --frames 2",
    "cmrtf check phantom",
    "cmrtf prepare phantom prepared --validation-fraction 0.5",
    "cmrtf train-vae prepared --run runs/vae --preset tiny.yaml",
    "cmrtf train-gan prepared --run runs/gan --preset tiny.yaml",
    "cmrtf export --vae runs/vae --gan runs/gan --patient-codes bundle",
    "cmrtf export --check bundle",
)
"""How the tutorial begins, with less of everything."""
EVALUATION = "cmrtf evaluate --model bundle --data prepared --out evaluation --walks 4 --training-steps 2"
"""The same of its evaluation."""


@dataclass(frozen=True)
class Story:
    """What the commands left behind, and what they said."""

    raw: Path
    prepared: Path
    vae_run: Path
    gan_run: Path
    bundle: Path
    preset: Path
    said: dict[str, str]
    """By command; what `export --check` says, by that."""
    commands: tuple[str, ...]
    """As they stand in the tutorial, but for sizes."""
    patient_name: str
    """Stands in every text field of the raw files' headers, in the table, and is the raw folder's name."""


@pytest.fixture(scope="session")
def story(tmp_path_factory) -> Iterator[Story]:
    """The whole way through the command line once, with tiny networks: to read only."""
    story = built_once(tmp_path_factory, "story", _tell)
    with pytest.MonkeyPatch.context() as patch:
        _load_once(story.bundle, patch)
        yield story


@pytest.fixture(scope="session")
def evaluated(story, tmp_path_factory) -> Path:
    """The folder that `EVALUATION` made, with tiny segmenters: to read only."""
    return built_once(tmp_path_factory, "evaluated", lambda folder: _evaluate(story, folder))


def _tell(folder: Path) -> Story:
    names = (PATIENT_NAME, "prepared", "vae", "gan", "bundle")
    raw, prepared, vae, gan, bundle = (folder / name for name in names)
    preset = folder / "tiny.yaml"
    preset.write_text(TINY_PRESET)
    names_in_tutorial = ("phantom", "prepared", "runs/vae", "runs/gan", "bundle", "tiny.yaml")
    paths = dict(zip(names_in_tutorial, (raw, prepared, vae, gan, bundle, preset), strict=True))
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.cpu_count", lambda: 1)  # processes take longer to start than four phantoms to make
        for line in STORY:
            command = "export --check" if "--check" in line else line.split()[1]
            with without_graphs() if command.startswith("train") else contextlib.nullcontext():
                if command == "export --check":
                    patch.setattr("cmrtf_export.check.SessionModel", session_model)
                said[command] = _run(line, paths)
            if command == "phantom":
                _write_into_headers(raw, PATIENT_NAME)
                _write_into_table(raw, PATIENT_NAME)
    return Story(raw, prepared, vae, gan, bundle, preset, said, STORY, PATIENT_NAME)


def _evaluate(story: Story, folder: Path) -> Path:
    from cmrtf.training.segmenter_store import SegmenterConfig, SegmenterStore

    tiny = SegmenterConfig(widths=(4, 4), batch_size=2)
    paths = {"bundle": story.bundle, "prepared": story.prepared, "evaluation": folder / "evaluation"}
    with pytest.MonkeyPatch.context() as patch, without_graphs():
        store = functools.partial(SegmenterStore, config=tiny)
        patch.setattr("cmrtf.training.segmenter_store.SegmenterStore", store)
        _run(EVALUATION, paths)
    return paths["evaluation"]


def _run(line: str, paths: dict[str, Path]) -> str:
    """Run a `cmrtf ...` line in this process, with paths for names in it, and return what it says."""
    from cmrtf_cli.main import cli

    _, command, *arguments = line.split()
    arguments = [str(paths.get(argument, argument)) for argument in arguments]
    result = CliRunner().invoke(cli, [command, *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@functools.cache
def session_model(folder: Path) -> "SessionModel":
    """A SavedModel as a server runs it, loaded once: its first answers take seconds."""
    from cmrtf_export.session_model import SessionModel

    return SessionModel(folder)


def _load_once(bundle: Path, patch: pytest.MonkeyPatch) -> None:
    """Whatever opens this bundle gets the models that were loaded first: loading them takes seconds."""
    load, loaded = LoadedModels.signatures.func, []

    def signatures(models):
        if models.bundle.resolve() != bundle.resolve():
            return load(models)
        if not loaded:
            loaded.append(load(models))
        return loaded[0]

    shared = functools.cached_property(signatures)
    shared.__set_name__(LoadedModels, "signatures")
    patch.setattr(LoadedModels, "signatures", shared)


PATIENT_NAME = "DOE^JOHN"


def _write_into_headers(raw, text):
    """As scanners and converters do with names of patients."""
    for path in raw.rglob("*.nii.gz"):
        volume = nib.load(path)
        volume = nib.Nifti1Image(np.asanyarray(volume.dataobj), volume.affine, volume.header)
        for field in ("descrip", "aux_file", "intent_name", "db_name"):
            volume.header[field] = text
        volume.header.extensions.append(nib.nifti1.Nifti1Extension("comment", text.encode()))
        volume.to_filename(path)


def _write_into_table(raw, text):
    """Into every column that is not needed, and one more."""
    (table,) = raw.glob("*.csv")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    needed = ("External code", "Vendor", "ED", "ES", "Pathology")
    for row in rows:
        row |= dict.fromkeys((*set(row).difference(needed), "Name"), text)
        row["Pathology"] += f" of {text}" if row is rows[0] else ""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
