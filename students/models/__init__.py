"""Student records: schools, students, enrollments, SSIDs, EL records, guardians, and who may see them."""

from students.models.access import StaffAccess, StudentView
from students.models.changed import WATCHED_FIELDS, ChangedRecord
from students.models.districts import LEA, School, StateProfile
from students.models.edits import RecordEdit
from students.models.identifiers import SSID, Origin, SSIDReplacement
from students.models.people import ELRecord, Enrollment, Gender, Guardian, ProgramStatus, Student

__all__ = [
    "LEA",
    "SSID",
    "WATCHED_FIELDS",
    "ChangedRecord",
    "ELRecord",
    "Enrollment",
    "Gender",
    "Guardian",
    "Origin",
    "ProgramStatus",
    "RecordEdit",
    "SSIDReplacement",
    "School",
    "StaffAccess",
    "StateProfile",
    "Student",
    "StudentView",
]
