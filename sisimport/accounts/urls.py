"""URLs of our own part of signing in; the rest are allauth's."""

from django.urls import path

from sisimport.accounts import views
from sisimport.accounts.sso import views as sso

urlpatterns = [
    path("accounts/sso/<slug:key>/", sso.start, name="sso_start"),
    path("accounts/sso/<slug:key>/again/", sso.again, name="sso_again"),
    path("accounts/sso/<slug:key>/callback/", sso.callback, name="sso_callback"),
    # allauth refers to these by its own names
    path("accounts/sso/<slug:organization_slug>/acs/", sso.acs, name="saml_acs"),
    path("accounts/sso/<slug:organization_slug>/acs/finish/", sso.finish_acs, name="saml_finish_acs"),
    path("accounts/sso/<slug:organization_slug>/metadata/", sso.metadata, name="saml_metadata"),
    path("accounts/sso/<slug:organization_slug>/signed-out/", sso.signed_out, name="saml_sls"),
    path("account/stay/", views.stay_signed_in, name="stay_signed_in"),
    path("accounts/emergency/", views.emergency_sign_in, name="emergency_sign_in"),
]
