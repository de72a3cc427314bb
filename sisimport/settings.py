"""Settings of SIS Import: read from the environment (see .env.example and docs/reference/settings.md).

With nothing set the product runs for one person on one machine: embedded PostgreSQL, filesystem broker, DEBUG off,
a secret key made once and kept in the data directory.
"""

import secrets
import tempfile
import tomllib
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from sisimport.accounts.sso import configuration as sso
from sisimport.runtime import (
    database_roles,
    databases,
    error_reports,
    logs,
    outbound,
    postgres,
    processes,
    tls,
    tracing,
)
from sisimport.runtime.setting_files import Env
from sisimport.runtime.storage_url import StorageUrlError, storage_of
from sisimport.web import admin_theme

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()
if (BASE_DIR / ".env").exists():
    Env.read_env(BASE_DIR / ".env")

# Empty counts as not set: otherwise the database would be put into the folder in which a command is started.
DATA_DIR = Path(env.str("SISIMPORT_DATA_DIR", default="") or BASE_DIR / "var").resolve()
DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="")
DATABASE_REPLICA_URL = env.str("DATABASE_REPLICA_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
EMBEDDED = not DATABASE_URL
if DATABASE_DIRECT_URL and EMBEDDED:
    raise ImproperlyConfigured(
        "DATABASE_DIRECT_URL is the server behind the pooler that DATABASE_URL names: set both, or DATABASE_URL alone."
    )
PRODUCTION = env.bool("SISIMPORT_PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)
TIME_ZONE = env.str("TIME_ZONE", default="America/Los_Angeles")
LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("es", "Español")]
# Texts of family pages in other languages; and in English, our own words on pages of the sign-in library.
LOCALE_PATHS = [BASE_DIR / "sisimport" / "families" / "locale", BASE_DIR / "sisimport" / "accounts" / "locale"]
USE_TZ = True
FORMAT_MODULE_PATH = ["sisimport.web.formats"]
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "sisimport.urls"
WSGI_APPLICATION = "sisimport.wsgi.application"
SITE_NAME = env.str("SITE_NAME", default="SIS Import")


def _version() -> str:
    with (BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _kept_secret() -> str:
    """The secret key of an installation that has none set: made once, readable only by its owner."""
    path = DATA_DIR / "secret_key"
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(secrets.token_urlsafe(50))
        except FileExistsError:
            pass
    return path.read_text().strip() or secrets.token_urlsafe(50)


SECRET_KEY = env.str("SECRET_KEY", default="") or ("" if PRODUCTION else _kept_secret())
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Our own apps. Each offers its parts in modules with known names; see docs/how-to/add-an-app.md.
OWN_APPS = [
    "students",
    "sisimport.imports",
    "sisimport.web",
    "sisimport.demo",
    "sisimport.roster",
    "ssid",
    "assessments",
    "sisimport.families",
    "sisimport.reporting",
    "sisimport.matching",
    "sisimport.automation",
    "sisimport.erasing",
    "sisimport.accounts",
    "sisimport.api",
    "sisimport.audit",
]
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "csp",
    *OWN_APPS,
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "sisimport.web.admin_csp.AdminContentPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "sisimport.accounts.row_scope.RowScopeMiddleware",  # before anything that reads a student
    "sisimport.accounts.sessions.SessionLimits",
    "sisimport.accounts.recording.AuditMiddleware",  # around everything that may show a student
    "sisimport.api.middleware.ApiMiddleware",  # before anything reads a body
    "sisimport.web.pace.PaceLimits",  # before anything is received
    "sisimport.web.bodies.BodyLimits",  # before the CSRF check, which reads the form
    "django.middleware.csrf.CsrfViewMiddleware",
    "sisimport.web.language.StaffInEnglish",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "sisimport.accounts.access.AccessMiddleware",
    "sisimport.accounts.second_factor.SecondFactorMiddleware",
    "sisimport.accounts.step_up.StepUpMiddleware",
    "sisimport.web.views.errors.StoredFileMiddleware",
    "sisimport.web.views.errors.BusyMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sisimport.web.context_processors.frame",
            ]
        },
    }
]

