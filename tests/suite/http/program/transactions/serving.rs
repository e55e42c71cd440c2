//! A server by itself: it relays, consumes and archives without commands, and continues where it was killed.

use chrono::{Days, NaiveDate};
use harness::servers::RedisServer;
use harness::{Backend, Caller};
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::json;
use service::aggregates::{Day, Message, PaymentKind, TransactionRow, totals_of};
use service::values::{Currency, ImportId, Method, Money};
use uuid::Uuid;

use super::{Bank, MANY, on_both_stores, today, until};
use crate::imports::{finished, upload_to};
use crate::program::{customer, operator, verifies};
use crate::sums::{Month, Sums};
use crate::transactions::{PATH, id_of};

on_both_stores!(
    a_server_relays_and_archives_by_itself,
    two_servers_share_the_work_and_count_once,
    a_server_killed_in_the_middle_of_an_import_goes_on_with_it,
);

impl Bank {
    /// The numbers of sums in a table: those of days before `first_hot`, and the others.
    async fn rows(&self, table: &str, first_hot: NaiveDate) -> (u64, u64) {
        let rows = |condition| format!("SELECT count(*) AS n FROM {table} WHERE day {condition} '{first_hot}'");
        (self.number(&rows("<")).await, self.number(&rows(">=")).await)
    }
}

/// Moves money in or out; returns the day for which it counts.
pub async fn pay(caller: &Caller, path: &str, amount: &str, method: &str) -> NaiveDate {
    let payment = json!({ "amount": amount, "method": method });
    let paid = caller.post(path, payment).await.expect(201);
    let day = paid["created_at"].as_str().and_then(|time| time.get(..10));
    day.and_then(|day| day.parse().ok())
        .expect("a time begins with its day")
}

async fn a_server_relays_and_archives_by_itself(bank: Bank) {
    let server = bank.serve().await;
    let (anyone, op) = (server.caller(), operator(&bank.place, &server).await);
    let ana = customer(&server, "ana").await;
    let month = Month::new(1, 3_000, today());
    let taken = upload_to(&op, PATH, "month.csv", month.text.as_bytes())
        .await
        .expect(202);
    let wallet = format!("/v1/wallets/{}", ana.wallet());
    let deposited = pay(&op, &format!("{wallet}/deposits"), "12.5001", "visa").await;
    let withdrawn = pay(&op, &format!("{wallet}/withdrawals"), "2.5", "wire").await;
    let mut expected = month.sums.clone();
    *expected.entry(format!("{deposited} deposits visa")).or_default() += 125_001;
    *expected.entry(format!("{withdrawn} withdrawals wire")).or_default() += 25_000;
    until(&expected, || month.answered(&anyone)).await;
    assert_eq!(finished(&op, id_of(&taken)).await["status"], "COMPLETED");

    // Now only the archiver has work to do: days that ended more than seven days ago must be in the cold table only,
    // and later days must not be in it.
    let first_hot = deposited.max(withdrawn) - Days::new(7);
    let cold = cold_sums(&month.sums, first_hot);
    until(&(cold, 0), || bank.rows("cold_totals", first_hot)).await;
    let hot = month.sums.len() as u64 - cold + 2;
    let in_database = if bank.redis.is_some() { 0 } else { hot };
    assert_eq!(bank.rows("hot_totals", first_hot).await, (0, in_database));
    assert_eq!(month.answered(&anyone).await, expected);

    // Late rows of cold days are added to them.
    let late = Month::new(2, 500, month.last);
    let taken = upload_to(&op, PATH, "late.csv", late.text.as_bytes()).await.expect(202);
    assert_eq!(finished(&op, id_of(&taken)).await["status"], "COMPLETED");
    for (name, units) in &late.sums {
        *expected.entry(name.clone()).or_default() += units;
    }
    assert_eq!(month.answered(&anyone).await, expected);
    let cold_rows = cold_rows(&month, first_hot) + cold_rows(&late, first_hot);
    let counted = "SELECT CAST(coalesce(sum(count), 0) AS bigint) AS n FROM cold_totals";
    until(&cold_rows, || bank.number(counted)).await;
    assert_eq!(month.answered(&anyone).await, expected);
    server.terminate().await;
    assert_eq!(server.ended().await.status, Some(0));
    verifies(&bank.place).await;
    bank.place.remove().await;
}

/// The archivers, relays and consumers of both run, while both get the same file and different payments.
async fn two_servers_share_the_work_and_count_once(bank: Bank) {
    let (one, other) = (bank.serve().await, bank.serve().await);
    let op = operator(&bank.place, &one).await;
    let token = op.token.clone().expect("an operator has a token");
    let ana = customer(&one, "ana").await;
    let month = Month::new(5, MANY / 10, today());
    let ops = [op, other.caller().with_token(&token)];
    let deposits = format!("/v1/wallets/{}/deposits", ana.wallet());
    let mut expected = month.sums.clone();
    let mut ids = Vec::new();
    for op in &ops {
        let taken = upload_to(op, PATH, "month.csv", month.text.as_bytes())
            .await
            .expect(202);
        ids.push(id_of(&taken).to_owned());
        for _ in 0..10 {
            let day = pay(op, &deposits, "1", "visa").await;
            *expected.entry(format!("{day} deposits visa")).or_default() += 10_000;
        }
    }
    let mut inserted = 0;
    for id in &ids {
        let import = finished(&ops[0], id).await;
        assert_eq!(import["status"], "COMPLETED", "{import}");
        inserted += import["rows_inserted"].as_u64().expect("rows are counted");
    }
    assert_eq!(inserted, MANY / 10);
    for server in [&one, &other] {
        let anyone = server.caller();
        until(&expected, || month.answered(&anyone)).await;
    }
    // If midnight has passed meanwhile, one more day is cold.
    let cold = cold_rows(&month, month.last - Days::new(7));
    let counted = "SELECT CAST(coalesce(sum(count), 0) AS bigint) AS n FROM cold_totals";
    until(&true, || async { bank.number(counted).await >= cold }).await;
    for server in [one, other] {
        assert_eq!(month.answered(&server.caller()).await, expected);
        server.kill().await;
    }
    verifies(&bank.place).await;
    bank.place.remove().await;
}

