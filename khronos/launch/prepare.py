"""The part of `up` that needs Django: database, first rows, administrator, files that other programs read."""

import os

import django
from django.conf import settings

from khronos.launch import configs, probes
from khronos.launch.home import Home, explained
from khronos.launch.screen import Screen
from settings import dotenv
from settings.env import env


def run(home: Home, screen: Screen) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.embedded")
    with explained(home.path):
        export_settings()
        django.setup(set_prefix=False)
        furnish(home, screen, probes.address(os.environ))
        configs.write_all(home, settings)
    screen.done("Prepared")


def furnish(home: Home, screen: Screen, address: str) -> None:
    """The database and the rows that every installation has; what is there stays."""
    from khronos.conversation import sweep  # noqa: PLC0415 (models need the setup)
    from khronos.launch import administrator, beside, database, residents, restored  # noqa: PLC0415
    from tasks import schedule  # noqa: PLC0415

    if found := beside.loaded():
        screen.done(f"Found beside Khronos: {'; '.join(found)}")
    if done := database.bring_up_to_date(home, screen):
        screen.done(done)
    restored.settle(home, screen)
    residents.settle(screen)
    schedule.install()
    sweep.hurry()
    sweep.try_again()
    made = administrator.make_if_missing()
    for line in warnings():
        screen.warn(line)
    if made:
        screen.done(f"Made the administrator: user admin, password {made.password} (shown this once)")
        screen.say(f"  Sign in without typing, within an hour, once: {address}{made.login_path}")


def export_settings() -> None:
    """Typed and checked here once; Procfile and supervisor read them as plain text."""
    for name in (
        "khronos_host", "web_threads", "agent_threads", "agent_processes", "max_memory_mb",
        "restart_apart_s", "failed_start_s", "failed_starts_max", "hard_stop_s", "silence_s",
    ):  # fmt: skip
        os.environ[name.upper()] = str(getattr(env, name))
    os.environ["BACKUP_JOURNAL"] = "1" if env.backup_journal else ""
    os.environ["KHRONOS_ENVIRONMENT"] = settings.ENVIRONMENT
    if "VALKEY_PORT" in dotenv.merged():
        os.environ.setdefault("VALKEY_SERVER", configs.valkey_server())


def warnings() -> list[str]:
    from khronos.agents.providers import fate_of, has_key, model_of  # noqa: PLC0415

    lines = []
    for name in settings.PROVIDER_ORDER:
        model = model_of(name)
        if fate := fate_of(model):
            lines.append(f"{name.upper()}_MODEL={model} {fate}")
    if not any(has_key(name) for name in settings.PROVIDER_ORDER):
        lines.append(
            "No model key is set: the built-in offline agent answers (ANTHROPIC_API_KEY in .env changes that)"
        )
    return lines