# Through a pooler whose sessions change with each transaction; all programs but the web use DATABASE_DIRECT_URL.
POOLED = databases.uses_pooler(processes.kind, url=DATABASE_URL, direct_url=DATABASE_DIRECT_URL)
_address = DATABASE_URL if POOLED else DATABASE_DIRECT_URL or DATABASE_URL
DATABASES = {"default": env.db_url_config(_address or postgres.database_url(DATA_DIR))}
DATABASES["default"]["ENGINE"] = databases.ENGINE
DATABASES["default"].setdefault("OPTIONS", {})
if not EMBEDDED:
    DATABASES["default"] = databases.noticing(DATABASES["default"])
else:  # put the socket's folder where Django's own tools (dbshell) look for it
    DATABASES["default"]["HOST"] = DATABASES["default"]["OPTIONS"].pop("host")
    if processes.kind in database_roles.LIMITED:  # commands and migrations run as the owner
        DATABASES["default"]["USER"] = database_roles.role_name(str(DATABASES["default"]["NAME"]), processes.kind)
# Row policies on the tables of students, for the web server's role (docs/decisions); created and removed by `migrate`.
ROW_POLICIES = env.bool("ROW_POLICIES", default=True)
# How long a database session may wait for another session's lock, work on one statement, and keep a transaction open while idle;
# in seconds, 0 for no limit. Commands and migrations have no limits.
SESSION_LIMITS = {
    "web": {
        "lock_timeout": env.float("WEB_LOCK_SECONDS", default=2.5),
        "statement_timeout": env.float("WEB_STATEMENT_SECONDS", default=60),
        "idle_in_transaction_session_timeout": env.float("WEB_IDLE_SECONDS", default=60),
    },
    "worker": {
        "lock_timeout": env.float("WORKER_LOCK_SECONDS", default=300),
        "statement_timeout": env.float("WORKER_STATEMENT_SECONDS", default=3600),
        "idle_in_transaction_session_timeout": env.float("WORKER_IDLE_SECONDS", default=300),
    },
}
# Options in the address come last and take precedence. A pooler sets the limits itself (docs/how-to/deploy.md).
_limits = {} if POOLED else SESSION_LIMITS.get(processes.kind, {})
if _options := f"{databases.options_of(_limits)} {DATABASES['default']['OPTIONS'].get('options', '')}".strip():
    DATABASES["default"]["OPTIONS"]["options"] = _options
if POOLED:
    DATABASES["default"] = databases.without_session(DATABASES["default"])
# Reports and exports may be read elsewhere; imports/storage/replica.py decides.
REPLICA_MAX_SECONDS = env.float("REPLICA_MAX_SECONDS", default=30)
if _reports := DATABASE_REPLICA_URL or (DATABASE_DIRECT_URL if POOLED else ""):
    DATABASES["reports"] = databases.for_reading(env.db_url_config(_reports), SESSION_LIMITS.get(processes.kind, {}))
    DATABASE_ROUTERS = ["sisimport.runtime.reading.Router"]
# A process that works on a run and sends no heartbeat for this long loses it to another attempt.
RUN_SILENT_SECONDS = env.float("RUN_SILENT_SECONDS", default=30)
# TLS: the file of the CA that signed the servers' certificates. TLS options in an address take precedence.
DATABASE_CA = env.str("DATABASE_CA", default="")
REDIS_CA = env.str("REDIS_CA", default="")
for _database in DATABASES.values():
    if not EMBEDDED:
        _database["OPTIONS"] = tls.database_options(DATABASE_CA) | _database["OPTIONS"]
    _database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    _database["CONN_HEALTH_CHECKS"] = True

