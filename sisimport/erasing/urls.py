"""Addresses of erasing."""

from django.urls import path

from sisimport.erasing import views

urlpatterns = [
    path("students/<int:pk>/erase/", views.erase, name="erase_student"),
    path("erasures/", views.erasures, name="erasures"),
]
