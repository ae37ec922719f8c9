"""The one exception that means "your data or your run is wrong", as opposed to a bug."""


class CmrtfError(Exception):
    """Something the user can mend: the message names the file, what was expected and what arrived.

    The command line prints the message as one paragraph and exits with code 1; every other
    exception is a bug and keeps its traceback.
    """