if DATABASE_REPLICA_URL:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("sisimport.api.middleware.ApiMiddleware"), "sisimport.web.own_writes.OwnWritesMiddleware"
    )

# In PostgreSQL, one for all processes: allauth counts requests here. Small: entries are looked up and set one at a time.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cache",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    }
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
# Mail: by EMAIL_URL; without one it is kept in the data directory for an administrator to read.
EMAIL_URL = env.str("EMAIL_URL", default="")
EMAIL_BACKEND = "sisimport.accounts.kept_mail.KeptMail"
if EMAIL_URL:
    vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = 20
# Error reports and traces: optional packages, no personal data (runtime/error_reports.py, tracing.py).
SENTRY_DSN = env.str("SENTRY_DSN", default="")
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
try:
    if SENTRY_DSN:
        error_reports.start(
            SENTRY_DSN, release=_version(), environment=env.str("SENTRY_ENVIRONMENT", default="production")
        )
    if OTEL_EXPORTER_OTLP_ENDPOINT:
        tracing.start(OTEL_EXPORTER_OTLP_ENDPOINT, version=_version())
        MIDDLEWARE.insert(0, "sisimport.web.observing.TracingMiddleware")
except error_reports.NotInstalledError as error:
    raise ImproperlyConfigured(str(error)) from None

# /metrics answers 404 until one of them is set.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_ADDRESSES = env.list("METRICS_ADDRESSES", default=[])
# Hosts of the inner network that webhooks may call, also over http: by default none, and public https addresses only.
WEBHOOK_ALLOWED_HOSTS = env.list("WEBHOOK_ALLOWED_HOSTS", default=[])
# Hosts that may be called at all (sisimport.runtime.outbound); those of the settings here are always among them.
CALLED_HOSTS = env.list("CALLED_HOSTS", default=[])
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="sis-import@localhost")
HELP_CONTACT = env.str("HELP_CONTACT", default="")

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "sisimport.accounts.passwords.NotTooLong"},
    {"NAME": "sisimport.accounts.passwords.NoCommonWord"},
    {"NAME": "sisimport.accounts.passwords.NoWordOfThisPlace"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# In addition to the names of the site, its districts and schools: mascots, streets, the name of the old system.
PASSWORD_WORDS = env.list("PASSWORD_WORDS", default=[])
# Argon2 for new ones; PBKDF2 hashes are replaced when the user signs in.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_ADAPTER = "sisimport.accounts.adapter.AccountAdapter"
# Wrong passwords are counted by sisimport.accounts.limits; here: codes of the second factor, and the rest by allauth's rates.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "5/5m/key"}
# Proxies in front that append to X-Forwarded-For: each client counts by its own address, whatever it puts there itself.
TRUSTED_PROXY_COUNT = env.int(
    "TRUSTED_PROXY_COUNT", default=1 if PRODUCTION and env.bool("BEHIND_PROXY", default=True) else 0
)
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # the site never sends mail to addresses it does not know
ACCOUNT_FORMS = {"reset_password": "sisimport.accounts.forms.AskForPasswordForm"}
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False  # signed out when the browser closes: machines are shared
# Single sign-on (docs/how-to/single-sign-on.md): providers come only from these settings, never from the database.
SSO_PROVIDERS = sso.read_providers(env)
SSO_GROUPS = sso.read_groups(env.json("SSO_GROUPS", default={}))
SSO_GROUPS_CLAIM = env.str("SSO_GROUPS_CLAIM", default="groups")
STAFF_PASSWORDS = env.bool(
    "STAFF_PASSWORDS", default=True
)  # off: staff sign in only by single sign-on; families keep their passwords
SOCIALACCOUNT_ADAPTER = "sisimport.accounts.sso.adapter.SocialAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=PRODUCTION)  # for staff; optional for families
STEP_UP_SECONDS = env.int("STEP_UP_SECONDS", default=15 * 60 if PRODUCTION else 0)  # sisimport.accounts.step_up
ACCOUNT_REAUTHENTICATION_TIMEOUT = STEP_UP_SECONDS or 15 * 60
# Set because django-allauth 65.22 and later also include a code by mail by default.
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")
MFA_ALLOW_UNVERIFIED_EMAIL = True  # accounts are made by administrators, so addresses need no verification
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]  # passkeys as second factor, never instead of signing in
MFA_RECOVERY_CODES_SHOW_ONCE = True  # only hashes are kept (sisimport.accounts.recovery_codes)
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION  # http://localhost

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))


