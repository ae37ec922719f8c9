"""The prepared cohort: built from a raw data set, stored, read."""
