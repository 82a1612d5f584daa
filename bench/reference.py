"""The yardstick of intake: the same web server, the same lean chain, the same checks, and nothing stored."""

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import path
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from bench.site import SECRET

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="x" * 50, MIDDLEWARE=[])
django.setup(set_prefix=False)


@csrf_exempt
@require_POST
def receive(request: HttpRequest, slug: str) -> HttpResponse:
    if not constant_time_compare(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""), SECRET):
        return HttpResponseForbidden()
    return HttpResponse(headers={"X-Body-Bytes": str(len(request.body))})


urlpatterns = [path("webhooks/telegram/<slug:slug>/", receive)]
application = WSGIHandler()
