"""Measures everything in one run, contenders side by side.

    python benchmarks/speed/bench.py [--quick] [--out DIR] [--data PREPARED] [--raw RAW]

Writes `results.json`, `RESULTS.md` and plots. Labels and files are those of a phantom cohort unless
others are given.
"""

import datetime
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

HERE = Path(__file__).parent


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=HERE, help="Folder of the results; default: this one."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A prepared cohort to take labels from, in place of the phantom.",
)
@click.option(
    "--raw",
    type=click.Path(path_type=Path, exists=True),
    help="A raw data set to time preparing with, in place of the phantom.",
)
@click.option("--quick", is_flag=True, help="Two rounds of everything: to try the benchmark, not to measure.")
def bench(out: Path, data: Path | None, raw: Path | None, quick: bool) -> None:
    """Measure speed and precision, and write them down."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # processors are measured, for TensorFlow and PyTorch alike
    out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        results = measure_all(Path(scratch), data, raw, quick)
    results["seconds"] = time.perf_counter() - began

    from plots import draw_all
    from tables import render

    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (out / "RESULTS.md").write_text(render(results), encoding="utf-8")
    draw_all(results, out)
    click.echo(f"{results['seconds']:.0f} s in all. Written to {out}.")


def measure_all(scratch: Path, data: Path | None, raw: Path | None, quick: bool) -> dict[str, Any]:
    """All sections, one after the other."""
    # Imported here: the phantom's worker processes import this file again, and need none of it.
    import machine
    from growth import measure_growth
    from inference import measure_inference
    from labels import find_material
    from pipeline import measure_pipeline
    from serving_latency import measure_serving
    from spade_layer import measure_spade_layer
    from timing import QUICK, Effort
    from training import measure_training
    from vae import measure_vae

    def effort(seconds: float) -> Effort:
        return QUICK if quick else Effort(seconds=seconds)

    material = find_material(scratch, data, raw)
    results: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "quick": quick,
        "machine": machine.describe(),
        "source": f"{material.source}, {len(material.slices.label_ids)} slices",
        "peaks": _section("machine's peak", lambda: machine.measure_peaks(effort(20))),
    }
    sections: dict[str, Callable[[], Any]] = {
        "inference": lambda: measure_inference(material, results["peaks"], effort(20)),
        "spade_layer": lambda: measure_spade_layer(material, effort(20)),
        "training": lambda: measure_training(material, effort(40)),
        "vae": lambda: measure_vae(material, effort(15)),
        "growth": lambda: measure_growth(material, effort(2)),
        "pipeline": lambda: measure_pipeline(material, effort(10)),
        "serving": lambda: measure_serving(scratch / "bundle", material, effort(15)),
    }
    for name, measure in sections.items():
        results[name] = _section(name, measure)
    return results


def _section(name: str, measure: Callable[[], Any]) -> Any:
    """Measure one section, saying so."""
    click.echo(f"{name} ...", nl=False)
    began = time.perf_counter()
    result = measure()
    click.echo(f" {time.perf_counter() - began:.0f} s")
    return result


if __name__ == "__main__":
    bench()