def _uploads() -> dict[str, object]:
    try:
        return storage_of(env.str("STORAGE_URL", default=""), folder=DATA_DIR / "uploads")
    except StorageUrlError as error:
        raise ImproperlyConfigured(str(error)) from None


STORAGES = {
    "default": _uploads(),
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# Keys of kept files, newest first (sisimport.runtime.file_keys). Required in production by a check.
FILE_KEYS = env.list("FILE_KEYS", default=[])
WHITENOISE_USE_FINDERS = not PRODUCTION
FILE_UPLOAD_HANDLERS = ["sisimport.web.upload_handlers.LimitedUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"  # not the system's: it may be small, and this is student data
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
# All temporary files, also those of libraries, are made here and not in the system's folder, which may be small or in memory and
# is open to others: unpacked and converted files are student data. The reconciler sweeps both.
SCRATCH_DIR = DATA_DIR / "scratch"
SCRATCH_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
tempfile.tempdir = str(SCRATCH_DIR)

DATA_UPLOAD_MAX_NUMBER_FIELDS = 6000  # one page matches a large district's schools with another system's numbers
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024**2  # of a form; sisimport.web.bodies limits requests with files
# Per person, across all machines; 0: unlimited (sisimport.web.pace).
UPLOADS_PER_MINUTE = env.int("UPLOADS_PER_MINUTE", default=120)
EXPORTS_PER_MINUTE = env.int("EXPORTS_PER_MINUTE", default=60)
UPLOAD_MAX_SECONDS = env.int("UPLOAD_MAX_SECONDS", default=3600)
WEB_THREADS = env.int("WEB_THREADS", default=4)

# Student data is private: nothing cached by the browser or a proxy, no referrer, no other host.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "sisimport.accounts.passing_messages.PassingMessages"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env.int("SESSION_COOKIE_AGE", default=12 * 3600)  # from signing in, regardless of activity
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=30 * 60)
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^api/"]  # programs get an error, not a redirect: sisimport.api.middleware
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=True) else None
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31536000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    # Browsers accept these only from this host itself, over https, for all of its addresses.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    LANGUAGE_COOKIE_NAME = "__Host-language"
    CSRF_COOKIE_SECURE = True
    LANGUAGE_COOKIE_SECURE = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# Celery: the broker only notifies; PostgreSQL is the source of truth. A lost message costs seconds: the reconciler finds the run.
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outwaits any absence of the broker
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object]
REDIS_BROKER_OPTIONS: dict[str, object] = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 10,
    # Publishing fails fast: the reconciler enqueues again, and a page must not wait for a broker that is away.
    "max_retries": 0,
    "interval_start": 0,
    # Redis does not keep messages until they are acknowledged: they are never needed again. With Kombu's acknowledgments a
    # process that took a message just before Redis went away could not acknowledge it and took no other message for the rest of
    # its life.
    "ack_emulation": False,
}
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    if _redis_tls := tls.redis_options(REDIS_URL, REDIS_CA):
        CELERY_BROKER_USE_SSL = _redis_tls
    CELERY_BROKER_TRANSPORT_OPTIONS = REDIS_BROKER_OPTIONS
