"""Every address."""

from django.contrib import admin
from django.urls import path

from khronos.desk import login
from khronos.observability import views as observability

from khronos.intake import telegram

urlpatterns = [
    path("webhooks/telegram/<slug:slug>/", telegram.receive),
    path("health", observability.health),
    path("ready", observability.ready),
    path("login/<str:token>/", login.by_link, name="login-by-link"),
    path("admin/", admin.site.urls),
]
