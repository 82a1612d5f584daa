"""The sidebar: every list in one click, for whoever may see it. And the files of the admin's look."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def stylesheet(request: HttpRequest) -> str:
    return static("desk/admin.css")


def favicon(request: HttpRequest) -> str:
    return static("desk/favicon.svg")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    return SIDEBAR


def item(title: Any, icon: str, model: str, app: str = "khronos") -> dict[str, Any]:
    """A list in the sidebar, for whoever may see it."""

    def may_see(request: HttpRequest) -> bool:
        return request.user.has_perm(f"{app}.view_{model}")

    link = reverse_lazy(f"admin:{app}_{model}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": may_see}


SIDEBAR: list[dict[str, Any]] = [
    {
        "items": [
            {"title": _("Overview"), "icon": "speed", "link": reverse_lazy("admin:index")},
            {"title": _("Dashboard"), "icon": "monitoring", "link": "/dashboard"},
            {
                "title": _("Flower"),
                "icon": "local_florist",
                "link": reverse_lazy("admin:flower"),
                "permission": "khronos.desk.admin.flower.may_enter",
            },
        ]
    },
    {
        "title": _("Talk"),
        "items": [
            item(_("Conversations"), "forum", "conversation"),
            item(_("Contacts"), "person", "contact"),
            item(_("Queues"), "groups", "queue"),
            item(_("Canned answers"), "quick_phrases", "cannedanswer"),
        ],
    },
    {
        "title": _("Work"),
        "items": [
            item(_("Turns"), "hourglass_top", "turn"),
            item(_("Deliveries"), "outbox", "delivery"),
            item(_("Dead letters"), "mail_off", "deadletter"),
            item(_("Quarantine"), "gpp_maybe", "quarantined"),
            item(_("Pauses"), "pause_circle", "pause"),
        ],
    },
    {
        "title": _("Record"),
        "items": [
            item(_("Messages"), "chat", "message"),
            item(_("Attachments"), "attach_file", "attachment"),
            item(_("Notes"), "sticky_note_2", "remark"),
            item(_("Updates"), "inbox", "update"),
            item(_("Events"), "timeline", "event"),
            item(_("Tool calls"), "build", "toolcall"),
            item(_("Alerts"), "notifications", "alert"),
            item(_("Costs"), "payments", "usage") | {"link": reverse_lazy("admin:khronos_costs")},
            item(_("Calls of models"), "receipt_long", "usage"),
            item(_("Why?"), "help", "message") | {"link": reverse_lazy("admin:khronos_why")},
            item(_("Health checks"), "monitor_heart", "healthcheck"),
            item(_("Trials of the backup"), "settings_backup_restore", "backupcheck"),
        ],
    },
    {
        "title": _("Shop"),
        "items": [
            item(_("Products"), "sell", "product"),
            item(_("Customers"), "person", "customer"),
            item(_("Orders"), "shopping_cart", "order"),
        ],
    },
    {
        "title": _("Set-up"),
        "items": [
            item(_("Tenants"), "apartment", "tenant"),
            item(_("Agents"), "smart_toy", "agent"),
            item(_("Channels"), "cell_tower", "channel"),
            item(_("Documents"), "menu_book", "document"),
            item(_("Granted tools"), "handyman", "toolgrant"),
            item(_("HTTP tools"), "http", "httptool"),
            item(_("Schedules"), "schedule", "periodictask", "django_celery_beat"),
            item(_("Intervals"), "timer", "intervalschedule", "django_celery_beat"),
            item(_("Times of day"), "calendar_month", "crontabschedule", "django_celery_beat"),
            item(_("Leases"), "key", "lease"),
            item(_("Users"), "badge", "user", "auth"),
            item(_("Groups"), "group", "group", "auth"),
        ],
    },
]
