"""The root: operators go to their live page, everybody else to the chat page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache


@never_cache
def home(request: HttpRequest) -> HttpResponse:
    return redirect("/dashboard" if request.user.is_staff else "/chat/")
