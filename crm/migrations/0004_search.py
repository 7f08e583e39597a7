"""The index of the search box: trigrams of the texts that crm.admin.search looks in, on PostgreSQL."""

from django.db import Error, migrations, transaction

TABLES = ("crm_account", "crm_contact")
TEXTS = "UPPER((name || ' ' || domain || ' ' || email || ' ' || external_id)::text)"


def add_indexes(apps, schema_editor):
    """Searching works without, only slower: a server without pg_trgm, or a role that may not add it, is no failure."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except Error:
        return
    for table in TABLES:
        schema_editor.execute(f"CREATE INDEX {table}_search ON {table} USING gin ({TEXTS} gin_trgm_ops)")


def drop_indexes(apps, schema_editor):
    """The extension stays: others may use it."""
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {table}_search")


class Migration(migrations.Migration):

    dependencies = [
        ('crm', '0003_long_lists'),
    ]

    operations = [
        migrations.RunPython(add_indexes, drop_indexes),
    ]
