"""Addresses of our own part of the way in; those of signing in are allauth's."""

from django.urls import path

from sisimport.accounts import views

urlpatterns = [
    path("mail/", views.kept_mails, name="kept_mails"),
    path("mail/<int:number>/", views.kept_mail, name="kept_mail"),
]
