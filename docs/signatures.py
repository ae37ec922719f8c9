"""Writes docs/signatures.txt: what `saved_model_cli show --all` says of the models of a bundle.

python docs/signatures.py BUNDLE
"""

import os
import re
import subprocess
import sys
from pathlib import Path

MODELS = ("label_vae", "spade_gan")


def signatures(bundle: Path) -> str:
    """The signatures of both models; the list of kernels and the name of the initialiser are left out."""
    return "\n".join(
        f"$ saved_model_cli show --dir {model}/1 --all\n{_show(bundle / model / '1')}" for model in MODELS
    )


def _show(folder: Path) -> str:
    command = [Path(sys.executable).with_name("saved_model_cli"), "show", "--dir", folder, "--all"]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    shown = shown[: shown.index("The MetaGraph with tag set")]
    init_op = re.compile(r"signature_def\['__saved_model_init_op'\].*?(?=signature_def)", re.DOTALL)
    return init_op.sub("", shown)


if __name__ == "__main__":
    Path(__file__).with_suffix(".txt").write_text(signatures(Path(sys.argv[1])), encoding="utf-8")
