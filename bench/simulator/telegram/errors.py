"""What the Bot API says when it refuses; the words are the real server's."""

BLOCKED = "Forbidden: bot was blocked by the user"
CAPTION_TOO_LONG = "Bad Request: message caption is too long"
CHAT_NOT_FOUND = "Bad Request: chat not found"
EDIT_NOT_FOUND = "Bad Request: message to edit not found"
DELETE_NOT_FOUND = "Bad Request: message to delete not found"
EMPTY = "Bad Request: message text is empty"
KICKED = "Forbidden: bot was kicked from the group chat"
METHOD_NOT_FOUND = "Not Found: method not found"
MIGRATED = "Bad Request: group chat was upgraded to a supergroup chat"
NOT_EDITABLE = "Bad Request: message can't be edited"
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the"
    " same as a current content and reply markup of the message"
)
OTHER_POLLER = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
POLLER_REPLACED = "Conflict: terminated by setWebhook request"
QUERY_TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
TOO_LONG = "Bad Request: message is too long"
UNAUTHORIZED = "Unauthorized"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active;"
    " use deleteWebhook to delete the webhook first"
)


class ApiError(Exception):
    """A refusal, in the form that goes over the wire."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, object]:
        body: dict[str, object] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(description: str) -> ApiError:
    return ApiError(400, description)


def conflict(description: str) -> ApiError:
    return ApiError(409, description)


def too_many(seconds: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
