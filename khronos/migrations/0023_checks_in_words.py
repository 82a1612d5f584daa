"""What a health check saw, in the languages of those who read it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("khronos", "0022_triage")]

    operations = [
        migrations.AddField(
            model_name="healthcheck",
            name="told",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
