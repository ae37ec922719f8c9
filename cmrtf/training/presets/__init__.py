"""Presets as YAML files."""
