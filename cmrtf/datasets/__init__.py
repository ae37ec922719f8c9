"""Layouts of data sets, one a file: how they are read and how they are written."""
