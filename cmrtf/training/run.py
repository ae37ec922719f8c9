"""A training run on disk, and the one process that trains it.

RUN/
  run.json        resolved configuration, seed, data hash, versions
  checkpoints/    everything needed to continue exactly
  log.csv         one row per interval
  curves.png      a picture of it
  tensorboard/    the same for TensorBoard, and the samples
  samples/        a picture per interval
  coordinates.npz, anatomy_bank.npz, style_bank.json   what a bundle takes, once it is trained
  run.lock        held by the process that trains
"""

import contextlib
import dataclasses
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from msgspec import Struct

from cmrtf.core.files import exists, is_folder, is_free, real_path, require_writable, write_text
from cmrtf.core.json_files import Count, Seed, Text, read_json, with_checksum
from cmrtf.core.locks import lock
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import ANATOMY_BANK, LABEL_VAE, SPADE_GAN, STYLE_BANK
from cmrtf.training.config import GANConfig, VAEConfig, config_of_run
from cmrtf.training.metrics_log import read_log
from cmrtf.version import __version__

RUN_FILE = "run.json"
LOCK_FILE = "run.lock"
COORDINATES = "coordinates.npz"
"""Of the codes of a trained label VAE, see `cmrtf.models.standardised_vae`."""
CHECKPOINT_PREFIX = "ckpt-"
KINDS: dict[str, type[Any]] = {LABEL_VAE: VAEConfig, SPADE_GAN: GANConfig}
RECIPES = {LABEL_VAE: 1, SPADE_GAN: 4}
"""By kind; the next number whenever the same configuration is trained otherwise than before."""

OLDEST_READ = {LABEL_VAE: 1, SPADE_GAN: 4}
"""By kind, the recipe since which networks have been the same: those of earlier runs are no longer known."""


class RunEntry(Struct):
    """What `run.json` holds; see `RunDirectory`."""

    kind: Text
    config: dict[str, Any]
    seed: Seed
    data_hash: Text
    prepared: str = ""
    earlier_steps: list[Count] = []
    versions: dict[Text, Text] = {}
    recipe: Count = 1