else:
    CELERY_BROKER_URL = "filesystem://localhost"
    (DATA_DIR / "broker").mkdir(parents=True, exist_ok=True)  # the transport makes only its control folder
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker"),
        "data_folder_out": str(DATA_DIR / "broker"),
        "control_folder": str(DATA_DIR / "broker-control"),
        "polling_interval": 0.1,
    }

# A district's own layouts: a file here replaces the packaged one of the same name (docs/how-to/change-a-layout.md).
LAYOUT_DIR = env.str("LAYOUT_DIR", default=str(DATA_DIR / "layouts"))

# Limits for uploaded files, in bytes.
# A virus scanner (clamd) that checks each upload before it is read: unix:/run/clamav/clamd.ctl or tcp://host:3310.
CLAMD_ADDRESS = env.str("CLAMD_ADDRESS", default="")
CLAMD_REQUIRED = env.bool("CLAMD_REQUIRED", default=True)
if CALLED_HOSTS:
    _addresses = [
        DATABASE_URL,
        DATABASE_DIRECT_URL,
        DATABASE_REPLICA_URL,
        REDIS_URL,
        EMAIL_URL,
        CLAMD_ADDRESS,
        SENTRY_DSN,
    ]
    _addresses += [OTEL_EXPORTER_OTLP_ENDPOINT, env.str("STORAGE_URL", default="")]
    _addresses += [address for one in SSO_PROVIDERS for address in (one.issuer, one.metadata)]
    outbound.limit([*CALLED_HOSTS, *WEBHOOK_ALLOWED_HOSTS, *outbound.hosts_in(*_addresses)])
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=2 * 1024**3)
# Files up to this size need not wait for larger ones: one process of each worker takes only these.
IMPORT_SMALL_BYTES = env.int("IMPORT_SMALL_BYTES", default=1024**2)
IMPORT_MAX_LINE_BYTES = env.int("IMPORT_MAX_LINE_BYTES", default=1024**2)

# How many days each kind of data is kept (0: permanently); workers and `purge` remove older data.
KEEP_UPLOADS_DAYS = env.int("KEEP_UPLOADS_DAYS", default=90)
KEEP_REFUSED_UPLOADS_DAYS = env.int("KEEP_REFUSED_UPLOADS_DAYS", default=7)
KEEP_PLANS_DAYS = env.int("KEEP_PLANS_DAYS", default=400)
KEEP_ABSENT_DAYS = env.int("KEEP_ABSENT_DAYS", default=30)
KEEP_VIEWS_DAYS = env.int("KEEP_VIEWS_DAYS", default=1827)
KEEP_MAILS_DAYS = env.int("KEEP_MAILS_DAYS", default=7)
KEEP_DELIVERIES_DAYS = env.int("KEEP_DELIVERIES_DAYS", default=60)
KEEP_DELIVERED_EXPORTS_DAYS = env.int("KEEP_DELIVERED_EXPORTS_DAYS", default=400)
KEEP_SCORES_DAYS = env.int("KEEP_SCORES_DAYS", default=0)
for _name in [name for name, days in globals().items() if name.startswith("KEEP_") and days < 0]:
    # Otherwise a typing mistake would keep it permanently without anyone noticing.
    raise ImproperlyConfigured(f"{_name} is below zero. Give a number of days; 0 keeps it permanently.")
# The key for the seals of the record of access. If blank, SECRET_KEY is used, and a replaced SECRET_KEY must then be added to
# SECRET_KEY_FALLBACKS; former values of AUDIT_KEY go into AUDIT_KEY_FALLBACKS.
AUDIT_KEY = env.str("AUDIT_KEY", default="")
AUDIT_KEY_FALLBACKS = env.list("AUDIT_KEY_FALLBACKS", default=[])

# Requests that one token of the REST API may make in a minute.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=300)

LOGGING = logs.set_up(
    form=env.str("LOG_FORMAT", default="text"), level=env.str("LOG_LEVEL", default="WARNING"), texts=DEBUG
)
UNFOLD = admin_theme.theme(SITE_NAME)
