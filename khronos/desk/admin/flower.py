"""The way to Flower: where it is, and its password, for whoever is signed in."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache

USER = "khronos"


def may_enter(request: HttpRequest) -> bool:
    """It shows work; where it may stop and start work too, its password is for those who may do that."""
    return request.user.has_perm(f"khronos.{'view' if settings.FLOWER_READ_ONLY else 'change'}_turn")


@method_decorator(never_cache, name="dispatch")
class FlowerPage(View):
    admin_site: Any = None

    def get(self, request: HttpRequest) -> HttpResponse:
        """It listens on its own machine alone: from elsewhere it takes a tunnel."""
        if not may_enter(request):
            raise PermissionDenied
        host = urlsplit(f"//{request.get_host()}").hostname or ""
        context = {
            "title": _("Flower"),
            "address": f"http://127.0.0.1:{settings.FLOWER_PORT}/",
            "is_here": host in ("127.0.0.1", "localhost", "::1"),
            "tunnel": f"ssh -N -L {settings.FLOWER_PORT}:127.0.0.1:{settings.FLOWER_PORT} {host}",
            "user": USER,
            "password": settings.FLOWER_PASSWORD,
            "is_read_only": settings.FLOWER_READ_ONLY,
        }
        return TemplateResponse(
            request, "admin/khronos/flower.html", self.admin_site.each_context(request) | context
        )
