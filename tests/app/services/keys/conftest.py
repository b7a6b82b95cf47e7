"""What tests of keys share."""

import pytest

from tests.app.services.keys.grace_keys import Keys
from tests.stage import Stage


@pytest.fixture
def keys(stage: Stage) -> Keys:
    return Keys(stage)
