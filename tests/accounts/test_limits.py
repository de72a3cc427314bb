"""Who may try a password, and how often."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts import limits
from sisimport.accounts.addresses import client_address
from sisimport.accounts.models import KnownPlace, SignInTry
from tests.factories import PASSWORD, UserFactory

HOME, SCHOOL, ELSEWHERE = "192.0.2.1", "198.51.100.7", "203.0.113.9"


def wrong(name: str, address: str, times: int = 1) -> list[bool]:
    """Wrong tries; whether each was let through to the password."""
    return [limits.begin_try(name, address) is not None for _time in range(times)]


def right(name: str, address: str) -> bool:
    tried = limits.begin_try(name, address)
    if tried is not None:
        limits.right_password(tried)
    return tried is not None


@pytest.mark.django_db
class TestLimits:
    def test_five_wrong_tries_of_a_name_from_an_address_close_it_there_and_nowhere_else(self) -> None:
        assert wrong("rosa", HOME, 7) == [True] * 5 + [False] * 2

        assert not right("rosa", HOME)
        assert not right(" ROSA ", HOME)
        assert right("rosa", SCHOOL)
        assert right("maria", HOME)

    def test_it_opens_again_after_five_minutes(self) -> None:
        wrong("rosa", HOME, 5)
        SignInTry.objects.update(at=timezone.now() - dt.timedelta(seconds=limits.PAIR_SECONDS + 1))

        assert right("rosa", HOME)

    def test_the_right_password_forgets_the_tries_before_it(self) -> None:
        wrong("rosa", HOME, 4)
        assert right("rosa", HOME)

        assert wrong("rosa", HOME, 5) == [True] * 5

    def test_a_thousand_addresses_get_fifty_tries_at_a_name_and_its_owner_still_signs_in(self) -> None:
        assert right("rosa", SCHOOL)
        tries = [wrong("rosa", f"10.0.{n // 250}.{n % 250}")[0] for n in range(200)]

        assert tries.count(True) == limits.NAME_TRIES
        assert right("rosa", SCHOOL)
        assert not right("rosa", ELSEWHERE)
        assert right("maria", ELSEWHERE)

    def test_one_address_gets_a_hundred_tries_and_those_who_work_there_still_sign_in(self) -> None:
        assert right("rosa", SCHOOL)
        tries = [wrong(f"name{n}", SCHOOL)[0] for n in range(200)]

        assert tries.count(True) == limits.ADDRESS_TRIES
        assert right("rosa", SCHOOL)
        assert right("maria", HOME)

    def test_no_name_is_in_the_tables(self) -> None:
        wrong("my-pa$$word", HOME)
        right("rosa", HOME)

        kept = [*SignInTry.objects.values_list("name", flat=True), *KnownPlace.objects.values_list("name", flat=True)]
        assert len(kept) == 2
        assert not any("rosa" in name or "word" in name for name in kept)

    def test_old_tries_and_places_go(self) -> None:
        wrong("rosa", HOME)
        right("maria", HOME)
        SignInTry.objects.update(at=timezone.now() - dt.timedelta(days=2))
        KnownPlace.objects.update(last_at=timezone.now() - dt.timedelta(days=181))

        right("ann", SCHOOL)

        assert not SignInTry.objects.exists()
        assert KnownPlace.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_the_same_moment_exactly_five_are_let_through() -> None:
    let_through: list[bool] = []

    def attempt() -> None:
        let_through.extend(wrong("rosa", HOME))
        connection.close()

    threads = [threading.Thread(target=attempt) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(let_through) == [False] * 15 + [True] * 5


def sign_in(client: Client, name: str, password: str, address: str = HOME) -> str:
    answer = client.post(reverse("account_login"), {"login": name, "password": password}, REMOTE_ADDR=address)
    if answer.status_code == 302:
        client.post(reverse("account_logout"))
        return "in"
    text = answer.content.decode()
    return "too many" if "Too many failed" in text else "wrong" if "not correct" in text else text


@pytest.mark.django_db
class TestSigningIn:
    def test_s3_wrong_tries_on_other_names_do_not_block_a_right_password_from_the_same_address(
        self, client: Client
    ) -> None:
        UserFactory(username="rosa")
        for number in range(40):
            assert sign_in(client, f"name{number}", "x") == "wrong"

        assert sign_in(client, "rosa", PASSWORD) == "in"

    def test_s3_more_than_thirty_people_sign_in_from_one_address_in_a_minute(self, client: Client) -> None:
        names = [UserFactory().username for _number in range(40)]

        assert {sign_in(client, name, PASSWORD) for name in names} == {"in"}

    def test_a_closed_name_is_closed_for_its_address_only(self, client: Client) -> None:
        UserFactory(username="rosa")
        assert [sign_in(client, "rosa", "x") for _time in range(6)] == ["wrong"] * 5 + ["too many"]

        assert sign_in(client, "rosa", PASSWORD) == "too many"
        assert sign_in(client, "rosa", PASSWORD, SCHOOL) == "in"

    def test_right_passwords_are_not_counted(self, client: Client) -> None:
        UserFactory(username="rosa")

        assert {sign_in(client, "rosa", PASSWORD) for _time in range(12)} == {"in"}
        assert not SignInTry.objects.exists()

    def test_a_password_chosen_again_by_mail_opens_the_name_again(self) -> None:
        user = UserFactory(username="rosa")
        wrong("rosa", HOME, 5)
        wrong(user.email, HOME, 5)

        limits.forget_tries_of(user=user, sender=None, request=None, signal=None)

        assert right("rosa", HOME)
        assert right(user.email, HOME)


@pytest.mark.parametrize(
    ("count", "forwarded", "address"),
    [
        (0, "1.1.1.1", "10.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "nonsense", "10.0.0.1"),
        (1, "1.1.1.1:5678", "1.1.1.1"),
        (1, "[2001:db8:1:2:3::4]:443", "2001:db8:1:2::"),
        (1, "2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        (1, "::ffff:1.2.3.4", "1.2.3.4"),
        (1, "fe80::1%eth0", "fe80::"),
    ],
)
def test_the_address_is_what_the_trusted_proxy_saw(settings: Any, count: int, forwarded: str, address: str) -> None:
    settings.TRUSTED_PROXY_COUNT = count
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)

    assert client_address(request) == address


def test_a_connection_without_an_address_has_a_name_too() -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) == "unknown"
