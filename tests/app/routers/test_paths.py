from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.routers.paths import HOME, local_path

ELSEWHERE = [
    *("https://evil.test", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)"),
    *("/\t/evil.test", "/\n/evil.test", "/a\\b", "evil.test", "", " /", "/\x00", "/é", "http:evil.test", "?x", "#x"),
]


@pytest.mark.parametrize("path", ["/", "/account", "/runs/abc?after=3", "/ssh-keys#key-x", "/a//b", "/x?u=https://y/"])
def test_a_path_of_the_portal_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize("desired", [None, *ELSEWHERE])
def test_anything_else_is_the_first_page(desired: str | None) -> None:
    assert local_path(desired) == HOME


@given(st.text() | st.text(alphabet="/\\:.ab\t\n@?#", max_size=12))
@example("/..//evil.test")
@example("/.//evil.test")
def test_nothing_leads_elsewhere(desired: str) -> None:
    target = urlsplit(urljoin("http://portal.test/auth/callback", local_path(desired)))

    assert (target.scheme, target.netloc) == ("http", "portal.test")
