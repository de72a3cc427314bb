"""Django configuration of the shared pages."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "sisimport.web"
    verbose_name = "Pages"

    def ready(self) -> None:
        from sisimport.web import choice_words, navigation
        from sisimport.web.help import registration  # noqa: F401 - offers its pages to the search and the home page

        choice_words.use()
        navigation.discover()
