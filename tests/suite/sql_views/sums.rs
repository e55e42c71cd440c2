//! Sums that do not fit into 64 bits.

use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};
use service::shell::{SqlError, SqlReader};

use super::{read, shown, try_read};
use crate::requests::{MOST, quiet_customer};

on_every_backend!(
    sums_of_the_largest_amounts_are_exact,
    a_sum_of_units_is_exact_or_refused,
    an_empty_bank_has_no_sums,
);

/// So many of the largest amounts are more than 2^63 ten-thousandths.
const RICH: usize = 12;

async fn rich_bank(bank: &Arc<TestBank>) -> SqlReader {
    for number in 0..RICH {
        let (_, wallet) = quiet_customer(bank, &format!("rich{number}")).await;
        bank.fund(wallet, MOST, &format!("m{number}")).await;
    }
    SqlReader::open(&bank.database.url).await.expect("a bank can be read")
}

async fn sums_of_the_largest_amounts_are_exact(bank: Arc<TestBank>) {
    let reader = rich_bank(&bank).await;
    let customers = "SELECT * FROM v_trial_balance WHERE kind = 'customer'";
    let row = &shown(&read(&reader, customers).await)[0];
    let sums = ["accounts", "debit", "credit", "balance"].map(|name| &*row[name]);
    assert_eq!(sums, ["12", "0.0000", "1199999999999999.9988", "1199999999999999.9988"]);
    let system = "SELECT * FROM v_trial_balance WHERE kind = 'system'";
    for row in shown(&read(&reader, system).await) {
        let negative = format!("-{MOST}");
        let sums = ["accounts", "debit", "credit", "balance"].map(|name| &*row[name]);
        assert_eq!(sums, ["1", MOST, "0.0000", &*negative]);
    }
    let daily = shown(&read(&reader, "SELECT transfers, amount FROM v_daily").await);
    assert_eq!(daily.len(), 1);
    assert_eq!(
        [&*daily[0]["transfers"], &*daily[0]["amount"]],
        ["12", "1199999999999999.9988"]
    );
    reader.close().await;
}

async fn a_sum_of_units_is_exact_or_refused(bank: Arc<TestBank>) {
    let reader = rich_bank(&bank).await;
    let sum = try_read(
        &reader,
        "SELECT sum(units) AS n FROM v_accounts WHERE kind = 'customer'",
    )
    .await;
    match bank.backend {
        Backend::Postgres => {
            let answer = sum.expect("a numeric has room for it");
            assert_eq!(shown(&answer)[0]["n"], "11999999999999999988");
        }
        Backend::Sqlite => match sum {
            Err(SqlError::Refused(sentence)) => assert!(sentence.contains("integer overflow"), "{sentence}"),
            other => panic!("{other:?}"),
        },
    }
    reader.close().await;
}

async fn an_empty_bank_has_no_sums(bank: Arc<TestBank>) {
    let reader = SqlReader::open(&bank.database.url).await.expect("a bank can be read");
    for view in service::shell::VIEWS {
        let answer = read(&reader, &format!("SELECT * FROM {}", view.name)).await;
        assert!(
            answer.rows.is_empty() && answer.cut_by.is_none(),
            "{}: {answer:?}",
            view.name
        );
    }
    quiet_customer(&bank, "ana").await;
    let row = &shown(&read(&reader, "SELECT * FROM v_trial_balance").await)[0];
    assert_eq!([&*row["debit"], &*row["credit"], &*row["balance"]], ["0.0000"; 3]);
    reader.close().await;
}
