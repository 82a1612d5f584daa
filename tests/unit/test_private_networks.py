"""Services of one's own network are named in the environment; what is no network is said at the start."""

from typing import Any

import pytest
from pydantic import ValidationError

from settings.env import Environment, explain

NAMES = (
    "alert_webhook_private_networks",
    "knowledge_private_networks",
    "tool_private_networks",
    "web_callback_private_networks",
)


def said(**values: Any) -> Environment:
    return Environment(**values)


@pytest.mark.parametrize("name", NAMES)
def test_networks_are_named_with_commas_between(name: str) -> None:
    assert getattr(said(**{name: "10.0.0.0/8, 192.168.1.7,fd00::/8,"}), name) == [
        "10.0.0.0/8",
        "192.168.1.7/32",
        "fd00::/8",
    ]
    assert getattr(said(), name) == []


@pytest.mark.parametrize("text", ["10.1", "crm.internal", "10.0.0.1/8", "*"])
def test_what_is_no_network_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        said(tool_private_networks=text)
    assert "TOOL_PRIVATE_NETWORKS" in explain(refused.value)
    assert text in explain(refused.value)
