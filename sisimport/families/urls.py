"""Addresses of the pages of students and parents."""

from django.urls import path

from sisimport.families import views

urlpatterns = [
    path("", views.home, name="family"),
    path("language/", views.language, name="set_language"),
    path("join/", views.join, name="family_join"),
    path("student/<int:pk>/", views.student, name="family_student"),
    path("student/<int:pk>/ssid/", views.enter_ssid, name="family_ssid"),
    path("student/<int:pk>/enroll/", views.enroll, name="family_enroll"),
]
