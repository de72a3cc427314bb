"""Which runs began last: the queue asks it to let districts take turns."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0024_absent_lists")]

    operations = [
        migrations.AddIndex(
            model_name="importrun",
            index=models.Index(fields=["-started_at"], condition=models.Q(started_at__isnull=False), name="run_began"),
        )
    ]
