"""Prefect's own harness, once: a server of its own in a folder of its own takes tens of seconds to start.

flows.audit is imported first: it sets what Prefect reads when it is first imported.
"""

from collections.abc import Iterator

import pytest

from flows import audit


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    without_heartbeat = audit.temporary_settings({audit.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with prefect_test_harness(server_startup_timeout=120), without_heartbeat:
        yield
