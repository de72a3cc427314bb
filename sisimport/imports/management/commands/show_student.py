"""Print one student's records."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import print_json
from students.models import Student
from students.queries import student_json
from students.ssids import students_with_ssid


class Command(BaseCommand):
    help = "Show the records of the student with this local number or SSID, former SSIDs included."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("local_number", help="local student number, or an SSID the student has or had")
        parser.add_argument("--lea", default="", help="LEA code, where several districts use the number")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        students = Student.objects.filter(local_number=options["local_number"])
        if options["lea"]:
            students = students.filter(lea__code=options["lea"])
        student = students.order_by("pk").first() or students_with_ssid(options["local_number"]).order_by("pk").first()
        if student is None:
            self.stderr.write("No student has this local number.")
            sys.exit(1)
        data = student_json(student)
        if options["json"]:
            print_json(data)
            return
        for name, value in data.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value}")
