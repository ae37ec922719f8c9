"""A training run on disk.

RUN/
  run.json        resolved configuration, seed, data hash, versions
  checkpoints/    everything needed to continue exactly
  log.csv         one row per interval
  tensorboard/    the same for TensorBoard
  samples/        a picture per interval
  run.lock        held by the process that trains
"""

import csv
import dataclasses
import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cmrtf.errors import CmrtfError
from cmrtf.training.config import Config, GANConfig, VAEConfig, config_from_dict
from cmrtf.training.run_lock import LOCK_FILE
from cmrtf.version import __version__

RUN_FILE = "run.json"
PARTIAL_RUN_FILE = ".run.json.partial"
KINDS: dict[str, type[Any]] = {"label_vae": VAEConfig, "spade_gan": GANConfig}


@dataclass(frozen=True)
class RunDirectory:
    """An opened run.

    Args:
        path: its folder.
        kind: `label_vae` or `spade_gan`.
        config: the resolved configuration.
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
    def create(cls, path: Path, kind: str, config: Config, seed: int, data_hash: str) -> "RunDirectory":
        """Start a run in a new or empty folder.

        Raises:
            CmrtfError: the folder holds something already, other than a start that was cut short.
        """
        cut_short = {LOCK_FILE, PARTIAL_RUN_FILE}
        if path.exists() and (not path.is_dir() or any(p.name not in cut_short for p in path.iterdir())):
            raise CmrtfError(
                f"{path}: expected a new or empty folder for the run. Received: one that is not empty. "
                "Continue the run that it holds with --resume, or name another folder."
            )
        run = cls(path, kind, config, seed, data_hash)
        try:
            path.mkdir(parents=True, exist_ok=True)
            run._write()
        except OSError as error:
            raise CmrtfError(f"{path}: expected a folder that can be written, but: {error}") from error
        return run

    @classmethod
    def open(cls, path: Path, kind: str) -> "RunDirectory":
        """Open an existing run.

        Raises:
            CmrtfError: the folder holds no run, or one of another kind.
        """
        file = path / RUN_FILE
        try:
            values = json.loads(file.read_text())
            found, settings = values["kind"], values["config"]
            seed, data_hash = values["seed"], values["data_hash"]
        except FileNotFoundError as error:
            raise CmrtfError(f"{path}: expected a training run, but it holds no {RUN_FILE}.") from error
        except (json.JSONDecodeError, KeyError, TypeError, OSError) as error:
            raise CmrtfError(f"{file}: expected the record of a training run, but: {error!r}") from error
        if found != kind:
            raise CmrtfError(f"{file}: expected a run of kind {kind}. Received: {found}.")
        config = config_from_dict(KINDS[kind], settings, str(file))
        return cls(path, kind, config, seed, data_hash)

    @classmethod
    def open_or_create(
        cls, path: Path, kind: str, config: Config, seed: int, data_hash: str, resume: bool
    ) -> "RunDirectory":
        """Continue the run in `path` if `resume` and there is one, else start it.

        Raises:
            CmrtfError: the run there was started with another configuration, seed or data.
        """
        if not (resume and (path / RUN_FILE).exists()):
            return cls.create(path, kind, config, seed, data_hash)
        return cls.open_as(path, kind, config, seed, data_hash)

    @classmethod
    def open_as(cls, path: Path, kind: str, config: Config, seed: int, data_hash: str) -> "RunDirectory":
        """Open an existing run with the settings that it was started with.

        Raises:
            CmrtfError: it was started with another configuration, seed or data.
        """
        run = cls.open(path, kind)
        asked = cls(path, kind, config, seed, data_hash)
        if differences := _differences(run._to_dict(), asked._to_dict()):
            raise CmrtfError(
                f"{path / RUN_FILE}: expected the settings that the run was started with, to continue it. "
                f"Different: {'; '.join(differences)}."
            )
        return run

    def last_metrics(self) -> dict[str, float]:
        """Figures of the last interval in the log; empty before the first."""
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
        partial = self.path / PARTIAL_RUN_FILE
        partial.write_text(json.dumps(record, indent=2) + "\n")
        partial.replace(self.path / RUN_FILE)


def _differences(started: dict[str, Any], asked: dict[str, Any], prefix: str = "") -> list[str]:
    """Entries that differ, as `name: started with X, asked for Y`."""
    found = []
    for name in sorted(started.keys() | asked.keys()):
        old, new = started.get(name), asked.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{prefix}{name}.")
        elif old != new:
            found.append(f"{prefix}{name}: started with {old}, asked for {new}")
    return found
