"""The SSID download file keeps what every import type keeps."""

from datetime import date

from tests.files.samples import line
from tests.imports.base_suite import ImportTypeSuite
from tests.imports.journey import give_el, give_ssid, make_district, merge_ssids


class TestDownloadJourney(ImportTypeSuite):
    import_type = "ssid-download"
    options = {"replace_retired": "1", "rfep_date": "exit"}

    def arrange(self) -> None:
        district = make_district()
        numbered = [district.student(local_number=str(n), home_language="" if n == 3 else "spa") for n in range(1, 10)]
        give_ssid(numbered[1], "9012345672")
        give_el(numbered[1], "EL", identified_date=date(2015, 9, 1))
        give_ssid(numbered[2], "9012345600")
        give_ssid(numbered[3], "9012345601")
        merge_ssids("9012345601", "9012345674")
        give_el(numbered[4], "EL", identified_date=date(2014, 9, 1), exit_date=None)
        give_el(numbered[5], "Pending", tbd_date=date(2014, 9, 1))

    def content(self) -> str:
        def numbered(n: int, **values: str) -> str:
            return line(local_number=str(n), ssid=f"901234567{n}", **values)

        return "\n".join(
            [
                numbered(1),  # all new
                numbered(2),  # there already
                numbered(3, language="vie"),  # another SSID: only the EL part goes in
                numbered(4),  # a retired SSID is replaced
                numbered(5, elas="RFEP", elas_date="20250601"),
                "",
                numbered(6, elas="TBD", elas_date="20160901", language="00"),
                line(local_number="7", ssid="12345", elas="XX", language=""),
                numbered(8, last_name="Somebody"),
                numbered(9),
                numbered(9),  # twice
                line(local_number="999"),
                "only^three^columns",
            ]
        )
