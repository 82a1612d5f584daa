"""Between tests that commit, nothing of the one before is left (tests/emptied.py)."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from khronos.models import Conversation, Message
from tests.emptied import empty
from tests.factories import make_message

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_was_committed_is_gone_whatever_refers_to_it_and_permissions_stay() -> None:
    make_message(text="hello")
    before = Permission.objects.count()
    assert (Message.objects.count(), Conversation.objects.count()) == (1, 1)
    empty()
    left = {model for model in apps.get_models() if model._default_manager.exists()}
    assert left == {ContentType, Permission}
    assert Permission.objects.count() == before > 100
