"""The stages of `cmrtf demo`: from raw data to a report, each kept when it is done."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import click

import cmrtf
from cmrtf.core.files import exists, real_path, sha256
from cmrtf.core.settings_file import keep_settings
from cmrtf.core.text import printable
from cmrtf.datasets.layouts import read_raw
from cmrtf.training.config import GANConfig, VAEConfig, load_config
from cmrtf_export.bundle_trainer import export_in_new_process

PLACES = (
    ("walk/report.html", "slide through the hearts, in a browser"),
    ("walk/figure.png", "32 slices of each end, 8 subjects in between"),
    ("walk/measures.csv", "volumes, ejection fraction, mass"),
    ("runs/gan/samples", "synthetic beside real, as training went on"),
    ("runs/vae/samples", "labels and their reconstructions"),
    ("bundle", "the SavedModels: use them with cmrtf interpolate --model"),
)
"""Where to look afterwards."""

SETTINGS_FILE = "demo.json"


def run_demo(out: Path, raw: Path | None, preset: str, seed: int) -> None:
    """Run all stages that are not done yet, and say where to look.

    Args:
        out: folder of everything.
        raw: a raw data set; None for a phantom cohort.
        preset: of the training.
        seed: of everything.

    Raises:
        CmrtfError: `out` holds something else, or a demo of other settings; there is no such preset or data
            set; a stage fails.
    """
    started = time.monotonic()
    stages = _stages(out, raw, preset, seed)
    load_config(preset, VAEConfig)  # refuses what is no preset
    load_config(preset, GANConfig)  # though it is needed in an hour only
    if raw and not exists(out / "prepared/manifest.json"):
        read_raw(raw)  # refuses what is no data set
    # Not before: a demo that was asked for wrongly leaves nothing behind.
    settings = {"data": "phantom" if raw is None else _name(raw), "preset": preset, "seed": seed}
    keep_settings(out / SETTINGS_FILE, settings, "a demo")
    for number, (title, stage) in enumerate(stages, start=1):
        click.echo(f"\n[{number}/{len(stages)}] {title} ({_minutes(started)} so far)")
        stage()
    click.echo(f"\nDone in {_minutes(started)}. Where to look:")
    for path, what in PLACES:
        click.echo(f"  {out / path!s:32} {what}")


def _stages(out: Path, raw: Path | None, preset: str, seed: int) -> list[tuple[str, Callable[[], None]]]:
    """Title and work of each stage."""
    prepared, vae, gan, bundle = out / "prepared", out / "runs/vae", out / "runs/gan", out / "bundle"
    source = raw or out / "raw"

    def phantom() -> None:
        if not _is_done(source):
            source.parent.mkdir(parents=True, exist_ok=True)
            cmrtf.write_phantom_cohort(source, seed=seed, progress=True)

    def prepare() -> None:
        if not _is_done(prepared / "manifest.json"):
            cmrtf.prepare(source, prepared, seed=seed, progress=True)

    def export() -> None:
        if not _is_done(bundle):
            export_in_new_process(vae, gan, bundle, patient_codes=raw is None)  # phantoms are no patients

    def interpolate() -> None:
        from cmrtf.synthesis.pairs import dissimilar_pair

        if not _is_done(out / "walk"):
            cohort = cmrtf.open_cohort(prepared)
            ends = [cohort[code] for code in dissimilar_pair(cohort)]
            facts = {"data_hash": cohort.data_hash, "seed": seed}
            cmrtf.load_bundle(bundle).interpolate(*ends, facts=facts).save(out / "walk")

    stages: list[tuple[str, Callable[[], None]]] = [
        ("Preparing it", prepare),
        ("Training the label VAE", lambda: cmrtf.train_vae(prepared, vae, preset, seed=seed, resume=True)),
        ("Training the SPADE GAN", lambda: cmrtf.train_gan(prepared, gan, preset, seed=seed, resume=True)),
        ("Exporting SavedModels", export),
        ("Interpolating between two subjects", interpolate),
    ]
    return stages if raw else [("Making a phantom cohort", phantom), *stages]


def _name(raw: Path) -> str:
    """Tells data sets apart without carrying a path of the user's into the outputs."""
    return f"{printable(raw.name)} {sha256(os.fsencode(real_path(raw)))[:12]}"


def _minutes(started: float) -> str:
    seconds = round(time.monotonic() - started)
    return f"{seconds // 60} min {seconds % 60:02d} s"


def _is_done(path: Path) -> bool:
    """Outputs appear under their final name only when complete, so being there is being done."""
    if exists(path):
        click.echo(f"Kept: {path}.")
    return exists(path)
