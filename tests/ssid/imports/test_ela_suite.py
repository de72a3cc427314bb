"""The promises of every import, checked for the ELA Import and of Replacement SSIDs."""

import datetime as dt

from tests.imports.base_suite import ImportTypeSuite
from tests.ssid.imports.test_ela_rules import EL_2015, download, sela
from tests.ssid.imports.test_replacements import NEW, NEWER, OLD, line
from tests.ssid.journey import district


class ELAArranged(ImportTypeSuite):
    __test__ = False
    import_type = "ela"

    def arrange(self) -> None:
        valley = district()
        valley.add("100", ssid="9012345678", el=EL_2015, home_language="vie")
        valley.add("200", ssid="9012345679")
        valley.add("300", ssid="9012345680", el=EL_2015, home_language="spa")
        valley.add("400", el={"program_status": "Pending", "tbd_date": dt.date(2015, 8, 20)})


class TestELAJourney(ELAArranged):
    __test__ = True

    def content(self) -> str:
        lines = [
            download(elas="RFEP", elas_date="20220601"),
            download("200", ssid="9012345679", language="01"),
            download("300", ssid="9012345680"),
            download("400", ssid="", language="zz9"),
            download("999"),
            download("300", ssid="9012345680"),
        ]
        return "".join(f"{text}\n" for text in lines)


class TestELAFillOnlyJourney(TestELAJourney):
    options = {"ela_mode": "fill"}


class TestSELAJourney(ELAArranged):
    __test__ = True

    def content(self) -> str:
        lines = [
            sela(elas="IFEP", elas_date="20160901"),
            sela(elas="RFEP", elas_date="20220601"),
            sela("200", elas="EO", elas_date="", language="eng").replace("9012345678", "9012345679"),
            sela("300").replace("9012345678", "9012345680"),
            sela("400", elas="XX").replace("9012345678", ""),
        ]
        return "".join(f"{text}\n" for text in lines)


class TestReplacementJourney(ImportTypeSuite):
    import_type = "ssid-replacement"

    def arrange(self) -> None:
        valley = district()
        valley.add("100", ssid=OLD)
        valley.add("200", ssid="9000000002")
        valley.add("300")

    def content(self) -> str:
        lines = [
            line(OLD, NEW),
            line("9000000001", "9000000002", "200"),
            line("9000000003", "9000000004", "300"),
            line(OLD, NEW),
            line(NEW, NEWER),
            line("12", NEWER, "300"),
        ]
        return "".join(f"{text}\n" for text in lines)
