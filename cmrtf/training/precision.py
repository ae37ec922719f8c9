"""In which precision a processor trains fastest. Imports no TensorFlow."""

from pathlib import Path
from typing import Final

AUTO: Final = "auto"
FLOAT32: Final = "float32"
BFLOAT16: Final = "mixed_bfloat16"

PROCESSOR = Path("/proc/cpuinfo")
INSTRUCTIONS: Final = {"avx512_bf16", "amx_bf16", "bf16"}
"""Flags of x86 and Arm processors that compute in bfloat16. Others emulate it, many times slower."""


def has_bfloat16_instructions() -> bool:
    """Whether the processor says that it has them; it has none where it cannot be asked, as on a Mac."""
    try:
        text = PROCESSOR.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return not INSTRUCTIONS.isdisjoint(text.split())


def resolved(precision: str, of_run: str | None = None) -> str:
    """The Keras dtype policy that a configuration means.

    Args:
        precision: a policy, or `auto`.
        of_run: the policy of the run that is continued, on another machine perhaps.
    """
    if precision != AUTO:
        return precision
    return of_run or (BFLOAT16 if has_bfloat16_instructions() else FLOAT32)
