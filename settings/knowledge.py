"""Who says what a text means, and how many documents are read at once (docs/knowledge.md)."""

from datetime import timedelta

from settings.env import env

EMBEDDINGS_MODEL = env.embeddings_model
EMBEDDINGS_AT_ONCE = env.embeddings_at_once
# Without an address each process that asks loads the local model by itself.
EMBEDDER_URL = env.embedder_url or (f"http://127.0.0.1:{env.embedder_port}" if env.embedder_port else "")

KNOWLEDGE_FILE_MAX_BYTES = env.knowledge_file_max_mb * 1024 * 1024
KNOWLEDGE_URLS = [host.strip().lower() for host in env.knowledge_urls.split(",") if host.strip()]
KNOWLEDGE_PRIVATE_NETWORKS = env.knowledge_private_networks
KNOWLEDGE_EXAMPLE = env.khronos_example
KNOWLEDGE_FRESH = timedelta(days=env.knowledge_fresh_days)
