"""The layouts that generated cohorts can have."""

from cmrtf.datasets import bids as format_bids
from cmrtf.datasets import format_mnms
from cmrtf.datasets import nnunet as format_nnunet

FORMATS = {
    cohort_format.name: cohort_format
    for cohort_format in (format_mnms.FORMAT, format_nnunet.FORMAT, format_bids.FORMAT)
}
"""By name."""
