"""The shape of the code base: who may import what, what is packaged, and what must not be committed."""

import ast
import configparser
import functools
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import cmrtf
from cmrtf_cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = {"cmrtf": ROOT, "cmrtf_cli": ROOT / "cli", "cmrtf_export": ROOT / "export"}

BASE = {"cmrtf.errors", "cmrtf.version", "cmrtf.tensorflow_start"}
ALLOWED = {
    "cmrtf.core": {"cmrtf.errors"},
    "cmrtf.shape": {"cmrtf.core"},
    "cmrtf.metrics": {"cmrtf.core"},
    "cmrtf.datasets": BASE | {"cmrtf.core"},
    "cmrtf.quality": BASE | {"cmrtf.core", "cmrtf.shape", "cmrtf.datasets"},
    "cmrtf.cohort": BASE | {"cmrtf.core", "cmrtf.shape", "cmrtf.datasets", "cmrtf.quality"},
    "cmrtf.phantom": BASE | {"cmrtf.core", "cmrtf.datasets"},
    "cmrtf.synthesis": BASE | {"cmrtf.core", "cmrtf.shape", "cmrtf.quality", "cmrtf.cohort"},
    "cmrtf.report": BASE | {"cmrtf.core", "cmrtf.datasets", "cmrtf.synthesis"},
    "cmrtf.bundle": BASE | {"cmrtf.core", "cmrtf.synthesis", "cmrtf.report"},
    "cmrtf.layers": set(),
    "cmrtf.networks": {"cmrtf.layers"},
    "cmrtf.losses": {"cmrtf.errors"},
    "cmrtf.models": {"cmrtf.core", "cmrtf.layers", "cmrtf.losses", "cmrtf.networks"},
    "cmrtf.training": BASE
    | {"cmrtf.core", "cmrtf.shape", "cmrtf.metrics", "cmrtf.cohort", "cmrtf.synthesis"}
    | {"cmrtf.losses", "cmrtf.models"},
    "cmrtf.evaluation": BASE
    | {"cmrtf.core", "cmrtf.shape", "cmrtf.metrics", "cmrtf.cohort", "cmrtf.synthesis", "cmrtf.report"}
    | {"cmrtf.bundle", "cmrtf.training"},
    "cmrtf.adaptation": BASE
    | {"cmrtf.core", "cmrtf.shape", "cmrtf.datasets", "cmrtf.quality", "cmrtf.cohort", "cmrtf.synthesis"}
    | {"cmrtf.bundle", "cmrtf.training", "cmrtf.evaluation"},
    "cmrtf.benchmark": BASE
    | {"cmrtf.core", "cmrtf.metrics", "cmrtf.cohort", "cmrtf.synthesis", "cmrtf.bundle", "cmrtf.training"}
    | {"cmrtf.evaluation"},
    "cmrtf": {"cmrtf.errors", "cmrtf.version", "cmrtf.core", "cmrtf.quality", "cmrtf.cohort"}
    | {"cmrtf.phantom", "cmrtf.synthesis", "cmrtf.bundle", "cmrtf.training", "cmrtf.evaluation"}
    | {"cmrtf.adaptation", "cmrtf.benchmark"},
    "cmrtf_export": BASE
    | {"cmrtf.core", "cmrtf.bundle", "cmrtf.synthesis"}
    | {"cmrtf.layers", "cmrtf.models", "cmrtf.training"},
    "cmrtf_cli": BASE
    | {"cmrtf", "cmrtf_export"}
    | {"cmrtf.core", "cmrtf.datasets", "cmrtf.synthesis", "cmrtf.bundle", "cmrtf.training"},
}
"""Package to the packages and top-level modules that it may import beside itself, from the ground up: none
stands below one that it imports. A new arrow is a decision: draw it in ARCHITECTURE.md too."""

TENSORFLOW_FREE = (
    *("cmrtf.core", "cmrtf.shape", "cmrtf.metrics", "cmrtf.datasets", "cmrtf.quality", "cmrtf.phantom"),
    *("cmrtf.synthesis", "cmrtf.report"),
)
"""What needs no models, or only what a bundle (or a server) returns, runs on NumPy."""


def all_modules() -> dict[str, Path]:
    """Dotted name to file of every module on disk."""
    modules = {}
    for package, root in SOURCE_ROOTS.items():
        for file in sorted((root / package).rglob("*.py")):
            modules[".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")] = file
    return modules


MODULES = all_modules()


def unit_of(module: str) -> str:
    """The package or top-level module that the rules are about: `cmrtf.data`, `cmrtf.errors`, `cmrtf_cli`."""
    return ".".join(module.split(".")[: 2 if module.startswith("cmrtf.") else 1])


def owner_of(module: str) -> str:
    """The entry of `ALLOWED` that a module falls under; top-level modules of cmrtf fall under `cmrtf`."""
    unit = unit_of(module)
    return unit if unit in ALLOWED else "cmrtf"


