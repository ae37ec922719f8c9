"""Whether synthetic data help a segmenter, beyond what anyone could do without them."""
