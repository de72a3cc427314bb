"""Lines of a run's file that a person is correcting on the page, kept while they work on them."""

from django.conf import settings
from django.db import models

from sisimport.imports.models.files import ImportFile
from sisimport.imports.models.runs import ImportRun


class LineDraft(models.Model):
    """New values of one refused line. The file stays unchanged: a Test of corrected lines reads a file of its own.

    `values`: column (from 0; -1 is the whole line) -> new text.
    """

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="line_drafts", db_index=False)
    line = models.IntegerField()
    values = models.JSONField(default=dict)
    edited_at = models.DateTimeField(auto_now=True)
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["run", "line"]
        constraints = [models.UniqueConstraint(fields=["run", "line"], name="one_draft_of_a_line")]

    def __str__(self) -> str:
        return f"Draft of line {self.line}"


class CorrectedLine(models.Model):
    """The corrections in one line of a file of corrected lines, stored when that file is made; pages read them from here.

    `fields`: a list of key, label, before and after; a key is blank for a line that could not be split into fields.
    """

    file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, related_name="corrected_lines", db_index=False)
    line = models.IntegerField()
    fields = models.JSONField(default=list)

    class Meta:
        ordering = ["file", "line"]
        constraints = [models.UniqueConstraint(fields=["file", "line"], name="one_record_of_a_corrected_line")]

    def __str__(self) -> str:
        return f"Corrected line {self.line}"
