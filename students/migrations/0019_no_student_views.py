from django.db import migrations


class Migration(migrations.Migration):
    """Looks at students stand in the record of access (sisimport.audit), which has copied them."""

    dependencies = [("students", "0018_undo_of_edits"), ("audit", "0002_looks_and_roles")]
    operations = [migrations.DeleteModel("StudentView")]
