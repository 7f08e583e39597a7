"""Who asks a source at the moment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column, and a help text."""

    dependencies = [("enrichment", "0013_waterfall")]

    operations = [
        migrations.AddField(
            model_name="throttle",
            name="seats",
            field=models.JSONField(
                default=list, help_text="Workers that ask it at the moment, or wait to: enrichment.seats."
            ),
        ),
        migrations.AlterField(
            model_name="enrichmentsource",
            name="in_flight",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                help_text="Questions at once, of all workers together; empty: the source's own.",
            ),
        ),
    ]
