//! `florin wallet`: what it shows, and what it changes.

use entity::changes;
use entity::values::ChangeKind;
use harness::Backend;
use harness::audit::recorded_lines;
use sea_orm::{ColumnTrait, Database, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{EMAIL, desk, same_members, shown, to};
use crate::program::{Place, two_customers, verifies};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_is_shown_as_the_api_shows_it() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "10").await;
        let mut lunch = ana.one_to(&ben);
        lunch["description"] = json!("lunch\u{1b}[2J");
        ana.caller.post("/v1/transfers", lunch).await.expect(201);

        let printed = shown(&place, &["wallet", "show", ana.wallet()]).await;
        let path = format!("/v1/wallets/{}", ana.wallet());
        let answered = ana.caller.get(&path).await.expect(200);
        let names = [
            "id",
            "user_id",
            "currency",
            "balance",
            "held",
            "available",
            "status",
            "version",
            "created_at",
            "updated_at",
        ];
        same_members(&printed, &answered, &names);
        assert_eq!(
            (&printed["email"], &printed["limits"]),
            (&json!("ana@example.com"), &Value::Null)
        );
        let entries = ana.caller.get(&format!("{path}/entries")).await.expect(200);
        assert_eq!(printed["entries"], entries["items"]);

        let table = place.run(&["wallet", "show", ana.wallet()]).await;
        assert_eq!(table.status, Some(0), "{table:?}");
        let lines: Vec<Vec<&str>> = table
            .stdout
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        for line in [
            ["wallet", ana.wallet()],
            ["balance", "9.0000"],
            ["status", "ACTIVE"],
            ["no", "limits"],
        ] {
            assert!(lines.iter().any(|found| found == &line), "{line:?}: {}", table.stdout);
        }
        for words in ["ana@example.com", "newest entries", "-1.0000", "DEPOSIT"] {
            assert!(table.stdout.contains(words), "{words}: {}", table.stdout);
        }

        // The bank's own wallet has no owner; it is the other side of the deposit.
        let system = entries["items"][1]["counterparty_wallet_id"]
            .as_str()
            .expect("a deposit has two sides");
        let system = shown(&place, &["wallet", "show", system]).await;
        assert_eq!(
            (&system["user_id"], &system["method"], &system["balance"]),
            (&Value::Null, &json!("visa"), &json!("-10.0000"))
        );
        server.kill().await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_counts_at_once_and_is_recorded_with_who_asked() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "10").await;
        let (id, _) = desk(&place, &server).await;
        let freeze = ["wallet", "freeze", ana.wallet(), "--as", EMAIL];
        let why = ["--reason", "A stolen phone."];
        for _ in 0..2 {
            assert_eq!(
                shown(&place, &[&freeze[..], &why].concat()).await["status"],
                "FROZEN",
                "twice is as good as once"
            );
        }
        let frozen = ana.caller.post("/v1/transfers", ana.one_to(&ben)).await;
        frozen.expect_problem(422, "wallet_frozen");
        let unfreeze = [&freeze[..], &["--unfreeze"]].concat();
        assert_eq!(shown(&place, &unfreeze).await["status"], "ACTIVE");
        ana.caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);

        let db = Database::connect(&place.url)
            .await
            .expect("the bank's database can be opened");
        for kind in [ChangeKind::Frozen, ChangeKind::Unfrozen] {
            let query = changes::Entity::find().filter(changes::Column::Kind.eq(kind));
            let rows = query.all(&db).await.expect("changes can be read");
            let askers: Vec<String> = rows
                .iter()
                .filter_map(|row| row.created_by)
                .map(|user| user.to_string())
                .collect();
            assert_eq!((rows.len(), askers), (1, vec![id.clone()]), "{kind:?}");
        }
        let recorded = recorded_lines(&db).await;
        for (action, after) in [
            (
                "wallet.frozen",
                json!({ "status": "FROZEN", "reason": "A stolen phone." }),
            ),
            ("wallet.unfrozen", json!({ "status": "ACTIVE" })),
        ] {
            let lines: Vec<_> = recorded.iter().filter(|line| line.action == action).collect();
            assert_eq!(lines.len(), 1, "{action}");
            assert_eq!(lines[0].actor.map(|user| user.to_string()).as_ref(), Some(&id));
            assert_eq!(lines[0].after.as_ref(), Some(&after));
            // There was no request.
            lines[0].expect_client(None, None, None);
        }
        db.close().await.expect("a connection can be closed");
        server.kill().await;
        verifies(&place).await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_set_shown_with_what_is_used_and_removed() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "100").await;
        desk(&place, &server).await;
        let limits = ["wallet", "limits", ana.wallet()];
        let set = async |options: &[&str]| shown(&place, &[&limits[..], &["--as", EMAIL], options].concat()).await;

        let given = set(&["--per-transfer", "5", "--per-day-amount", "7.5", "--per-day-count", "3"]).await;
        let all = json!({ "per_transfer": "5.0000", "per_day_amount": "7.5000", "per_day_count": 3 });
        assert_eq!(given["limits"], all);
        let passed = ana.caller.post("/v1/transfers", to(&ana, &ben, "5.0001")).await;
        passed.expect_problem(422, "limit_exceeded");
        ana.caller.post("/v1/transfers", to(&ana, &ben, "5")).await.expect(201);
        let used = shown(&place, &limits).await;
        assert_eq!(used["limits"], all, "a look changes nothing");
        assert_eq!(used["used_today"]["transfers"], 1);
        let table = place.run(&limits).await;
        let lines: Vec<Vec<&str>> = table
            .stdout
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        for line in [
            ["per_day_amount", "7.5000", "5.0000", "2.5000"],
            ["per_day_count", "3", "1", "2"],
        ] {
            assert!(lines.iter().any(|found| found == &line), "{line:?}: {}", table.stdout);
        }

        // What is not named is not limited, as with the API's PUT.
        let fewer = set(&["--per-day-count", "1"]).await;
        assert_eq!(fewer["limits"]["per_transfer"], Value::Null);
        let passed = ana.caller.post("/v1/transfers", to(&ana, &ben, "1")).await;
        passed.expect_problem(422, "limit_exceeded");
        assert_eq!(set(&["--none"]).await["limits"], Value::Null);
        ana.caller.post("/v1/transfers", to(&ana, &ben, "20")).await.expect(201);
        server.kill().await;
        verifies(&place).await;
        place.remove().await;
    }
}
