"""How time and memory of `cmrtf generate` grow with the cohort: alone, and with Apache Beam.

    python benchmarks/speed/generating.py BUNDLE [--subjects 40 --subjects 120]

It needs Apache Beam (`pip install '.[beam]'`). Every measurement is a process of its own; processor time
counts that of Beam's workers, the peak of memory is that of the largest process. What all of them write must
be the same.
"""

import os
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import click

WAYS = {
    "one after another": [],
    "Beam, threads": ["--beam"],
    "Beam, processes": ["--beam", "--", "--direct_running_mode=multi_processing"],
}


@click.command()
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@click.option("--subjects", multiple=True, default=(40, 120), show_default=True)
def main(bundle: Path, subjects: tuple[int, ...]) -> None:
    """Print a table."""
    print("| subjects | made | wall, s | CPU, s | peak MB |\n| ---: | --- | ---: | ---: | ---: |")
    for count in subjects:
        made = set()
        for way, options in WAYS.items():
            with tempfile.TemporaryDirectory() as scratch:
                out = Path(scratch) / "out"
                command = ["generate", "--model", str(bundle), "--subjects", str(count), "--out", str(out)]
                wall_s, cpu_s, peak_mb = _measure([*command, *options])
                made.add(_images_sha256(out))
            print(f"| {count} | {way} | {wall_s:.0f} | {cpu_s:.0f} | {peak_mb:.0f} |", flush=True)
        if len(made) > 1:
            raise SystemExit(f"expected the same {count} subjects each time. Received: {len(made)} cohorts.")


def _measure(arguments: list[str]) -> tuple[float, float, float]:
    """Wall and processor seconds and peak memory of a command and all of its processes."""
    code = (
        "import resource, subprocess, sys; status = subprocess.run(sys.argv[1:]).returncode;"
        "usage = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024); sys.exit(status)"
    )
    began_s = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-c", code, str(Path(sys.executable).with_name("cmrtf")), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
    )
    cpu_s, peak_mb = map(float, process.stdout.splitlines()[-1].split())
    return time.monotonic() - began_s, cpu_s, peak_mb


def _images_sha256(out: Path) -> str:
    """Of all volumes of a cohort."""
    files = sorted(out.rglob("*.nii.gz"))
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


if __name__ == "__main__":
    main()
