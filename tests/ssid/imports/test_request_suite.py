"""The promises of every import, checked for the Request File: as the file comes, and with choices made on the screen."""

from sisimport.imports.runs.decisions import ACCEPT, CANDIDATE, MATCH, REFUSE, Decision, decide
from students.models import Student
from tests.imports.base_suite import ImportTypeSuite
from tests.imports.journey import Report
from tests.matching.test_decisions import download
from tests.ssid.request_files import HEADER, RESULT, line, make_district, make_student

EL_DATA = "Lee,Sam,M,20110304,EL,20150901,spa,Lee,Ana"
NO_EL_DATA = ",,,,,,,,"


class TestRequestFileJourney(ImportTypeSuite):
    import_type = "ssid-request"

    def arrange(self) -> None:
        school = make_district()
        for number in range(6):
            make_student(school, str(100240 + number))
        make_student(school, "100250", ssid="8012345699")
        make_student(school, "100260", birth_date="2012-12-12")

    def content(self) -> str:
        rows = [
            f"{HEADER},{RESULT}",
            line(pick="X", more=EL_DATA),
            line(ssid="8012345690", more=NO_EL_DATA),
            line("100241", ssid="8012345691", category="Single Match", score="100%", more=EL_DATA),
            line("100242", ssid="", category="No Match", score="", more=NO_EL_DATA),
            line("100243", ssid="8012345692", more=EL_DATA),
            line("100243", ssid="8012345693", score="99%", more=NO_EL_DATA),
            line("100244", pick="X", ssid="8012", more=NO_EL_DATA),
            line("100250", pick="X", ssid="8012345699", more=NO_EL_DATA),
            line("100260", pick="X", ssid="8012345694", more=EL_DATA),
        ]
        return "".join(f"{row}\n" for row in rows)


class TestRequestFileWithChoicesJourney(TestRequestFileJourney):
    """Chosen, refused and accepted on the screen: the Test then is the truth as any other."""

    def run_test(self) -> Report:
        test = super().run_test()
        student = Student.objects.get(local_number="100260")
        decisions = [
            Decision(line=7, subject=CANDIDATE, answer=ACCEPT, over=(6,)),
            Decision(line=4, subject=CANDIDATE, answer=REFUSE),
            Decision(line=10, subject=MATCH, answer=ACCEPT, student_id=student.pk),
        ]
        return Report(decide(run_id=test.run.pk, decisions=decisions, user=None, schools=None))

    def test_a_choice_is_in_the_plan(self) -> None:
        counts = self.run_test().counts
        assert counts["imported"] == 3
        assert counts["skipped"] == 4


class TestAcceptedMatchesJourney(ImportTypeSuite):
    import_type = "ssid-download"

    def arrange(self) -> None:
        school = make_district()
        make_student(school, "100240", last_name="O'Neil")
        make_student(school, "100241", first_name="Kim")
        make_student(school, "100242", ssid="9012345670")

    def content(self) -> str:
        rows = [
            download(last="ONeil"),
            download("100999", first="Kim", ssid="9012345679"),
            download("100242", ssid="9012345670"),
            download("100998", last="Poe", ssid="9012345672"),
        ]
        return "".join(f"{row}\n" for row in rows)

    def run_test(self) -> Report:
        test = super().run_test()
        decisions = [
            Decision(
                line=number,
                subject=MATCH,
                answer=ACCEPT,
                student_id=Student.objects.get(local_number=local_number).pk,
            )
            for number, local_number in ((1, "100240"), (2, "100241"))
        ]
        return Report(decide(run_id=test.run.pk, decisions=decisions, user=None, schools=None))

    def test_a_second_test_says_the_same(self) -> None:
        """Of changes and counts: it finds the matches remembered, where the first found them accepted."""
        first, second = self.run_test(), self.run_test()
        assert [(c["line"], c["field"], c["after"]) for c in second.changes] == [
            (c["line"], c["field"], c["after"]) for c in first.changes
        ]
        assert second.counts == first.counts