@dataclass(frozen=True)
class RunDirectory:
    """A run, on disk or about to be started.

    Args:
        path: its folder.
        kind: `label_vae` or `spade_gan`.
        config: the resolved `VAEConfig` or `GANConfig`.
        seed: of weights, batches and augmentation.
        data_hash: of the prepared cohort that it trains on.
        prepared: where the cohort is, from the run's folder; `""` in runs of cmrtf 0.1.
        earlier_steps: lengths that it had before it was made longer.
        versions: of what it was started with; none before it is.
    """

    path: Path
    kind: str
    config: Any
    seed: int
    data_hash: str
    prepared: str = ""
    earlier_steps: tuple[int, ...] = ()
    versions: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def origin(self) -> str:
        """What its checkpoints say that they are of."""
        return f"{self.kind} trained on data {self.data_hash} with seed {self.seed}"

    @property
    def log(self) -> Path:
        """CSV with one row per interval."""
        return self.path / "log.csv"

    @property
    def curves(self) -> Path:
        """Picture of the log."""
        return self.path / "curves.png"

    @property
    def tensorboard(self) -> Path:
        """Log folder for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def samples(self) -> Path:
        """Folder of the sample pictures."""
        return self.path / "samples"

    @classmethod
    def open(cls, path: Path, kind: str) -> "RunDirectory":
        """Open an existing run.

        Raises:
            CmrtfError: the folder holds no run, one of another kind, or of networks of before.
        """
        file, values = path / RUN_FILE, _read_record(path)
        if values["kind"] != kind:
            raise CmrtfError(f"{file}: expected a run of kind {kind}. Received: {values['kind']}.")
        if values.get("recipe", 1) < OLDEST_READ[kind]:
            raise CmrtfError(
                f"{file}: expected a run whose networks this version has. Received: one of an earlier "
                "version, with others. Train a new one, or export it with the version that trained it."
            )
        return cls(
            path,
            kind,
            config_of_run(KINDS[kind], values["config"], str(file)),
            values["seed"],
            values["data_hash"],
            values.get("prepared", ""),
            tuple(values.get("earlier_steps", ())),
            values.get("versions", {}),
        )

    @property
    def cohort_folder(self) -> Path:
        """Where its cohort was when it was started; the run's own folder where that was not recorded."""
        return real_path(real_path(self.path) / self.prepared)

    def check(self, resume: bool) -> None:
        """Check that it can be started, or continued.

        Args:
            resume: whether to continue the run in the folder, if there is one.

        Raises:
            CmrtfError: the folder holds something already, other than a start that was cut short; or the run
                there was started with another configuration, seed or data.
        """
        if resume and exists(self.path / RUN_FILE):
            self.check_settings()
            return
        if exists(self.path) and not (is_folder(self.path) and is_free(self.path, ignoring=LOCK_FILE)):
            raise CmrtfError(
                f"{self.path}: expected a new or empty folder for the run. Received: one that is not empty. "
                "Continue the run that it holds with --resume, or name another folder."
            )

    def start(self, resume: bool) -> None:
        """Write its record, unless the run in the folder has just this one.

        What a finished run left for its bundle goes where it is made longer: it is that of earlier weights.

        Args:
            resume: whether to continue the run in the folder, if there is one.

        Raises:
            CmrtfError: as of `check`, or it cannot be written.
        """
        self.check(resume)
        if exists(self.path / RUN_FILE) and RunDirectory.open(self.path, self.kind) == self:
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self.earlier_steps:
                for file in (COORDINATES, ANATOMY_BANK, STYLE_BANK):
                    (self.path / file).unlink(missing_ok=True)
            self._write()
        except OSError as error:
            raise CmrtfError(f"{self.path}: expected a folder that can be written, but: {error}") from error

    def check_settings(self) -> None:
        """Compare with the run that is on disk.

        Raises:
            CmrtfError: there is none, or it was started with another configuration, seed or data, or by a
                version of cmrtf that trained otherwise.
        """
        started = RunDirectory.open(self.path, self.kind)
        if _read_record(self.path).get("recipe", 1) != RECIPES[self.kind]:
            raise CmrtfError(
                f"{self.path / RUN_FILE}: expected a run that this version trains on. Received: one of "
                "before losses and augmentation changed. Train a new one; a finished one can be exported."
            )
        if self.earlier_steps == (*started.earlier_steps, started.config.steps):  # it is made longer
            longer = dataclasses.replace(started.config, steps=self.config.steps)
            started = dataclasses.replace(started, config=longer)
        if differences := _differences(started._to_dict(), self._to_dict()):
            raise CmrtfError(
                f"{self.path / RUN_FILE}: expected the settings that the run was started with, to continue "
                f"it. Different: {'; '.join(differences)}."
            )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder, made if need be, until the block or the process ends.

        Raises:
            CmrtfError: another process holds it, or it cannot be written.
        """
        require_writable(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        refusal = (
            f"{self.path}: expected a run that no other process trains. Received: one that another process "
            "is training. Wait for it, or stop it with SIGTERM: it saves first."
        )
        with lock(self.path / LOCK_FILE, refusal):
            yield

    def last_metrics(self) -> dict[str, float]:
        """Metrics of the last interval in the log; empty before the first."""
        intervals = read_log(self.log)
        return intervals[-1][1] if intervals else {}

    def _to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "config": json.loads(json.dumps(dataclasses.asdict(self.config))),
            "seed": self.seed,
            "data_hash": self.data_hash,
        }

    def _write(self) -> None:
        record = self._to_dict() | {
            "prepared": self.prepared,
            "earlier_steps": self.earlier_steps,
            "versions": self.versions or _versions(),
            "recipe": RECIPES[self.kind],
        }
        write_text(self.path / RUN_FILE, json.dumps(with_checksum(record), indent=2) + "\n")


def kind_of_run(path: Path) -> str:
    """`label_vae` or `spade_gan`.

    Raises:
        CmrtfError: the folder holds no run.
    """
    kind = _read_record(path)["kind"]
    if kind not in KINDS:
        raise CmrtfError(
            f"{path / RUN_FILE}: expected a run of kind {' or '.join(KINDS)}. Received: {kind!r}."
        )
    return str(kind)


def _read_record(path: Path) -> dict[str, Any]:
    """What `run.json` holds.

    Raises:
        CmrtfError: there is none, or it holds something else.
    """
    file = path / RUN_FILE
    if not exists(file):
        raise CmrtfError(f"{path}: expected a training run, but it holds no {RUN_FILE}.")
    return dict(read_json(file, RunEntry, "the record of a training run"))


def checkpoint_steps(folder: Path) -> list[int]:
    """After how many steps there are checkpoints in a folder, readable or not, in ascending order."""
    numbers = (
        file.stem.removeprefix(CHECKPOINT_PREFIX) for file in folder.glob(f"{CHECKPOINT_PREFIX}*.index")
    )
    return sorted(int(number) for number in numbers if number.isdecimal())


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in ("tensorflow", "keras", "numpy")}
    return {"cmrtf": __version__, "python": platform.python_version()} | libraries


def _differences(started: dict[str, Any], asked: dict[str, Any], prefix: str = "") -> list[str]:
    """Entries that differ, as `name: started with X, asked for Y`."""
    differences = []
    for name in sorted(started.keys() | asked.keys()):
        old, new = started.get(name), asked.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            differences += _differences(old, new, f"{prefix}{name}.")
        elif old != new:
            differences.append(f"{prefix}{name}: started with {old}, asked for {new}")
    return differences
