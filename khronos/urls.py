"""Every address."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from khronos.desk import chat, home, login
from khronos.desk.dashboard import views as dashboard
from khronos.facts import views as facts
from khronos.guards import views as guards
from khronos.herald import views as herald
from khronos.intake import chat as chat_messages
from khronos.intake import telegram, web, webhook
from khronos.observability import views as observability

admin.autodiscover()

urlpatterns = [
    path("webhooks/telegram/<slug:slug>/", telegram.receive),
    path("webhooks/web/<slug:slug>/", web.receive),
    path("webhooks/web/<slug:slug>/messages", web.messages),
    path("webhooks/<slug:kind>/<slug:slug>/", webhook.receive),
    path("", home.home),
    path("chat/", chat.page),
    path("chat/messages", chat_messages.messages),
    path("health", observability.health),
    path("ready", observability.ready),
    path("metrics", facts.metrics),
    path("livez", observability.health),
    path("readyz", observability.ready),
    path("breakers/status", guards.breakers_status),
    path("limiter/stats", guards.limiter_stats),
    path("cache/stats", guards.cache_stats),
    path("pool/stats", guards.pool_stats),
    path("test-alert", herald.test_alert),
    path("dashboard", dashboard.page),
    path("dashboard/", RedirectView.as_view(url="/dashboard")),  # as many type it
    path("dashboard/data", dashboard.data),
    path("dashboard/services", dashboard.services_status),
    path("dashboard/memory", dashboard.memory_status),
    path("login/<str:token>/", login.by_link, name="login-by-link"),
    path("admin/", admin.site.urls),
]
