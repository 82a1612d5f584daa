"""What only some processes need is loaded by them alone: each pays for its own memory."""

import os
import subprocess
import sys

LOADED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.embedded"
import django
django.setup()
from khronos.management.commands import beat, dispatcher, poll, worker
from khronos.celery import app
app.loader.init_worker()
print(sorted(sys.modules.keys() & {"khronos.desk.admin", "unfold.admin", "psycopg", "numpy", "anthropic"}))
"""


def test_no_process_behind_the_web_loads_the_screens_numpy_or_a_models_client(tmp_path: object) -> None:
    said = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={"PATH": os.environ["PATH"], "KHRONOS_HOME": str(tmp_path), "KHRONOS_DOTENV": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert said.stdout == "[]\n"
