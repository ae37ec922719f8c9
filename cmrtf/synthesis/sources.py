"""What is handed over to be changed: subjects that are patients, and stacks that are prepared hearts."""

from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject, require_sources
from cmrtf.quality.prepared_checks import require_prepared


def require_hearts(*subjects: Subject) -> None:
    """Refuse subjects that are none or synthetic, and those whose stacks `cmrtf prepare` would not make.

    Raises:
        CmrtfError: one is, or two have one name.
    """
    require_sources(*subjects)
    for subject in subjects:
        require_prepared(f"subject {subject.name}", subject.stacks)


def require_labels(stack: Stack) -> None:
    """Refuse a stack that `cmrtf prepare` would not make.

    Raises:
        CmrtfError: it is such a stack.
    """
    require_prepared("the stack", {"": stack})
