"""The base of row models: one staged line of a file."""

from django.db import models


class StagedRow(models.Model):
    """Base of row models: one staged line. The table is temporary, made by the engine for each run from the model's fields.

    Columns named in the layout are filled by COPY (text never null, dates null when blank); the other columns start at their
    default.
    """

    line = models.IntegerField(primary_key=True)
    lea_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=2, default="CA")
    refused = models.BooleanField(default=False)  # the reader has already refused the record
    candidates = models.SmallIntegerField(default=0)  # number of students with this local number, if the LEA is unknown
    candidate_text = models.TextField()
    # 0: as in the file. 1: a remembered match, 2: one accepted on this run (`given_number` is the file's own number then);
    # 3: a remembered match that is not used because the student's record has changed since.
    accepted = models.SmallIntegerField(default=0)
    given_number = models.TextField()

    class Meta:
        abstract = True
