"""Row model of the state's match results, and the requests that a run found in them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from sisimport.imports.definition.joins import joined_holder, joined_school, joined_student
from sisimport.imports.definition.staged_row import StagedRow
from sisimport.imports.models import ImportRun
from ssid.models.staged import ten_digits


class Pick(models.TextChoices):
    """What happens to one candidate row of a request."""

    CHOSEN = "chosen", "Chosen"
    SCORE = "score", "Taken by its score"
    OTHER = "other", "Not the one chosen"
    OPEN = "open", "To be decided"
    MANY = "many", "More than one chosen"
    NONE = "none", "No candidate"
    REFUSED = "refused", "Refused"


TAKEN = (Pick.CHOSEN, Pick.SCORE)


class SSIDRequestRow(StagedRow):
    """One line of the match results: a request with one of its candidates. `points`, `pick`, `*_text` and the fields after them
    are computed from the whole request before the rules run."""

    lea = models.TextField()
    school = models.TextField()
    selection = models.TextField()
    local_number = models.TextField()
    last_name = models.TextField()
    first_name = models.TextField()
    middle_name = models.TextField()
    ssid = models.TextField()
    category = models.TextField()
    score = models.TextField()
    gender = models.TextField()
    birth_date = models.DateField(null=True)
    result_last_name = models.TextField()
    result_first_name = models.TextField()
    result_middle_name = models.TextField()
    result_gender = models.TextField()
    result_birth_date = models.DateField(null=True)
    grade = models.TextField()
    elas = models.TextField()
    elas_date = models.DateField(null=True)
    language = models.TextField()
    guardian1_first_name = models.TextField()
    guardian1_last_name = models.TextField()
    guardian2_first_name = models.TextField()
    guardian2_last_name = models.TextField()
    result_lea = models.TextField()
    result_school = models.TextField()
    result_enrollment_status = models.TextField()
    result_enrollment_start = models.DateField(null=True)
    result_enrollment_exit = models.DateField(null=True)
    result_exit_reason = models.TextField()
    ssid_ok = ten_digits()

    request_line = models.IntegerField(default=0)  # first line of the request
    candidate_count = models.SmallIntegerField(default=0)
    points = models.SmallIntegerField(null=True)  # the score as a number; null if it is none
    pick = models.TextField(default=Pick.OPEN)
    choice_text = models.TextField()  # the candidates of the request with their scores
    chosen_line = models.IntegerField(default=0)
    shared_with = models.TextField()  # another local number for which the same SSID was chosen
    repeats = models.SmallIntegerField(
        default=0
    )  # another request of the file is about the same student: 1 equal, 2 not

    student = joined_student()
    holder = joined_holder()
    known_school = joined_school()

    class Meta:
        managed = False
        db_table = "staged_ssid_request"

    def __str__(self) -> str:
        return f"Line {self.line}"


class MatchRequest(models.Model):
    """One request of a match results file as its Test found it, listed on the choosing page. Written with the plan."""

    pk = models.CompositePrimaryKey("run_id", "line")
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="match_requests", db_index=False, db_constraint=False
    )
    line = models.IntegerField(help_text="First line of the request.")
    lines = ArrayField(models.IntegerField())
    local_number = models.TextField()
    category = models.CharField(max_length=14)
    state = models.CharField(max_length=7, choices=Pick.choices)
    chosen_line = models.IntegerField(null=True)
    best_line = models.IntegerField(null=True, help_text="The candidate of the highest score, when it is one alone.")
    best_score = models.SmallIntegerField(null=True)
    has_errors = models.BooleanField(default=False)
    student_id = models.BigIntegerField(null=True)
    school_id = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["run", "line"]
        indexes = [models.Index(fields=["student_id"], name="match_request_of_student")]

    def __str__(self) -> str:
        return f"Request in line {self.line}"