@functools.cache
def parsed(module: str) -> ast.Module:
    """Every test looks at all of them."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str, everywhere: bool = True) -> Iterator[str]:
    """Modules that a module imports, inside functions too or at its top level only."""
    tree = parsed(module)
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: expected absolute imports"
            assert node.module
            for alias in node.names:
                child = f"{node.module}.{alias.name}"
                yield child if child in MODULES else node.module


def importers_of(library: str) -> set[str]:
    return {module for module in MODULES if library in {name.split(".")[0] for name in imports(module)}}


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_arrows(module):
    owner = owner_of(module)
    ours = {name for name in imports(module) if name.split(".")[0] in SOURCE_ROOTS}
    allowed = ALLOWED[owner]
    forbidden = {name for name in ours if owner_of(name) != owner and unit_of(name) not in allowed}
    assert not forbidden, f"{owner} may import {sorted(allowed)}, but {module} imports {sorted(forbidden)}"


def test_every_package_has_import_rules():
    packages = {unit_of(name) for name, file in MODULES.items() if file.name == "__init__.py"}
    assert packages == set(ALLOWED)


def test_no_package_imports_one_that_stands_above_it():
    order = list(ALLOWED)
    for number, package in enumerate(order):
        assert not (ALLOWED[package] & set(order[number + 1 :]) - {"cmrtf"}), package


def test_no_modules_import_each_other_in_a_circle():
    """Inside functions neither."""
    to_visit = {
        module: {name for name in imports(module) if name in MODULES} - {module}
        for module, file in MODULES.items()
        if file.name != "__init__.py"  # the API's names are imported on first use
    }
    while free := {module for module, names in to_visit.items() if not names & to_visit.keys()}:
        to_visit = {module: names for module, names in to_visit.items() if module not in free}
    assert not to_visit


def test_nifti_is_read_and_written_in_one_module():
    assert importers_of("nibabel") - {"cmrtf.core.geometry"} == {"cmrtf.core.nifti"}


def test_dicom_is_read_in_one_module():
    assert importers_of("pydicom") == {"cmrtf.core.dicom"}


MAY_ASK_PATHS = {"cmrtf.core.files"}
"""In its blocks where what a disk refuses becomes an error for the user."""

LISTED_FILES = {
    "cmrtf.cohort.plan",
    "cmrtf.datasets",
    "cmrtf.quality.label_files",
    "cmrtf.training.metrics_log",
}
"""Ask only of paths that were listed, or that were tried before."""


@pytest.mark.parametrize("module", MODULES)
def test_paths_are_not_asked_by_methods_that_raise(module):
    """`Path.exists` and its like raise `OSError` for names that are too long; `cmrtf.core.files` does not."""
    asked = {
        node.func.attr
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.Call)
        if isinstance(node.func, ast.Attribute)
        if ast.unparse(node.func.value) not in ("os.path", "files")
    }
    if not {module, unit_of(module)} & (MAY_ASK_PATHS | LISTED_FILES):
        assert not asked & {"exists", "is_file", "is_dir", "is_symlink"}


def test_click_is_for_the_command_line():
    assert {unit_of(module) for module in importers_of("click")} == {"cmrtf_cli"}


def test_what_uses_a_bundle_does_not_use_tensorflow():
    users = importers_of("tensorflow") | importers_of("keras")
    assert not [module for module in users if unit_of(module) in TENSORFLOW_FREE]


def test_layers_networks_and_losses_know_no_config():
    for module in MODULES:
        if unit_of(module) in ("cmrtf.layers", "cmrtf.networks", "cmrtf.losses"):
            tree = parsed(module)
            arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
            assert not arguments & {"config", "preset"}, f"{module} takes plain arguments"


def test_command_modules_import_nothing_heavy_at_the_top():
    light = {"click", "cmrtf", "cmrtf_cli", "tqdm"} | set(sys.stdlib_module_names)
    for module in MODULES:
        if module.startswith("cmrtf_cli.commands."):
            assert {name.split(".")[0] for name in imports(module, everywhere=False)} <= light


def test_help_needs_neither_tensorflow_nor_numpy():
    code = """
import contextlib, io, sys
from cmrtf_cli.main import COMMANDS, cli

