"""The sections of an evaluation, each from a question to its tables."""
