"""The admin's face (django-unfold, docs/admin.md). Dotted names are called by the web process alone."""

from typing import Any

from settings.env import env

FLOWER_PORT = env.flower_port or 5555
FLOWER_PASSWORD = env.flower_password
FLOWER_READ_ONLY = env.flower_read_only

LOGIN_REDIRECT_URL = "/admin/"  # Unfold's sign-in page forgets where it was to lead

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Khronos",
    "SITE_HEADER": "Khronos",
    "SITE_SYMBOL": "hourglass",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "khronos.desk.admin.sidebar.favicon"}],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": "khronos.desk.admin.language.address"},
    "SITE_VIEWS": [
        ("language/", "language", "khronos.desk.admin.language.SwitchLanguage"),
        ("flower/", "flower", "khronos.desk.admin.flower.FlowerPage"),
    ],
    "DASHBOARD_CALLBACK": "khronos.desk.admin.home.numbers",
    "STYLES": ["khronos.desk.admin.sidebar.stylesheet"],
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.7)",
            "100": "oklch(95.3% .051 180.8)",
            "200": "oklch(91% .096 180.4)",
            "300": "oklch(85.5% .138 181.1)",
            "400": "oklch(77.7% .152 181.9)",
            "500": "oklch(70.4% .14 182.5)",
            "600": "oklch(53% .104 184.7)",
            "700": "oklch(47% .086 186.4)",
            "800": "oklch(43.7% .078 188.2)",
            "900": "oklch(38.6% .063 188.4)",
            "950": "oklch(27.7% .046 192.5)",
        },
    },
    "SIDEBAR": {"show_search": True, "navigation": "khronos.desk.admin.sidebar.navigation"},
}