def run(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        cli([*arguments, "--help"], prog_name="cmrtf", standalone_mode=False)
    return output.getvalue()

def loaded():
    return {name for name in ("tensorflow", "keras", "matplotlib", "numpy", "nibabel") if name in sys.modules}

assert "interpolate" in run()
assert not loaded(), loaded()
assert not [name for name in sys.modules if name.startswith("cmrtf_cli.commands.")]
for name in COMMANDS:
    assert run(name).startswith(f"Usage: cmrtf {name}"), name
heavy = loaded() - {"numpy"}
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_every_command_has_a_module_and_every_module_a_command():
    on_disk = {module.rsplit(".", 1)[1] for module in MODULES if module.startswith("cmrtf_cli.commands.")}
    assert on_disk == {name.replace("-", "_") for name in COMMANDS}


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_setup_cfg_lists_the_packages_on_disk():
    listed = setup_cfg()["options"]["packages"].split()
    assert listed == sorted(name for name, file in MODULES.items() if file.name == "__init__.py")


def test_every_folder_with_code_is_a_package():
    folders = {file.parent for file in MODULES.values()}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


def test_version_agrees_everywhere():
    assert version("cmrtf") == cmrtf.__version__, "installed from an older state: run make test"
    assert f"## [{cmrtf.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-m", "cmrtf_cli", "--version"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert cmrtf.__version__ in said.stdout


# What is committed


@pytest.fixture(scope="module")
def committed() -> list[Path]:
    """Files that git tracks or would add."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return [file for name in listed.split("\0") if name and (file := ROOT / name).is_file()]


def test_no_committed_file_is_large(committed):
    assert not [str(file) for file in committed if file.stat().st_size > 1_000_000]


FREE_IMAGES = ROOT / "tests" / "data" / "sunnybrook"
"""Frames in the public domain; its README names the source."""


def test_no_images_of_patients_are_committed(committed):
    suffixes = (".nii", ".nii.gz", ".dcm", ".npz", ".npy", ".h5", ".keras", ".pb")
    images = [file for file in committed if file.name.lower().endswith(suffixes)]
    assert not [str(file) for file in images if not file.is_relative_to(FREE_IMAGES)]


def test_no_path_of_one_machine_is_committed(committed):
    machine = re.compile(r"/(?:work|root|Users|home(?!/jane))/|" + re.escape(f"{ROOT}/"))
    for file in committed:
        if file.suffix not in (".png", ".jpg", ".gz", ".dcm"):
            found = machine.search(file.read_text(encoding="utf-8"))
            assert not found, f"{file.name} names {found.group()}"


# What is installed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, unpacked. Built from a copy, since setuptools leaves (and reuses) a `build` folder."""
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("setuptools is older than pyproject.toml wants; `make test` installs a newer one")
    source, built, unpacked = (tmp_path_factory.mktemp(name) for name in ("source", "built", "unpacked"))
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("cmrtf", "cli", "export"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(source)], check=True
    )
    (file,) = built.glob("cmrtf-*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_wheel_holds_exactly_the_files_of_the_packages(wheel):
    expected = {
        file.relative_to(root).as_posix()
        for package, root in SOURCE_ROOTS.items()
        for file in (root / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    packed = {file.relative_to(wheel).as_posix() for file in wheel.rglob("*") if file.is_file()}
    assert {name for name in packed if ".dist-info/" not in name} == expected
    assert {
        "cmrtf/training/presets/cpu.yaml",
        "cmrtf/report/templates/report.html",
        "cmrtf_export/model_card.md",
        "cmrtf/report/templates/niivue/niivue.umd.js.gz",
        "cmrtf_export/serving/models.config",
    } <= packed


def test_wheel_has_the_console_script(wheel):
    (file,) = wheel.glob("cmrtf-*.dist-info/entry_points.txt")
    assert "cmrtf = cmrtf_cli.main:main" in file.read_text(encoding="utf-8")
    assert [script.value for script in entry_points(group="console_scripts", name="cmrtf")] == [
        "cmrtf_cli.main:main"
    ]


def test_wheel_is_ready_for_an_index(wheel):
    (info,) = wheel.glob("cmrtf-*.dist-info")
    metadata = (info / "METADATA").read_text(encoding="utf-8")
    assert "\nAuthor: " in metadata
    urls = dict(re.findall(r"^Project-URL: (\w+), (https://\S+)$", metadata, re.MULTILINE))
    assert {"Homepage", "Documentation", "Source", "Changelog"} <= set(urls)
    links = re.findall(r"\]\(([^)]+)\)", metadata)
    assert f"{urls['Source']}/raw/main/docs/figure.png" in links
    assert f"{urls['Source']}/blob/main/docs/tutorial.md" in links
    assert not [link for link in links if not link.startswith("https://")]
    niivue = "cmrtf/report/templates/niivue/LICENSE"
    assert (info / "licenses" / niivue).read_bytes() == (ROOT / niivue).read_bytes()
    assert (info / "licenses" / "LICENSE").is_file()


@pytest.mark.parametrize("where", ["inside the checkout", "outside"])
def test_wheel_works(wheel, tmp_path, where):
    code = """
import sys
from importlib.resources import files
import cmrtf, cmrtf_cli.main, cmrtf_export
for package in (cmrtf, cmrtf_cli, cmrtf_export):
    assert package.__file__.startswith(sys.argv[1]), package.__file__
assert files("cmrtf.training.presets").joinpath("demo.yaml").read_text()
assert files("cmrtf.report").joinpath("templates", "report.html").read_text()
cmrtf_cli.main.cli(["train-vae", "--help"], prog_name="cmrtf")
"""
    # -P: as for an installed script, the current folder is not on the path.
    subprocess.run(
        [sys.executable, "-P", "-c", code, str(wheel)],
        check=True,
        cwd=ROOT if where == "inside the checkout" else tmp_path,
        env=os.environ | {"PYTHONPATH": str(wheel)},
    )
