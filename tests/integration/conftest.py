"""Scenes that several files of tests share."""

from tests.integration.alert_scene import alert_chat, wall

__all__ = ["alert_chat", "wall"]
