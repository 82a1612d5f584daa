"""Secrets that nobody was asked for: made once, kept under KHRONOS_HOME, never shown again."""

import secrets

from khronos.launch.home import Home, explained, write
from settings.dotenv import read_env_file

MADE = {
    "SECRET_KEY": "signs sessions and links",
    "TELEGRAM_WEBHOOK_SECRET": "Telegram shows it with every update",
    "FLOWER_PASSWORD": "of Flower's user khronos",
    "METRICS_TOKEN": "bearer token of /metrics, /ready and the dashboards' numbers",
    "ALERT_WEBHOOK_SECRET": "signs the alerts that are sent to ALERT_WEBHOOK_URL",
    "VALKEY_PASSWORD": "of the embedded Valkey",
}


def make_missing(home: Home) -> list[str]:
    """Names of those that were made now. A secret that is there stays, even where the file lacks others."""
    kept = dict(read_env_file(home.secrets))
    missing = [name for name in MADE if not kept.get(name)]
    if missing:
        kept |= {name: secrets.token_urlsafe(36) for name in missing}
        lines = [
            f"# {MADE[name]}\n{name}={value}" if name in MADE else f"{name}={value}"
            for name, value in kept.items()
        ]
        with explained(home.path):
            write(
                home.secrets,
                "# Made by `make up`. Keep a copy: sessions and links die with SECRET_KEY.\n"
                + "\n".join(lines)
                + "\n",
            )
    return missing
