"""A training run on disk, and the one process that trains it.

RUN/
  run.json        resolved configuration, seed, data hash, versions
  checkpoints/    everything needed to continue exactly
  log.csv         one row per interval
  tensorboard/    the same for TensorBoard
  samples/        a picture per interval
  run.lock        held by the process that trains
"""

import contextlib
import csv
import dataclasses
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from msgspec import Struct

from cmrtf.core.files import lock, new_file
from cmrtf.core.json_files import Seed, Text, read_json
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from cmrtf.training.config import GANConfig, VAEConfig, config_from_dict
from cmrtf.version import __version__

RUN_FILE = "run.json"
LOCK_FILE = "run.lock"
KINDS: dict[str, type[Any]] = {LABEL_VAE: VAEConfig, SPADE_GAN: GANConfig}


class RunEntry(Struct):
    """What `run.json` holds, but for versions, which are for people."""

    kind: Text
    config: dict[str, Any]
    seed: Seed
    data_hash: Text


@dataclass(frozen=True)
class RunDirectory:
    """A run, on disk or about to be started.

    Args:
        path: its folder.
        kind: `label_vae` or `spade_gan`.
        config: the resolved `VAEConfig` or `GANConfig`.
        seed: of weights, batches and augmentation.
        data_hash: of the prepared cohort that it trains on.
    """

    path: Path
    kind: str
    config: Any
    seed: int
    data_hash: str

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def log(self) -> Path:
        """CSV with one row per interval."""
        return self.path / "log.csv"

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
            CmrtfError: the folder holds no run, or one of another kind.
        """
        file = path / RUN_FILE
        if not file.exists():
            raise CmrtfError(f"{path}: expected a training run, but it holds no {RUN_FILE}.")
        values = read_json(file, RunEntry, "the record of a training run")
        if values["kind"] != kind:
            raise CmrtfError(f"{file}: expected a run of kind {kind}. Received: {values['kind']}.")
        config = config_from_dict(KINDS[kind], values["config"], str(file))
        return cls(path, kind, config, values["seed"], values["data_hash"])

    def start(self, resume: bool) -> None:
        """Write its record into a new or empty folder.

        Args:
            resume: whether to leave the run in the folder as it is, if there is one.

        Raises:
            CmrtfError: the folder holds something already, other than a start that was cut short, or cannot
                be written; or the run there was started with another configuration, seed or data.
        """
        if resume and (self.path / RUN_FILE).exists():
            self.check_settings()
            return
        if self.path.exists() and not (self.path.is_dir() and all(map(_is_leftover, self.path.iterdir()))):
            raise CmrtfError(
                f"{self.path}: expected a new or empty folder for the run. Received: one that is not empty. "
                "Continue the run that it holds with --resume, or name another folder."
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._write()
        except OSError as error:
            raise CmrtfError(f"{self.path}: expected a folder that can be written, but: {error}") from error

    def check_settings(self) -> None:
        """Compare with the run that is on disk.

        Raises:
            CmrtfError: there is none, or it was started with another configuration, seed or data.
        """
        started = RunDirectory.open(self.path, self.kind)
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
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / LOCK_FILE).touch()
        except OSError as error:
            raise CmrtfError(f"{self.path}: expected a folder that can be written, but: {error}") from error
        refusal = (
            f"{self.path}: expected a run that no other process trains. Received: one that another process "
            "is training. Wait for it, or stop it with SIGTERM: it saves first."
        )
        with lock(self.path / LOCK_FILE, refusal):
            yield

    def last_metrics(self) -> dict[str, float]:
        """Metrics of the last interval in the log; empty before the first."""
        if not self.log.exists():
            return {}
        with self.log.open(newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: float(value) for name, value in rows[-1].items() if name != "step"} if rows else {}

    def _to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "config": json.loads(json.dumps(dataclasses.asdict(self.config))),
            "seed": self.seed,
            "data_hash": self.data_hash,
        }

    def _write(self) -> None:
        versions = {name: version(name) for name in ("tensorflow", "keras", "numpy")}
        record = self._to_dict() | {
            "versions": {"cmrtf": __version__, "python": platform.python_version()} | versions
        }
        with new_file(self.path / RUN_FILE) as partial:
            partial.write_text(json.dumps(record, indent=2) + "\n")


def _is_leftover(path: Path) -> bool:
    """Whether a file does not make a folder taken: the lock, or hidden, such as a record cut short."""
    return path.name == LOCK_FILE or path.name.startswith(".")


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
