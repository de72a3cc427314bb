"""The top-level packages of the product, by its apps: what tests of all source walk, so that a new app is checked as well."""

from django.conf import settings

PACKAGES = tuple(dict.fromkeys(app.partition(".")[0] for app in settings.OWN_APPS))
