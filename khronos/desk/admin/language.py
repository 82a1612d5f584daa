"""The language switch: Django's own, at an address of the admin."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views import View
from django.views.i18n import set_language


def address(request: HttpRequest) -> str:
    return reverse("admin:language")


class SwitchLanguage(View):
    admin_site: Any = None

    def post(self, request: HttpRequest) -> HttpResponseBase:
        return set_language(request)
