"""Configuration: TOML file, environment and flags, checked, with messages that name file, key, what was found and what was expected.

`load_settings` is the way in; `Settings` is what the rest of the worker sees.
"""

from cohort_sync.config.exchange import exchange_filter
from cohort_sync.config.load import Loaded, load, load_settings, settings_from, wrong_configuration
from cohort_sync.config.render import as_document, as_toml, first_file, json_schema, schema_text, secret_values
from cohort_sync.config.settings import (
    CohortSettings,
    HttpSettings,
    KafkaSettings,
    LogSettings,
    MemberSettings,
    RegistrationSettings,
    Settings,
    SourceSettings,
    StoreSettings,
    TypesSettings,
    WorkerSettings,
)

__all__ = [
    "CohortSettings",
    "HttpSettings",
    "KafkaSettings",
    "Loaded",
    "LogSettings",
    "MemberSettings",
    "RegistrationSettings",
    "Settings",
    "SourceSettings",
    "StoreSettings",
    "TypesSettings",
    "WorkerSettings",
    "as_document",
    "as_toml",
    "exchange_filter",
    "first_file",
    "json_schema",
    "load",
    "load_settings",
    "schema_text",
    "secret_values",
    "settings_from",
    "wrong_configuration",
]
