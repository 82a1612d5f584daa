from django.db import migrations, models

# From "t1knowledge boot price" to "1kboot 1kprice", and back.
MARK = "tenant_id || substr(kind, 1, 1)"
SPACE = {"sqlite": "instr(words, ' ')", "postgresql": "strpos(words, ' ')"}


def mark(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET LOCAL statement_timeout = 0")
    space = SPACE[schema_editor.connection.vendor]
    schema_editor.execute(
        f"UPDATE khronos_chunk SET words = CASE {space} WHEN 0 THEN '' ELSE"
        f" {MARK} || replace(substr(words, {space} + 1), ' ', ' ' || {MARK}) END"
    )


def unmark(apps, schema_editor):
    schema_editor.execute(
        f"UPDATE khronos_chunk SET words = 't' || tenant_id || kind || replace(' ' || words, ' ' || {MARK}, ' ')"
    )


class Migration(migrations.Migration):

    dependencies = [
        ("khronos", "0019_mind"),
    ]

    operations = [
        migrations.RunPython(mark, unmark),
        migrations.RemoveIndex(
            model_name="chunk",
            name="chunk_of_tenant",
        ),
        migrations.AddIndex(
            model_name="chunk",
            index=models.Index(fields=["tenant", "kind", "model", "code", "id"], name="chunk_codes"),
        ),
        migrations.AlterField(
            model_name="chunk",
            name="words",
            field=models.TextField(help_text="Stems without accents, each behind a mark for whose it is."),
        ),
    ]
