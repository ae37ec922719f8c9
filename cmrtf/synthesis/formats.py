"""The layouts that generated cohorts can have."""

from cmrtf.synthesis import format_bids, format_mnms, format_nnunet

FORMATS = {
    cohort_format.name: cohort_format
    for cohort_format in (format_mnms.FORMAT, format_nnunet.FORMAT, format_bids.FORMAT)
}
"""By name."""
