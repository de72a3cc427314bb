"""Districts (LEAs) and their schools."""

import datetime as dt
import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q


class StateProfile(models.TextChoices):
    """The state whose SSID system an LEA answers to: decides SSID format, functions and layouts."""

    CALIFORNIA = "CA", "California"
    UTAH = "UT", "Utah"


class LEA(models.Model):
    """A local education agency: a district or an independently reporting charter."""

    code = models.CharField(max_length=7, validators=[RegexValidator(r"^\d{2,7}\Z", "Up to seven digits.")])
    name = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=2, choices=StateProfile.choices, default=StateProfile.CALIFORNIA)

    class Meta:
        verbose_name = "LEA"
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["code"], name="lea_code_unique")]

    def __str__(self) -> str:
        return f"{self.name or 'LEA'} ({self.code})"


class ReportWords(models.TextChoices):
    """The words in which results of imports are reported."""

    OWN = "own", "Our own: what was found, what was expected, what to do"
    SCREEN = "screen", "Those of the CALPADS SSID Import screen (StateID …, WARNING: … DOES NOT match …)"


FAMILY_END = "07-01"  # for a district that has not chosen: the date in the memo on the collection of SSIDs
_LINK = re.compile(r"(?P<title>\S.*?)\s+(?P<address>https?://\S+)\Z")


def links_of(text: str) -> list[tuple[str, str]]:
    """(title, address) of each line `Title https://…`; lines of another form are left out."""
    found = (_LINK.match(line.strip()) for line in text.splitlines())
    return [(match["title"].rstrip(":"), match["address"]) for match in found if match]


def validate_links(text: str) -> None:
    """Each line that is not blank is a title and an address. Raises ValidationError naming the line."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = links_of(line)
        if not found or not urlsplit(found[0][1]).hostname:
            raise ValidationError(f"Line {number}: enter a title, a space, and an address that begins with https://.")


def _percent(label: str, default: int, help_text: str) -> Any:
    return models.PositiveSmallIntegerField(
        f"{label}, percent",
        default=default,
        db_default=default,
        help_text=help_text,
        validators=[MaxValueValidator(100)],
    )


def validate_month_day(text: str) -> None:
    """`07-01`: a month and a day that every year has. Raises ValidationError."""
    found = re.fullmatch(r"(\d{2})-(\d{2})", text, re.ASCII)
    try:
        dt.date(2025, int(found[1]), int(found[2])) if found else dt.date(0, 1, 1)
    except ValueError:
        raise ValidationError("Enter month and day with two digits each: 07-01 is July 1.") from None


class DistrictSettings(models.Model):
    """What a district has chosen for itself. A district without a row has the defaults."""

    lea = models.OneToOneField(
        LEA, on_delete=models.CASCADE, primary_key=True, related_name="settings", verbose_name="LEA"
    )
    report_words = models.CharField(
        "words of the results report",
        max_length=8,
        choices=ReportWords.choices,
        default=ReportWords.OWN,
        help_text="For results pages and their downloads. Messages that the screen does not have keep our own words.",
    )

    contacts = models.TextField(
        "whom to ask",
        blank=True,
        default="",
        max_length=1000,
        help_text="Shown on the pages of the help: names, telephone numbers and addresses of your office, a line each.",
    )
    documentation = models.TextField(
        "links to documentation",
        blank=True,
        default="",
        max_length=2000,
        validators=[validate_links],
        help_text="Your own and the state's, a line each: a title, a blank, and the address. "
        "For example: Our import calendar https://example.org/calendar",
    )
    shows_district_results = models.BooleanField(
        "schools see the district's results",
        default=False,
        help_text="Users with only some schools see totals of the district beside the results of their own schools.",
    )
    family_accounts_end = models.CharField(
        "family accounts end each year on",
        max_length=5,
        blank=True,
        default=FAMILY_END,
        db_default=FAMILY_END,
        validators=[validate_month_day],
        help_text="Month and day: 07-01 is July 1. From this day on, a family sees nothing until the school renews its account. "
        "Blank: family accounts do not end.",
    )
    staff_accounts_end = models.CharField(
        "staff accounts end each year on",
        max_length=5,
        blank=True,
        default="",
        db_default="",
        validators=[validate_month_day],
        help_text="Month and day: 07-01 is July 1. From this day on, people who were not renewed on the People page cannot sign"
        " in. "
        "Blank: staff accounts do not end.",
    )

    # Limits above which an Update waits for a second person: each a share in percent, and never fewer than `hold_floor`.
    holds_updates = models.BooleanField(
        "hold large changes",
        default=True,
        db_default=True,
        help_text="An Update or Import beyond one of the limits below waits until a second person approves it.",
    )
    hold_floor = models.PositiveIntegerField(
        "never for fewer than",
        default=50,
        db_default=50,
        validators=[MinValueValidator(1)],
        help_text="Students, SSIDs, English learners or lines: below this number nothing is held.",
    )
    hold_students_percent = _percent(
        "students changed",
        10,
        "Held above this share of a school's students whose names, birth dates, scores or other "
        "lasting values on record would be replaced. Grade, school and enrollment do not count: they change every year.",
    )
    hold_ssids_percent = _percent(
        "SSIDs replaced",
        2,
        "Held above this share of a school's students whose SSID on record would be overwritten or retired.",
    )
    hold_el_percent = _percent(
        "English learner statuses changed",
        10,
        "Held above this share of a school's students whose status on record would change. Pending (TBD) may always change.",
    )
    hold_lines_percent = _percent(
        "lines of last time", 80, "Held when the file has less than this share of the lines in last time's file."
    )
    hold_matched_percent = _percent(
        "lines matched", 50, "Held when less than this share of the lines is about students on record."
    )

    import_defaults = models.JSONField(
        "usual options of imports",
        blank=True,
        default=dict,
        help_text="Name of an option -> the value that uploads begin with.",
    )

    class Meta:
        verbose_name = "district settings"
        verbose_name_plural = "district settings"
        constraints = [
            models.CheckConstraint(condition=Q(report_words__in=ReportWords.values), name="report_words_known")
        ]

    def __str__(self) -> str:
        return f"Settings of {self.lea}"


class School(models.Model):
    """A school of an LEA, known to the state by a seven-digit code."""

    lea = models.ForeignKey(LEA, on_delete=models.PROTECT, related_name="schools", db_index=False, verbose_name="LEA")
    code = models.CharField(max_length=7, validators=[RegexValidator(r"^\d{1,7}\Z", "Up to seven digits.")])
    name = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["name", "code"]
        constraints = [models.UniqueConstraint(fields=["lea", "code"], name="school_code_unique_in_lea")]

    def __str__(self) -> str:
        return f"{self.name or 'School'} ({self.code})"
