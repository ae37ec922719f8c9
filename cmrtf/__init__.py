"""cmrtf: labelled synthetic cardiac MR from a label VAE and a SPADE GAN."""

from cmrtf.errors import CmrtfError
from cmrtf.version import __version__

__all__ = ["CmrtfError", "__version__"]
