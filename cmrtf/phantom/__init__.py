"""A synthetic cohort with known anatomy: a parametric heart in a chest, imaged by a bSSFP equation."""
