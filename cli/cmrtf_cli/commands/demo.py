"""`cmrtf demo`: the whole story, from raw data to a report."""

import hashlib
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from cmrtf.errors import CmrtfError
from cmrtf_cli import options
from cmrtf_cli.quiet import start_tensorflow


@click.command("demo", epilog="Example: cmrtf demo --out demo   or   cmrtf demo --data ACDC/ --out demo-acdc")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for everything.",
)
@click.option(
    "--data",
    "raw",
    type=click.Path(path_type=Path),
    metavar="RAW",
    help="A raw data set, as for prepare.  [default: a phantom cohort, made on the spot]",
)
@click.option(
    "--preset", metavar="NAME|FILE", help="Of the training.  [default: demo for the phantom, cpu for RAW]"
)
@options.seed
def command(out: Path, raw: Path | None, preset: str | None, seed: int) -> None:
    """Prepare, train, export, interpolate and report: minutes on the phantom, half an hour on RAW.

    Run it again on the same folder to go on where it stopped: parts that are finished stay.
    """
    started = time.monotonic()
    preset = preset or ("demo" if raw is None else "cpu")
    stages: list[tuple[str, Callable[[], None]]] = []
    if raw is None:
        raw = out / "raw"
        stages.append(("Making a phantom cohort", lambda: _phantom(out / "raw", seed)))
    source = raw
    stages += [
        ("Preparing it", lambda: _prepare(source, out / "prepared", seed)),
        ("Training the label VAE", lambda: _train_vae(out, preset, seed)),
        ("Training the SPADE GAN", lambda: _train_gan(out, preset, seed)),
        ("Exporting SavedModels", lambda: _export(out)),
        ("Walking between two subjects", lambda: _walk(out, seed)),
    ]
    _settle(
        out, {"data": "phantom" if source == out / "raw" else _name(source), "preset": preset, "seed": seed}
    )
    start_tensorflow()
    for number, (title, stage) in enumerate(stages, start=1):
        click.secho(f"\n[{number}/{len(stages)}] {title} ({_minutes(started)} so far)", bold=True)
        stage()
    click.secho(f"\nDone in {_minutes(started)}. Where to look:", bold=True)
    for path, what in (
        ("walk/report.html", "slide through the hearts, in a browser"),
        ("walk/figure.png", "32 slices of each end, 8 subjects in between"),
        ("walk/measures.csv", "volumes, ejection fraction, mass"),
        ("runs/gan/samples", "synthetic beside real, as training went on"),
        ("runs/vae/samples", "labels and their reconstructions"),
        ("bundle", "the SavedModels: use them with cmrtf interpolate --model"),
    ):
        click.echo(f"  {out / path!s:32} {what}")


def _name(raw: Path) -> str:
    """Tells data sets apart without carrying a path of the user's into the outputs."""
    return f"{raw.name} {hashlib.sha256(str(raw.resolve()).encode()).hexdigest()[:12]}"


def _settle(out: Path, settings: dict[str, str | int]) -> None:
    """Keep to the settings that the demo in `out` was started with."""
    file = out / "demo.json"
    if file.exists():
        started = json.loads(file.read_text())
        if started != settings:
            raise CmrtfError(f"{file}: expected the settings of before, {started}. Received: {settings}.")
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CmrtfError(f"{out}: expected a new or empty folder, or one with a demo to go on with.")
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings) + "\n")


def _minutes(started: float) -> str:
    seconds = round(time.monotonic() - started)
    return f"{seconds // 60} min {seconds % 60:02d} s"


def _done(path: Path) -> bool:
    """Outputs appear under their final name only when complete, so being there is being done."""
    if path.exists():
        click.echo(f"Kept: {path}.")
    return path.exists()


def _phantom(out: Path, seed: int) -> None:
    from cmrtf.phantom.cohort import write_phantom_cohort

    if not _done(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        write_phantom_cohort(out, seed=seed)


def _prepare(raw: Path, out: Path, seed: int) -> None:
    from cmrtf.cohort.build import build_cohort
    from cmrtf.cohort.cohort import MANIFEST_NAME

    if not _done(out / MANIFEST_NAME):
        build_cohort(raw, out, seed=seed, progress=True)


def _train_vae(out: Path, preset: str, seed: int) -> None:
    from cmrtf.training.train_vae import train_vae

    train_vae(out / "prepared", out / "runs" / "vae", preset, seed=seed, resume=True)


def _train_gan(out: Path, preset: str, seed: int) -> None:
    from cmrtf.training.train_gan import train_gan

    train_gan(out / "prepared", out / "runs" / "gan", preset, seed=seed, resume=True)


def _export(out: Path) -> None:
    from cmrtf_export.export import export_bundle

    if not _done(out / "bundle"):
        export_bundle(out / "runs" / "vae", out / "runs" / "gan", out / "bundle")


def _walk(out: Path, seed: int) -> None:
    from cmrtf.bundle.bundle import Bundle
    from cmrtf.cohort.cohort import PreparedCohort
    from cmrtf.synthesis.pairs import dissimilar_pair
    from cmrtf_cli.interpolation import interpolate

    if not _done(out / "walk"):
        pair = dissimilar_pair(PreparedCohort.open(out / "prepared"))
        open_bundle = partial(Bundle.open, out / "bundle")
        interpolate(
            open_bundle, out / "prepared", pair, out / "walk", "both", slices=32, subjects=8, seed=seed
        )
