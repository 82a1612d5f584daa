"""How far the assistant may go with its tools. Each number is one of a turn, unless it says otherwise."""

from settings.env import env

TOOL_ROUNDS_MAX = 6  # answers of the model that ask for tools; then it has to say something
TOOL_CALLS_MAX = 8  # of one round; the rest is refused
TOOL_TOKENS_MAX = 60_000  # in and out, over all rounds
TOOL_SECONDS_MAX = 60.0  # after that no new round begins
TOOL_ARGUMENTS_MAX = 16_000  # characters
TOOL_RESULT_MAX = 8_000  # characters that the model is told of one result
TOOL_RESULTS_KEPT_S = 300.0  # where a tool says that they may be
TOOL_PATIENCE_S = 20.0  # with the same call of another worker
CONFIRM_CONTACT_S = 15 * 60.0  # a yes of the contact is worth nothing after that
CONFIRM_OPERATOR_S = 24 * 3600.0
TOOL_PRIVATE_NETWORKS = env.tool_private_networks
