"""A link that signs in, once: `make up` prints one at the first start."""

from datetime import datetime, timedelta

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

SALT = "khronos.desk.login"
VALID = timedelta(hours=1)


def link_for(user: User) -> str:
    """The path. It names the last sign-in, so that the next sign-in makes it worthless.

    Not by reverse(): `up` would load every page for it.
    """
    return f"/login/{signing.dumps([user.pk, stamp(user.last_login)], salt=SALT)}/"


def stamp(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


@never_cache
@require_GET
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    user = redeem(token)
    if user is None:
        return render(request, "desk/link_is_used.html", status=403)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("admin:index")


def redeem(token: str) -> User | None:
    try:
        pk, last = signing.loads(token, salt=SALT, max_age=VALID)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or stamp(user.last_login) != last:
        return None
    # Of two browsers that come at once only one changes the row.
    mine = User.objects.filter(pk=pk, last_login=user.last_login)
    return user if mine.update(last_login=timezone.now()) else None
