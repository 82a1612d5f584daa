"""The way to Flower: its password is shown to whoever may see, or do, what can be seen and done there."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


@pytest.mark.parametrize(("is_read_only", "right"), [(True, "view_turn"), (False, "change_turn")])
def test_password_is_for_whoever_has_the_right(
    client: Client, settings: Settings, is_read_only: bool, right: str
) -> None:
    settings.FLOWER_PASSWORD, settings.FLOWER_READ_ONLY = "known to few", is_read_only
    user = make.make_user(is_superuser=False)
    client.force_login(user)
    assert client.get("/admin/flower/").status_code == 403
    assert "/admin/flower/" not in client.get("/admin/").content.decode()
    user.user_permissions.add(Permission.objects.get(codename=right))
    assert "known to few" in client.get("/admin/flower/").content.decode()
    assert "/admin/flower/" in client.get("/admin/").content.decode()


def test_strangers_are_asked_to_sign_in(client: Client, settings: Settings) -> None:
    settings.FLOWER_PASSWORD = "known to few"
    answer = client.get("/admin/flower/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/?next=/admin/flower/")
