"""Utah responses keep what every import type keeps."""

from datetime import date

from ssid.models import UtahFunction
from students.models import Enrollment, Student
from tests.imports.base_suite import ImportTypeSuite
from tests.ssid.utah.exchange import LAST, NUMBER, answered, edited, request, utah


class TestRetrieveJourney(ImportTypeSuite):
    import_type = "utah-response"

    def arrange(self) -> None:
        district = utah()
        students = {number: district.add(number) for number in ("100", "101", "102", "103", "104", "105")}
        lines = dict(
            zip(
                ("100", "101", "102", "103", "104", "105"),
                answered(request(UtahFunction.RETRIEVE, district.school), lambda line: (f"55{line[NUMBER]}", "Match")),
                strict=True,
            )
        )
        Enrollment.objects.filter(student=students["104"]).update(exit_date=date(2025, 1, 10))
        students["105"].ssids.create(ssid="55105", state="UT", origin="staff")
        lines["102"] = edited(lines["102"], LAST, "Liu")
        lines["103"] = edited(edited(lines["103"], 1, ""), 14, "No Match")
        self.lines = [*lines.values(), "only,three,columns"]

    def content(self) -> str:
        return "\n".join(self.lines)


class TestUpdateJourney(ImportTypeSuite):
    import_type = "utah-response"
    options = {"match_legal": "1"}

    def arrange(self) -> None:
        district = utah()
        for number in ("100", "101", "102", "103", "104"):
            district.add(number, ssid=f"55{number}")
        Student.objects.update(last_name="Diaz", suffix="Jr")
        made = request(UtahFunction.UPDATE, district.school)
        lines = answered(made, lambda line: (line[1], "Error" if line[NUMBER] == "102" else "Updated"))
        Student.objects.filter(local_number="103").update(ethnicity="H")
        Student.objects.get(local_number="104").changed_records.update(cleared_by=0)
        self.lines = lines

    def content(self) -> str:
        return "\n".join(self.lines)
