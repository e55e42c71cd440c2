//! `florin audit` and `florin user list`: what operators look up from a terminal.

use harness::Backend;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{refused, same_members, shown};
use crate::program::{Place, customer, password_in, sign_in};

const ADMIN: &str = "dora@example.com";
const SUBJECT: Uuid = Uuid::from_u128(77);
/// 2026-01-05 in milliseconds since 1970.
const DAY_MS: u128 = 1_767_571_200_000;
/// Version and variant of a UUID v7 whose microsecond is the first of its millisecond.
const ID_MARKS: u128 = 0x7000_8000 << 48;

/// An id as a literal of the database's SQL.
fn literal(backend: Backend, id: Uuid) -> String {
    match backend {
        Backend::Sqlite => format!("x'{}'", id.simple()),
        Backend::Postgres => format!("'{id}'"),
    }
}

/// Writes a line of the audit log about a subject that the bank does not know.
async fn write_line(place: &Place, backend: Backend, (number, actor): (u128, Option<Uuid>), after: &str) {
    let id = literal(backend, Uuid::from_u128((DAY_MS << 80) | ID_MARKS | number));
    let subject = literal(backend, SUBJECT);
    let actor = actor.map_or_else(|| "NULL".to_owned(), |actor| literal(backend, actor));
    place
        .tamper(&format!(
            "INSERT INTO audit_lines (id, at, action, actor_id, subject_kind, subject_id) \
             VALUES ({id}, '2026-01-05T00:00:00+00:00', 'wallet.frozen', {actor}, 'wallet', {subject})"
        ))
        .await;
    place
        .tamper(&format!(
            "INSERT INTO audit_details (id, address, after) VALUES ({id}, '192.0.2.7', '{after}')"
        ))
        .await;
}

/// Makes an admin; gives the id and a password.
async fn admin(place: &Place) -> (Uuid, String) {
    let arguments = [
        "user",
        "create",
        "--email",
        ADMIN,
        "--full-name",
        "Dora",
        "--role",
        "admin",
    ];
    let made = place.run(&arguments).await;
    assert_eq!(made.status, Some(0), "{made:?}");
    let id = made.stdout.split(' ').next().unwrap_or_default();
    (id.parse().expect("it begins with the id"), password_in(&made))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_is_shown_as_a_table_and_as_json() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let (dora, password) = admin(&place).await;
        for (number, actor) in [(1, Some(dora)), (2, None), (3, Some(dora))] {
            write_line(&place, backend, (number, actor), "{\"status\":\"FROZEN\"}").await;
        }
        let server = place.serve().await;
        let caller = sign_in(&server, ADMIN, &password).await;
        let answered = caller.get(&format!("/v1/audit?subject_id={SUBJECT}")).await.expect(200);
        let subject = SUBJECT.to_string();
        let of_subject = ["audit", "--subject", &subject];
        let printed = shown(&place, &of_subject).await;
        assert_eq!(
            (&printed["items"], &printed["has_more"]),
            (&answered["items"], &json!(false))
        );
        assert_eq!(printed["items"].as_array().map(Vec::len), Some(3));

        let by_dora = [
            &of_subject[..],
            &["--actor", "DORA@example.com", "--action", "wallet.frozen"],
        ]
        .concat();
        let printed = shown(&place, &[&by_dora[..], &["--limit", "1"]].concat()).await;
        assert_eq!(
            (&printed["items"][0], &printed["has_more"]),
            (&answered["items"][0], &json!(true))
        );
        for (options, count) in [
            (
                &["--from", "2026-01-05T00:00:00Z", "--to", "2027-01-05T00:00:00Z"][..],
                2,
            ),
            (&["--to", "2020-01-05T00:00:00Z"][..], 0),
        ] {
            let printed = shown(&place, &[&by_dora[..], options].concat()).await;
            let found = printed["items"].as_array().map(Vec::len);
            assert_eq!(found, Some(count), "{options:?}: {printed}");
        }

        let table = place
            .run(&[&of_subject[..], &["--limit", "2", "--log", "warn"]].concat())
            .await;
        assert_eq!(table.status, Some(0), "{table:?}");
        let lines: Vec<&str> = table.stdout.lines().collect();
        assert!(lines.len() == 3 && lines[0].starts_with("at "), "{table:?}");
        for words in ["wallet.frozen", ADMIN, &subject, "192.0.2.7", "FROZEN"] {
            assert!(lines[1].contains(words), "{words}: {table:?}");
        }
        assert!(!lines[2].contains(ADMIN), "the bank itself: {table:?}");
        assert!(table.stderr.contains("there may be more lines than the 2"), "{table:?}");
        server.kill().await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_audit_command_cannot_read_is_a_wrong_use() {
    let place = Place::new(Backend::Sqlite).await;
    admin(&place).await;
    let cases: &[(&[&str], &str)] = &[
        (&["--actor", "dora"], "not an e-mail address"),
        (
            &["--actor", "ana@example.com"],
            "ana@example.com is not a user of this bank",
        ),
        (&["--action", "user.sang"], "user.suspended"),
        (&["--subject", "7"], "not an id"),
        (&["--from", "yesterday"], "not a date and time"),
        (
            &["--from", "2026-01-06T00:00:00Z", "--to", "2026-01-05T00:00:00Z"],
            "--from must not be after --to",
        ),
        (&["--limit", "0"], "0 is not in"),
    ];
    for (options, words) in cases {
        refused(&place, &[&["audit"][..], options].concat(), 2, words).await;
    }
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_searched_from_a_terminal() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let (_, password) = admin(&place).await;
        let server = place.serve().await;
        for name in ["ana", "anabel", "ben"] {
            customer(&server, name).await;
        }
        let caller = sign_in(&server, ADMIN, &password).await;
        for (options, query, count) in [
            (&["--search", "ANA"][..], "q=ANA", 2),
            (&["--search", "ana@"][..], "q=ana%40", 1),
            (&["--role", "admin"][..], "role=admin", 1),
            (&["--search", "%"][..], "q=%25", 0),
            (&[][..], "", 4),
        ] {
            let answered = caller.get(&format!("/v1/users?{query}")).await.expect(200);
            let emails = answered["items"].as_array().expect("a list has items").iter();
            let emails: Vec<&str> = emails.filter_map(|user| user["email"].as_str()).collect();
            assert_eq!(emails.len(), count, "{query}");
            let table = place
                .run(&[&["user", "list", "--log", "warn"][..], options].concat())
                .await;
            assert_eq!(table.status, Some(0), "{table:?}");
            let lines: Vec<&str> = table.stdout.lines().skip(1).collect();
            assert_eq!(lines.len(), count, "{options:?}: {table:?}");
            for (line, email) in lines.iter().zip(emails) {
                assert!(line.contains(email), "{line}");
            }
        }
        let cut = place.run(&["user", "list", "--limit", "3", "--log", "warn"]).await;
        assert!(cut.stderr.contains("more users than the 3"), "{cut:?}");
        refused(&place, &["user", "list", "--search", " "], 2, "1 to 200 characters").await;
        let me = caller.get("/v1/users/me").await.expect(200);
        let listed = caller.get("/v1/users?role=admin").await.expect(200);
        same_members(&listed["items"][0], &me, &["id", "email", "role"]);
        assert_eq!(listed["next_cursor"], Value::Null);
        server.kill().await;
        place.remove().await;
    }
}
