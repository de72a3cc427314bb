"""Student records: schools, students, enrollments, SSIDs, EL records, guardians, and who may see them."""

from students.models.access import StaffAccess
from students.models.changed import WATCHED_FIELDS, ChangedRecord
from students.models.collection import AnnualEnrollment, CollectionPolicy, MissingSnapshot, ReportedSSID
from students.models.districts import LEA, DistrictSettings, ReportWords, School, StateProfile
from students.models.edits import RecordEdit
from students.models.families import FamilyInvitation, FamilyMember, SecondCheck
from students.models.identifiers import SSID, Origin, SSIDReplacement
from students.models.people import (
    ELRecord,
    Enrollment,
    Gender,
    Guardian,
    Headcount,
    LastDay,
    ProgramStatus,
    StateEnrollment,
    Student,
    WithoutSSID,
)

__all__ = [
    "LEA",
    "SSID",
    "WATCHED_FIELDS",
    "AnnualEnrollment",
    "ChangedRecord",
    "CollectionPolicy",
    "DistrictSettings",
    "ELRecord",
    "Enrollment",
    "FamilyInvitation",
    "FamilyMember",
    "Gender",
    "Guardian",
    "Headcount",
    "LastDay",
    "MissingSnapshot",
    "Origin",
    "ProgramStatus",
    "RecordEdit",
    "ReportWords",
    "ReportedSSID",
    "SSIDReplacement",
    "School",
    "SecondCheck",
    "StaffAccess",
    "StateEnrollment",
    "StateProfile",
    "Student",
    "WithoutSSID",
]
