"""A sandbox may post to receivers on its own machine; production may not, unless its operator says so."""

from __future__ import annotations

from services.chassis.settings import Settings
from services.notifications.webhooks.addresses import networks
from services.notifications.webhooks.guard import check_url
from services.sandbox.run import with_webhooks_to_this_machine

HERE = ("http://127.0.0.1:9000/hooks", "http://localhost:9000/hooks", "http://[::1]:9000/hooks")


def test_the_sandbox_allows_loopback_and_http() -> None:
    """And nothing else of a private network."""
    assert Settings().webhook_allow is None
    allow = networks(with_webhooks_to_this_machine(Settings()).webhook_allow or "")
    assert [url for url in HERE if check_url(url, allow) is not None] == []
    assert [url for url in HERE if check_url(url, ()) is None] == []
    assert check_url("http://10.0.0.1:9000/hooks", allow) is not None


def test_what_an_operator_names_stands() -> None:
    """In a sandbox too."""
    named = Settings().model_copy(update={"webhook_allow": "10.0.0.0/8"})
    assert with_webhooks_to_this_machine(named).webhook_allow == "10.0.0.0/8"
