"""People's decisions about matches: those on one run's lines, and those remembered for later files.

None of these is made by a program: every row records who decided, when and why.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from sisimport.audit.looking import NotesStudent
from sisimport.imports.models.runs import ImportRun


class MatchDecision(models.Model):
    """One decision on a line of a completed Test. The lines it touches are planned again.

    MATCH: whose record the line is. CANDIDATE: which of the state's candidates is right for a request (the line is the
    candidate's).
    """

    class Subject(models.TextChoices):
        MATCH = "match", "Match"
        CANDIDATE = "candidate", "Candidate"

    class Answer(models.TextChoices):
        ACCEPT = "accept", "Accepted"
        REFUSE = "refuse", "Refused"

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="decisions", db_index=False)
    line = models.IntegerField()
    subject = models.CharField(max_length=9, choices=Subject.choices)
    answer = models.CharField(max_length=6, choices=Answer.choices)
    student_id = models.BigIntegerField(null=True)
    score = models.DecimalField(max_digits=4, decimal_places=1, null=True, help_text="As shown when it was decided.")
    reason = models.TextField(blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["run", "line"]
        constraints = [
            models.UniqueConstraint(fields=["run", "line", "subject"], name="one_decision_on_a_line"),
            models.CheckConstraint(
                condition=~Q(subject="match", answer="accept") | Q(student_id__isnull=False),
                name="accepted_match_names_its_student",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_answer_display()} {self.subject} in line {self.line}"


class RememberedMatch(NotesStudent, models.Model):
    """Values of a file that a person said mean this student: used by later Tests until a person takes it back.

    `key` holds the values as in the file (see engine.accepted_matches.key_sql). `student_hash` is the student's identity
    at that time: for a student whose names, birth date or gender have changed since, the person is asked again.
    """

    key = models.TextField()
    local_number = models.CharField(max_length=40, blank=True, help_text="As the file gave it.")
    student_id = models.BigIntegerField()
    student_hash = models.BigIntegerField()
    reason = models.TextField(blank=True)
    run = models.ForeignKey(ImportRun, on_delete=models.SET_NULL, null=True, related_name="+")
    line = models.IntegerField(null=True)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "remembered match"
        verbose_name_plural = "remembered matches"
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(ended_at__isnull=True), name="values_mean_one_student")
        ]
        indexes = [models.Index(fields=["student_id"], name="remembered_of_student")]

    def __str__(self) -> str:
        return f"Remembered match {self.pk}"
