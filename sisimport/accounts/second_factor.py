"""The second factor: when it is asked for."""

from typing import Any

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest


class AskForFactor(AuthenticateStage):
    """After the password, or after single sign-on at a provider that did not ask for a second factor itself."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return not self._provider_asked() and super()._should_handle(request)

    def _provider_asked(self) -> bool:
        details: dict[str, Any] = self.login.signal_kwargs or {}
        login = details.get("sociallogin")
        return login is not None and bool(login.state.get("second_factor"))
