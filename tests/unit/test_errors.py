import pickle
from pathlib import Path

from cmrtf.errors import FileError


def test_an_error_of_a_file_goes_from_one_process_to_another():
    error = pickle.loads(pickle.dumps(FileError(Path("a.json"), "expected b. Received: c.")))
    assert (str(error), error.file) == ("a.json: expected b. Received: c.", Path("a.json"))
