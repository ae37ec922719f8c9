"""How good a bundle is: sections of tables beside real data, and their report."""
