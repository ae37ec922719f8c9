"""What folders hold."""


def names(folder):
    """Of files and folders in it, sorted."""
    return sorted(path.name for path in folder.iterdir())


def contents(folder):
    """Of all files below it, by their paths, without the mark of a cohort in the making."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".preparing"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
