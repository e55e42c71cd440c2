//! The settings of a server as the audit log keeps them: every one of them, and no secret.

use clap::ValueEnum;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use service::config::Config;
use service::db::is_sqlite;

use super::{Settings, VERSION};

/// The program's version, and every setting by the name of its variable without `FLORIN_`. Of a URL only what cannot hold
/// a password is shown.
pub fn shown(settings: &Settings, config: &Config) -> Value {
    let redis_url = config
        .redis_url
        .as_ref()
        .map(|url| without_secrets(url.expose_secret()));
    let folder = settings.activities_dir.as_deref();
    let proxies: Vec<String> = settings.trusted_proxies.iter().map(ToString::to_string).collect();
    json!({
        "version": VERSION,
        "database_url": without_secrets(&config.database_url),
        "unsafe_database": word(settings.unsafe_database),
        "generic_plans": word(settings.generic_plans),
        "data_dir": settings.data_dir.display().to_string(),
        "listen": settings.listen.to_string(),
        "currency": settings.currency.to_string(),
        "signing_key_file": config.signing_key_file.display().to_string(),
        "journal_key_file": config.journal_key_file.display().to_string(),
        "token_algorithm": word(settings.token_algorithm),
        "rate_limit_per_minute": settings.rate_limit_per_minute,
        "queue_max": settings.queue_max,
        "redis_url": redis_url,
        "smtp_url": settings.smtp_url.as_deref().map(without_secrets),
        "mail_from": settings.mail_from,
        "webhooks_private": word(settings.webhooks_private),
        "reports": word(settings.reports),
        "connections_max": settings.connections_max,
        "peer_share_percent": settings.peer_share_percent,
        "trusted_proxies": proxies,
        "activities_dir": folder.map(|folder| folder.display().to_string()),
        "upload_max_bytes": settings.upload_max_bytes,
        "cors_origins": settings.cors_origins,
        "log": settings.log,
        "log_format": word(settings.log_format),
    })
}

/// A choice as it is written on the command line.
fn word(choice: impl ValueEnum) -> Option<String> {
    choice.to_possible_value().map(|value| value.get_name().to_owned())
}

/// A URL without its user, password and parameters: a password may also be a parameter.
fn without_secrets(url: &str) -> String {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    match shown.split_once("://") {
        Some((scheme, rest)) if !is_sqlite(url) => {
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            format!("{scheme}://{place}")
        }
        Some(_) | None => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_setting_is_shown_and_no_password() {
        let command = Cli::command();
        let variables = command
            .get_arguments()
            .filter_map(|argument| argument.get_env()?.to_str());
        let names = variables
            .filter_map(|name| name.strip_prefix("FLORIN_"))
            .map(str::to_lowercase);
        let expected: BTreeSet<String> = names.chain(["version".to_owned()]).collect();
        let cli = Cli::try_parse_from([
            "florin",
            "--database-url",
            "postgres://florin:hunter2@db:5432/bank?sslmode=require&password=hunter2",
            "--redis-url",
            "redis://:hunter2@cache:6379/1",
            "--smtp-url",
            "smtp://florin:hunter2@mail.example:587?tls=required",
            "--mail-from",
            "Florin <no-reply@bank.example>",
            "--reports",
            "public",
        ]);
        let settings = cli.expect("the flags are right").settings;
        let config = settings.config().expect("the settings are right");
        let shown = shown(&settings, &config);
        let object = shown.as_object().expect("it is an object");
        assert_eq!(object.keys().cloned().collect::<BTreeSet<_>>(), expected);
        assert_eq!(shown["database_url"], "postgres://db:5432/bank");
        assert_eq!(shown["redis_url"], "redis://cache:6379/1");
        assert_eq!(shown["smtp_url"], "smtp://mail.example:587");
        assert_eq!(shown["mail_from"], "Florin <no-reply@bank.example>");
        assert_eq!(shown["reports"], "public");
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, shown) in [
            ("postgres://a:b@c/d?password=e", "postgres://c/d"),
            ("postgres://a:b@c@d/e", "postgres://d/e"),
            ("postgres:///d?host=/run&password=e", "postgres:///d"),
            ("redis+unix:///run/redis.sock?pass=e", "redis+unix:///run/redis.sock"),
            ("smtps://a%40b:c%2Fd@mail.example/bank", "smtps://mail.example/bank"),
            (
                "sqlite:///home/me@work/florin.db?mode=rwc",
                "sqlite:///home/me@work/florin.db",
            ),
            ("sqlite::memory:", "sqlite::memory:"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
