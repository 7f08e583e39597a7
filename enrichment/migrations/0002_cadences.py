"""Cadences by priority, segments, and what a source's schedule did."""

import django.db.models.deletion
from django.db import migrations, models


def spare_paid_sources(apps, schema_editor):
    """A source that costs money asks about new records only when somebody says so."""
    apps.get_model("enrichment", "EnrichmentSource").objects.filter(cost__gt=0).update(asks_new=False)


class Migration(migrations.Migration):

    dependencies = [
        ('enrichment', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='enrichmentsource',
            name='asks_new',
            field=models.BooleanField(default=True, help_text='Scheduled refreshes also take records that this source was never asked about.', verbose_name='also ask about new records'),
        ),
        migrations.AddField(
            model_name='enrichmentsource',
            name='priority_cadences',
            field=models.JSONField(blank=True, default=dict, help_text='Records of other priorities use the cadence above.', verbose_name='cadences by priority'),
        ),
        migrations.AddField(
            model_name='enrichmentsource',
            name='segments',
            field=models.JSONField(blank=True, default=list, help_text='Scheduled refreshes take records of these segments only; empty: all.', verbose_name='only these segments'),
        ),
        migrations.CreateModel(
            name='ScheduleFiring',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('account', 'Account'), ('contact', 'Contact')], max_length=10)),
                ('planned_at', models.DateTimeField()),
                ('fired_at', models.DateTimeField()),
                ('note', models.CharField(blank=True, help_text='Why no run was made, or what is left.', max_length=300)),
                ('has_more', models.BooleanField(default=False, help_text='The refresh goes on soon.')),
                ('run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='firings', to='enrichment.enrichmentrun')),
                ('source', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='firings', to='enrichment.enrichmentsource')),
            ],
            options={
                'ordering': ['-planned_at', 'kind'],
                'constraints': [models.UniqueConstraint(fields=('source', 'kind', 'planned_at'), name='firing_once')],
            },
        ),
        migrations.RunPython(spare_paid_sources, migrations.RunPython.noop),
    ]
