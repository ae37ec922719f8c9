"""Whether a change of the code changes what its users get: every byte of the outputs of fixed inputs.

    python benchmarks/compare_outputs.py record INPUTS OUTPUTS [--source CHECKOUT]
    python benchmarks/compare_outputs.py compare OUTPUTS_BEFORE OUTPUTS_AFTER

`record` runs the commands of a checkout (default: this one) on fixed inputs, about ten minutes on two cores.
INPUTS is a folder that one run of some version has made and that stays as it is:

    demo/           `cmrtf demo --out INPUTS/demo`: phantom, prepared cohort, runs and bundle
    short_vae/, short_gan/   runs of 20 steps on demo/prepared, `--deterministic`, a checkpoint after 10
    short.yaml      their preset
    acdc/           a prepared cohort of patients, and acdc_bundle/ of runs on it (both optional)
    acdc_raw        a link to the patients' raw data

`compare` lists what differs: NIfTI, CSV, JSON, npz, TFRecord, text and pictures byte by byte, and tensors of
checkpoints; in JSON without what is new in every run (times, hashes of pages and pictures). Kinds in
measures.csv may differ where the CHANGELOG says so.
"""

import argparse
import csv
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
VOLATILE = {"created_utc", "outputs_sha256", "versions", "cmrtf_version"}
COMPARED = {".gz", ".nii", ".csv", ".tsv", ".json", ".jsonl", ".npz", ".tfrecord", ".txt", ".png"}


PHANTOM = """
check: check {demo}/raw --json
prepare: prepare {demo}/raw {out}/prepared
prepare-beam: prepare {demo}/raw {out}/sharded --beam
export-check: export --check {demo}/bundle
intra: interpolate {phantom} --subject-a {a} --out {out}/intra
inter: interpolate {phantom} --subject-a {a} --subject-b {b} --out {out}/inter
exact: interpolate {phantom} --subject-a {a} --subject-b {b} --exact-ends --no-repair --phase ED
    --slices 16 --subjects 3 --out {out}/exact
remodel: remodel {phantom} --subject {a} --towards DCM --steps 2 --target "EF=40 %" --out {out}/remodel
synthesize: synthesize --model {demo}/bundle {out}/inter/inter_04_ED/label.nii.gz --style A --seed 3
    --out {out}/synthesized.nii.gz
generate-mnms: generate --model {demo}/bundle --subjects 3 --format mnms --seed 5 --out {out}/generated
generate-nnunet: generate --model {demo}/bundle --subjects 3 --format nnunet --seed 5
    --out {out}/Dataset501_Hearts
generate-bids: generate --model {demo}/bundle --subjects 3 --format bids --seed 5 --out {out}/bids
evaluate: evaluate {phantom} --walks 4 --training-steps 20 --out {out}/evaluation
resume-vae: train-vae {demo}/prepared --run {out}/resumed_vae --preset {inputs}/short.yaml --resume
    --deterministic
resume-gan: train-gan {demo}/prepared --run {out}/resumed_gan --preset {inputs}/short.yaml --resume
    --deterministic
"""

PATIENTS = """
acdc-check: check {inputs}/acdc_raw --json
acdc-prepare: prepare {inputs}/acdc_raw {out}/acdc
acdc-inter: interpolate {patients} --subject-a patient001 --subject-b patient050 --out {out}/acdc_inter
acdc-remodel: remodel {patients} --subject patient021 --towards NOR --steps 2 --out {out}/acdc_remodel
acdc-generate: generate --model {inputs}/acdc_bundle --subjects 2 --where "EF<45 %" --out {out}/acdc_generated
acdc-synthesize: synthesize --model {inputs}/acdc_bundle --style patient005
    {out}/acdc_inter/inter_04_ED/label.nii.gz --out {out}/acdc_synthesized.nii.gz
"""


def commands(inputs: Path, out: Path) -> dict[str, list[str]]:
    """Name to arguments of each command."""
    manifest = json.loads((inputs / "demo/prepared/manifest.json").read_text())
    codes = sorted(subject["subject"] for subject in manifest["subjects"])
    demo = inputs / "demo"
    text = (PHANTOM + (PATIENTS if (inputs / "acdc").exists() else "")).format(
        inputs=inputs,
        out=out,
        demo=demo,
        a=codes[0],
        b=codes[-1],
        phantom=f"--model {demo}/bundle --data {demo}/prepared",
        patients=f"--model {inputs}/acdc_bundle --data {inputs}/acdc",
    )
    lines = [line for line in text.replace("\n    ", " ").splitlines() if line]
    return {name: shlex.split(arguments) for name, _, arguments in (line.partition(": ") for line in lines)}


def record(inputs: Path, out: Path, source: Path) -> None:
    """Run all commands of a checkout, and go on with its runs from their first checkpoint."""
    inputs, out = inputs.resolve(), out.resolve()
    out.mkdir(parents=True)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(source / part) for part in ("", "cli", "export")),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    for model in ("vae", "gan"):
        checkpoints = shutil.copytree(inputs / f"short_{model}", out / f"resumed_{model}") / "checkpoints"
        for file in checkpoints.glob("ckpt-20*"):
            file.unlink()
    failed = []
    for name, arguments in commands(inputs, out).items():
        print(f"{name} ...", flush=True)
        command = [sys.executable, "-m", "cmrtf_cli", *arguments]
        done = subprocess.run(command, env=environment, cwd=inputs, capture_output=True, text=True)
        said = done.stdout.replace(str(out), "OUT").replace(str(inputs), "INPUTS")
        (out / f"said_{name}.txt").write_text(said, encoding="utf-8")
        if done.returncode:
            failed.append(name)
            print(f"{name}: exit code {done.returncode}: {done.stderr[-2000:]}")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def compare(before: Path, after: Path) -> None:
    """Print every difference; the exit code says whether there is one."""
    names = {
        file.relative_to(folder).as_posix()
        for folder in (before, after)
        for file in folder.rglob("*")
        if file.is_file() and _is_compared(file)
    }
    differences = [name for name in sorted(names) if _differ(before / name, after / name)]
    for name in differences:
        print(
            name if (before / name).is_file() and (after / name).is_file() else f"{name}: in one of them only"
        )
    print(f"{len(names)} files compared, {len(differences)} differ")
    sys.exit(bool(differences))


def _is_compared(file: Path) -> bool:
    if "-segmenters" in file.as_posix():
        return False
    return file.suffix in COMPARED or file.suffix.startswith(".data-")


def _differ(one: Path, other: Path) -> bool:
    if not (one.is_file() and other.is_file()):
        return True
    return _content(one) != _content(other)


def _content(file: Path) -> object:
    if file.suffix == ".json":
        return _without(json.loads(file.read_text(encoding="utf-8")))
    if file.name == "measures.csv":
        with file.open(newline="", encoding="utf-8") as stream:
            return [row | {"kind": ""} for row in csv.DictReader(stream)]
    return file.read_bytes()


def _without(value: object) -> object:
    """JSON without what differs from run to run; keys in their order, which is part of the file."""
    if isinstance(value, dict):
        return [(key, _without(entry)) for key, entry in value.items() if key not in VOLATILE]
    return [_without(entry) for entry in value] if isinstance(value, list) else value


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record")
    recording.add_argument("inputs", type=Path)
    recording.add_argument("out", type=Path)
    recording.add_argument("--source", type=Path, default=HERE)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    arguments = parser.parse_args()
    if arguments.verb == "record":
        record(arguments.inputs, arguments.out, arguments.source.resolve())
    else:
        compare(arguments.before, arguments.after)


if __name__ == "__main__":
    main()
