"""Why something is not understood: kept as these words, and said in the language of whoever reads them."""

from django.conf import settings
from django.utils.translation import gettext_noop

GONE = gettext_noop("The channel does not have it any more.")
TOO_LARGE = gettext_noop("It is larger than what is taken here.")
NOT_GIVEN = gettext_noop("The channel does not give it.")
LOCAL = gettext_noop(
    "The Bot API server runs with --local and names a path on its own disk; start it without --local."
)
TOO_LONG_AWAY = gettext_noop("It could not be fetched for a day.")
NOT_WHOLE = gettext_noop("It did not arrive whole; please send it again.")
CRASHED = gettext_noop("Workers died while they fetched it.")
NO_PICTURE = gettext_noop("It is damaged, or no picture that is known: JPEG, PNG, GIF and WebP are.")
PICTURE_TOO_LARGE = gettext_noop("The picture is too large to be looked at.")
NO_FORM = gettext_noop("This kind of file cannot be read: text, Markdown, HTML, PDF and DOCX can.")
EMPTY = gettext_noop("There is no text in it; it may be scanned.")
NOT_SPOKEN = gettext_noop("What is said in it could not be made out.")

# Nobody is at fault, and nobody is told but the model.
UNTOLD = (GONE, NOT_GIVEN, LOCAL, TOO_LONG_AWAY, CRASHED)


def too_large() -> int:
    """In megabytes."""
    return int(settings.MEDIA_MAX_BYTES // 1024**2)
