"""Test set-ups (the Test Detail records), layouts that people added, and the switch for families."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from assessments.structure import known_level_names, level_names
from students.school_years import year_label


class ScoreType(models.TextChoices):
    SCALE = "scale", "Scale score and level"
    LEVEL = "level", "Level only"
    RAW = "raw", "Raw score only"


class Assessment(models.Model):
    """One test set-up: a parent test or one of its children, known to imports by its state code.

    Imports find a parent by `state_code` and its years, and its children by the code under that parent; everything else may be
    edited without breaking later imports. `results` lists the result statuses as `[{"code", "name", "passing"}]`, best first.
    Without years (set-ups made before 1.1) it takes the scores of every year whose test has not changed (see
    scores/setups.py).
    """

    state_code = models.CharField(max_length=12)
    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    score_type = models.CharField(max_length=5, choices=ScoreType.choices, default=ScoreType.SCALE)
    position = models.PositiveSmallIntegerField(default=0, help_text="Order among assessments, and under the parent.")
    start_date = models.DateField("date", null=True, blank=True, help_text="Set up for tests from this day on.")
    first_year = models.PositiveSmallIntegerField(
        "first school year",
        null=True,
        blank=True,
        help_text="By its spring: 2025 is 2024-25. Empty: as far back as it fits.",
    )
    last_year = models.PositiveSmallIntegerField(
        "last school year", null=True, blank=True, help_text="By its spring. Empty: until the state changes the test."
    )
    preferred = models.BooleanField(
        "use this from now on",
        default=False,
        help_text="Imports without a choice use this one if several set-ups are for the same year.",
    )
    ranged = models.BooleanField(
        "published score ranges apply",
        default=True,
        help_text="Pages show the score ranges of levels that the state has published.",
    )
    results = models.JSONField("result statuses", default=list, blank=True)
    passing_score = models.CharField(max_length=8, blank=True)
    comments = models.TextField(blank=True)
    shown_to_families = models.BooleanField(
        "shown to students and parents",
        default=False,
        help_text="Display Options: scores appear in the family portals.",
    )

    class Meta:
        ordering = ["position", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state_code", "name"], condition=Q(parent__isnull=True), name="assessment_name_unique"
            ),
            models.UniqueConstraint(fields=["parent", "state_code"], name="assessment_child_code_unique"),
            models.CheckConstraint(condition=~Q(state_code="") & ~Q(name=""), name="assessment_has_code_and_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state_code})"

    @cached_property
    def result_names(self) -> dict[str, str]:
        return {str(result["code"]): str(result["name"]) for result in self.results}

    def names_in(self, year: int) -> dict[str, str]:
        """Names of results for scores of a school year.

        An unedited set-up for all years uses the test's names of that year.
        """
        names = self.result_names
        if self.first_year is None and self.last_year is None and names in known_level_names(self.state_code):
            return dict(level_names(self.state_code, year)) or names
        return names

    def covers(self, year: int) -> bool:
        """Whether its years include this one; a set-up without years covers all."""
        return (self.first_year or 0) <= year <= (self.last_year or year)


class AddedLayout(models.Model):
    """A layout that an import admin added from a file's header line: from then on a separate import type or, for a
    research file, one more layout of the type that reads these.

    Until it is added (`text` is blank) it is a draft: the header and facts about its columns, never a record's values.
    `comparison` says how it differs from the layout `like`: kept (a number), added, missing, renamed.
    """

    key = models.CharField(max_length=80)
    like = models.CharField(max_length=80)
    school_year = models.PositiveSmallIntegerField(help_text="By its spring.")
    file_name = models.CharField(max_length=255)
    text = models.TextField(blank=True)
    draft = models.JSONField(default=dict, blank=True)
    comparison = models.JSONField(default=dict, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(text=""), name="added_layout_key_unique"),
        ]

    def __str__(self) -> str:
        return self.key


class ShownResults(models.Model):
    """Whether families see the results of a family of tests in a school year: one switch, which overrides Display
    Options."""

    family = models.CharField(max_length=20)
    school_year = models.PositiveSmallIntegerField(help_text="By its spring.")
    shown = models.BooleanField()
    switched_at = models.DateTimeField(auto_now=True)
    switched_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["family", "school_year"], name="one_switch_of_a_year")]

    def __str__(self) -> str:
        return f"{self.family} {year_label(self.school_year)}: {'shown' if self.shown else 'not shown'}"
