"""Files that serve a bundle with TensorFlow Serving; `cmrtf export` copies them into every bundle."""