/// The number of sums of days before `first_hot`.
fn cold_sums(sums: &Sums, first_hot: NaiveDate) -> u64 {
    let first_hot = first_hot.to_string();
    sums.keys().filter(|name| name[..10] < *first_hot).count() as u64
}

/// The number of rows of days before `first_hot`.
fn cold_rows(month: &Month, first_hot: NaiveDate) -> u64 {
    let first_hot = first_hot.to_string();
    let rows = month.text.lines().skip(1);
    rows.filter(|row| row[..10] < *first_hot).count() as u64
}

async fn a_server_killed_in_the_middle_of_an_import_goes_on_with_it(bank: Bank) {
    let month = Month::new(3, MANY, today());
    let mut server = bank.serve().await;
    let token = operator(&bank.place, &server)
        .await
        .token
        .expect("an operator has a token");
    let taken = upload_to(
        &server.caller().with_token(&token),
        PATH,
        "month.csv",
        month.text.as_bytes(),
    )
    .await
    .expect(202);
    let id = id_of(&taken);
    let mut rows = 0;
    for _ in 0..3 {
        rows = rows_beyond(&server.caller().with_token(&token), id, rows).await;
        server.kill().await;
        server = bank.serve().await;
    }
    // A server that is asked to stop in the middle stops at once and with status 0.
    rows = rows_beyond(&server.caller().with_token(&token), id, rows).await;
    println!("stopped after {rows} of {MANY} rows");
    server.terminate().await;
    assert_eq!(server.ended().await.status, Some(0));
    let server = bank.serve().await;
    let op = server.caller().with_token(&token);
    let import = finished(&op, id).await;
    assert_eq!(
        (&import["status"], &import["rows_read"], &import["rows_inserted"]),
        (&json!("COMPLETED"), &json!(MANY), &json!(MANY)),
        "{import}"
    );
    assert_eq!(month.answered(&server.caller()).await, month.sums);
    let again = upload_to(&op, PATH, "again.csv", month.text.as_bytes())
        .await
        .expect(202);
    let again = finished(&op, id_of(&again)).await;
    assert_eq!(
        (&again["rows_inserted"], &again["rows_duplicate"]),
        (&json!(0), &json!(MANY))
    );
    assert_eq!(month.answered(&server.caller()).await, month.sums);
    server.kill().await;
    verifies(&bank.place).await;
    bank.place.remove().await;
}

/// Waits until a running import has read more rows than before.
pub async fn rows_beyond(op: &Caller, id: &str, before: u64) -> u64 {
    loop {
        let import = op.get(&format!("/v1/imports/{id}")).await.expect(200);
        assert_eq!(
            import["status"], "RUNNING",
            "too fast to be killed in the middle: {import}"
        );
        let rows = import["rows_read"].as_u64().expect("rows are counted");
        if rows > before {
            return rows;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_consumes_what_somebody_else_has_queued() {
    let bank = Bank::new(Backend::Sqlite, true).await;
    let server = bank.serve().await;
    let url = bank.redis.as_deref().expect("this bank has a Redis");
    let prefix = format!("florin:aggregates:{{{}}}:", name_of(&bank).await);
    let queue = format!("{prefix}queue");
    let command = async |words: &[&str]| RedisServer::command(url, words).await.expect("Redis answers");
    // The block of an importer that died after it had queued the block.
    let epoch = command(&["HGET", &format!("{prefix}state"), "epoch"]).await;
    let epoch = epoch.lines().nth(1).expect("there is an epoch");
    let mark = format!("{prefix}next:{epoch}:{}", Uuid::from_u128(1).simple());
    command(&["SET", &mark, "0:"]).await;
    command(&["XADD", &queue, "*", "block", &message()]).await;
    let expected = Sums::from([(format!("{} deposits visa", today()), 15_000)]);
    let (anyone, month) = (server.caller(), Month::new(1, 0, today()));
    until(&expected, || month.answered(&anyone)).await;
    let waiting = async || command(&["XLEN", &queue]).await;
    until(&":0\r\n".to_owned(), waiting).await;
    server.kill().await;
    bank.place.remove().await;
}

/// A block of one deposit.
fn message() -> String {
    let row = TransactionRow {
        day: Day::from(today()),
        kind: PaymentKind::Deposit,
        method: Method::try_new("visa").expect("this is a method"),
        amount: Money::from_units(15_000).expect("this is money"),
        sleep_ms: 0,
    };
    let usd = Currency::from_code("USD").expect("USD is a currency");
    let message = Message {
        import: ImportId(Uuid::from_u128(1)),
        block: 0,
        totals: totals_of(&[row], usd),
    };
    message.encode()
}

/// The bank's name in Redis.
async fn name_of(bank: &Bank) -> String {
    let db = Database::connect(&bank.place.url)
        .await
        .expect("the bank's database can be opened");
    let query = Statement::from_string(db.get_database_backend(), "SELECT bank FROM aggregates_state");
    let row = db.query_one_raw(query).await.expect("the query runs");
    let name = row.expect("there is a state").try_get("", "bank");
    db.close().await.expect("a connection can be closed");
    name.expect("the bank has a name")
}
