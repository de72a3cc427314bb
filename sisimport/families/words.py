"""Plain words for codes in records, for readers who are not registrars. Source of meanings: CDE pages on the ELPAC."""

from django.utils.translation import gettext_lazy as _

from students.models import ProgramStatus

EL_STATUS = {
    ProgramStatus.EL: (_("English learner"), _("The student is learning English and gets help with it at school.")),
    ProgramStatus.EXITED: (_("Reclassified"), _("The student was an English learner and is fluent in English now.")),
    ProgramStatus.PENDING: (
        _("To be determined"),
        _("The school has not yet determined whether the student needs help."),
    ),
    ProgramStatus.NOT_EL: (
        _("Fluent in English"),
        _("The student also speaks another language and was fluent in English on the first test."),
    ),
    ProgramStatus.EO: (_("English only"), _("English is the student's only language.")),
}
