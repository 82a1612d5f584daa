"""The yardstick of intake: the same web server, the same lean chain, the same checks, and nothing stored."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.embedded")

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.test.utils import override_settings
from django.urls import path
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from bench.site import SECRET

django.setup(set_prefix=False)
settings.ROOT_URLCONF = __name__


@csrf_exempt
@require_POST
def receive(request: HttpRequest, slug: str) -> HttpResponse:
    if not constant_time_compare(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""), SECRET):
        return HttpResponseForbidden()
    return HttpResponse(headers={"X-Body-Bytes": str(len(request.body))})


urlpatterns = [path("webhooks/telegram/<slug:slug>/", receive)]
with override_settings(MIDDLEWARE=[]):
    application = WSGIHandler()
