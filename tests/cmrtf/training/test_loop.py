from types import SimpleNamespace

import pytest

from cmrtf.errors import CmrtfError
from cmrtf.training.loop import check_batch_size


@pytest.mark.parametrize(("batch_size", "devices"), [(8, 1), (8, 4), (3, 3)])
def test_a_batch_that_can_be_shared_out(batch_size, devices):
    check_batch_size(batch_size, SimpleNamespace(num_replicas_in_sync=devices))


@pytest.mark.parametrize(("batch_size", "devices"), [(8, 3), (2, 4)])
def test_a_batch_that_cannot_be_shared_out_evenly(batch_size, devices):
    message = f"multiple of the number of devices. Received: batch_size={batch_size} on {devices} devices"
    with pytest.raises(CmrtfError, match=message):
        check_batch_size(batch_size, SimpleNamespace(num_replicas_in_sync=devices))
