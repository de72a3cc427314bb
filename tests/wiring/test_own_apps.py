"""An app is named once, in OWN_APPS: what it offers is found by the names of its modules."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.urls import URLResolver, get_resolver

from sisimport.accounts import groups
from sisimport.accounts.access import IMPORT_ADMIN, SSID_STAFF
from sisimport.demo import benchmark

ROOT = Path(settings.BASE_DIR)


def test_every_app_of_this_repository_is_named_in_own_apps() -> None:
    own = [config.name for config in apps.get_app_configs() if "site-packages" not in Path(config.path).parts]
    assert own == settings.OWN_APPS
    made = {str(file.parent.relative_to(ROOT)).replace("/", ".") for top in {app.split(".")[0] for app in settings.OWN_APPS}
            for file in (ROOT / top).rglob("apps.py")}  # fmt: skip
    assert made == set(settings.OWN_APPS)


def test_the_addresses_of_every_own_app_are_found_without_naming_it() -> None:
    included = {p.urlconf_name.__name__ for p in get_resolver().url_patterns
                if isinstance(p, URLResolver) and hasattr(p.urlconf_name, "__name__")}  # fmt: skip
    offered = {f"{app}.urls" for app in settings.OWN_APPS if find_spec(f"{app}.urls")}
    assert len(offered) > 5
    assert offered <= included
    for app in settings.OWN_APPS:
        assert f'"{app}' not in (ROOT / "sisimport/urls.py").read_text().split("handler403")[0]


@pytest.mark.django_db
def test_groups_hold_what_an_app_offers_and_nothing_for_an_app_that_offers_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(groups, "_permissions", dict(groups._permissions))
    for app in ("lunch", "silent"):
        model = ContentType.objects.create(app_label=app, model="meal")
        for action in ("view", "change"):
            Permission.objects.create(content_type=model, codename=f"{action}_meal", name=action)
    groups.register_permissions("lunch", {IMPORT_ADMIN: ("view_*",)})

    for app in ("lunch", "silent"):
        groups.grant_permissions(_config(app))

    def held(group: str, app: str) -> set[str]:
        found = Group.objects.get(name=group).permissions.filter(content_type__app_label=app)
        return set(found.values_list("codename", flat=True))

    assert held(IMPORT_ADMIN, "lunch") == {"view_meal"}
    assert held(SSID_STAFF, "lunch") == held(IMPORT_ADMIN, "silent") == set()
    with pytest.raises(ValueError, match="twice"):
        groups.register_permissions("lunch", {})


def _config(label: str) -> AppConfig:
    config = AppConfig("sisimport.web", sys.modules["sisimport.web"])
    config.label = label
    return config


def test_the_benchmark_names_every_job_that_apps_offer(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("benchmark", "--help")
    told = " ".join(capsys.readouterr().out.split())
    assert ", ".join(benchmark.all_jobs()) in told.replace("- ", "-")
