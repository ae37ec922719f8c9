"""Pure mappings between tensors, built of layers."""
