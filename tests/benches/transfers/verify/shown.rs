//! Random transfers and their receipts over HTTP, in turns.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use service::clock::random_bytes;
use uuid::Uuid;

use crate::common::client::{self, new_histogram};
use crate::report::{Measure, Report};
use crate::stage::Stage;
use crate::timed::get;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptLook {
    Transfer,
    Receipt,
}

/// Over how many connections.
pub const RECEIPT_CONNECTIONS: [usize; 2] = [1, 16];

/// Turns into which the time of a measurement is divided, after one that warms up.
const TURNS: u32 = 4;

/// The name of a measurement.
pub fn receipt_look_name(shown: ReceiptLook, connections: usize) -> String {
    let what = match shown {
        ReceiptLook::Transfer => "transfer by id",
        ReceiptLook::Receipt => "receipt",
    };
    format!("verify postgres, GET {what}, {connections} connections")
}

/// Asks for random transfers and for receipts of random transfers, as an operator, who may see all.
pub async fn measure(report: &mut Report, stage: &Stage, connections: usize, time: Duration) -> Result<()> {
    let ids: Arc<[Uuid]> = some_ids(stage).await?.into();
    let server = stage.server(&[]).await?;
    let mut all = [ReceiptLook::Transfer, ReceiptLook::Receipt].map(|shown| (shown, Duration::ZERO));
    let mut histograms = [new_histogram()?, new_histogram()?];
    for turn in 0..=TURNS {
        for ((shown, elapsed), histogram) in all.iter_mut().zip(&mut histograms) {
            let writers = (0..connections).map(|_| writer(*shown, ids.clone(), &stage.accounts.operator));
            let latencies = client::run(server.address, time / TURNS, 200, writers).await?;
            if turn > 0 {
                histogram.add(&latencies.histogram)?;
                *elapsed += latencies.elapsed;
            }
        }
    }
    for ((shown, elapsed), histogram) in all.into_iter().zip(histograms) {
        report.add(&receipt_look_name(shown, connections), Measure::of(&histogram, elapsed));
    }
    Ok(())
}

fn writer(shown: ReceiptLook, ids: Arc<[Uuid]>, token: &str) -> impl FnMut(&mut Vec<u8>) -> Result<()> + Send + use<> {
    let mut dice = SmallRng::seed_from_u64(u64::from_le_bytes(random_bytes()));
    let token = token.to_owned();
    let rest = match shown {
        ReceiptLook::Transfer => "",
        ReceiptLook::Receipt => "/receipt",
    };
    move |request: &mut Vec<u8>| {
        let id = ids[dice.random_range(0..ids.len())];
        request.extend_from_slice(get(&format!("/v1/transfers/{id}{rest}"), &token).as_bytes());
        Ok(())
    }
}

/// The ids of one in fifty transfers.
async fn some_ids(stage: &Stage) -> Result<Vec<Uuid>> {
    let sql = "SELECT id FROM transfers TABLESAMPLE BERNOULLI (2)";
    let rows = stage
        .db
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    let ids = rows.iter().map(|row| -> Result<Uuid> { Ok(row.try_get("", "id")?) });
    let ids = ids.collect::<Result<Vec<Uuid>>>()?;
    ensure!(!ids.is_empty(), "a bank of this size gives some ids");
    Ok(ids)
}
