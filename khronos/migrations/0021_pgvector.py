from django.db import DatabaseError, migrations, transaction

AVAILABLE = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
# The signs of a vector as the database compares them; of longer ones the first 512, which is what an index can hold.
INDEX = (
    "CREATE INDEX chunk_meaning ON khronos_chunk USING hnsw ((('x' || encode(code, 'hex'))::bit(512)) bit_hamming_ops)"
)


def make_index(apps, schema_editor):
    """Where pgvector is installed, and we may use it; else the signs stay in each process's memory."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(AVAILABLE)
        if cursor.fetchone() == (0,):
            return
        try:
            with transaction.atomic(connection.alias):
                cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except DatabaseError:  # only an owner of the database may
            return
        cursor.execute("SET LOCAL statement_timeout = 0")  # 0.9 ms a passage
        cursor.execute(INDEX)


def drop_index(apps, schema_editor):
    """The extension may be somebody else's too."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS chunk_meaning")


class Migration(migrations.Migration):

    dependencies = [
        ("khronos", "0020_marked_words"),
    ]

    operations = [
        migrations.RunPython(make_index, drop_index),
    ]
