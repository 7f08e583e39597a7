"""Paid sources can be held, as after a restore."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0002_cadences"),
    ]

    operations = [
        migrations.AddField(
            model_name="preferences",
            name="hold_paid",
            field=models.BooleanField(
                default=False,
                help_text="Set by a restore: nothing paid is asked, since answers may have come after the backup was made.",
                verbose_name="hold paid sources",
            ),
        ),
    ]
