"""What was laid beside Khronos, loaded once before anything starts: a broken file is told, not met."""

from collections.abc import Callable, Mapping

from django.conf import settings

import khronos.checks  # noqa: F401 - its table holds all looks
from khronos import extensions
from khronos.agents import blueprint, providers
from khronos.agents.tools import toolbox
from khronos.agents.tools.base import Tool
from khronos.agents.tools.schema import flaw
from khronos.alerts import means
from khronos.channels import KINDS, kind_of
from khronos.knowledge.embedding import chosen
from khronos.media import transcribing

# Those of ours, whose names are taken; and who loads one.
ONE_BY_ONE: Mapping[str, tuple[Mapping[str, object], Callable[[str], object]]] = {
    "channels": (KINDS, kind_of),
    "providers": (providers.PROVIDERS, providers.class_of),
    "transcribers": (transcribing.TRANSCRIBERS, transcribing.class_of),
    "embedders": (chosen.EMBEDDERS, chosen.class_of),
    "alerts": (means.FALLBACKS, means.fallback),
}


def loaded() -> list[str]:
    """Their names, sort by sort. Raises Misconfigured, which names the file and the fix."""
    for sort, (ours, load) in ONE_BY_ONE.items():
        for name in extensions.names(sort):
            if name in ours:
                raise extensions.lacking(sort, name, "is called as one of ours", "rename the file.")
            load(name)
    for name in extensions.names("tools"):
        tool = extensions.one_of("tools", name, Tool, "one function with @tool (docs/tools.md).")
        if complaint := flaw(tool.takes) or flaw(tool.gives):
            raise extensions.lacking(
                "tools", name, f"has no JSON Schema: {complaint}", "mend takes or gives."
            )
    toolbox.of_the_library()
    blueprint.of_the_library()
    return [f"{sort} {', '.join(found)}" for sort, found in settings.EXTENSIONS.items() if found]
