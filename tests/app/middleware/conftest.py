"""A real web server, for what only one shows."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.database import fresh_database
from tests.web_process import WebProcess, web_process


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    with fresh_database() as url, web_process(tmp_path_factory.mktemp("web"), url, log_format="json") as web:
        yield web


@pytest.fixture
def database_of_web(web: WebProcess) -> Iterator[psycopg.Connection]:
    """Its database, for a test to spoil and to mend."""
    with psycopg.connect(web.database_url, autocommit=True) as connection:
        yield connection
